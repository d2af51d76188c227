"""What a column takes is kept as it was; what it doesn't is refused, and nothing is stored."""

import datetime as dt
import json
from decimal import Decimal
from enum import IntEnum, StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bertie.errors import InputError
from bertie.search import Index
from bertie.search.values import ValueMismatch, column_converter, to_python, type_of

pytest.importorskip("lancedb")

DAY, NOON = dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 12, 0, 0, 1)
AWARE = NOON.replace(tzinfo=dt.timezone(dt.timedelta(hours=2)))
UNICODE = st.text(st.characters(codec="utf-8"), max_size=4)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.integers(-(2**65), 2**65)
    | st.sampled_from([2**53 + 1, -(2**63), 2**63, 1e308, -0.0, "1", "true", ""])
    | st.floats(allow_nan=False)
    | UNICODE
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.just(dt.UTC))
    | st.times()
    | st.decimals(-99, 99, places=2)
    | st.binary(max_size=3)
    | st.lists(st.integers() | UNICODE, max_size=2)
    | st.dictionaries(UNICODE, st.integers(), max_size=2)
)
NUMBERS = st.integers(-9, 9) | st.floats(-9, 9) | st.booleans() | st.none()
ADDS = st.sampled_from([VALUES, NUMBERS, VALUES]).flatmap(
    lambda values: st.lists(
        st.lists(st.dictionaries(st.sampled_from("ab"), values), min_size=1, max_size=3),
        min_size=1,
        max_size=4,
    )
)


def exact(value: Any) -> Any:
    """A value to compare, with its type; what has parts is kept as JSON."""
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, (dt.datetime, dt.time)):
        value = value.replace(fold=0)
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None), "aware"
    return (type(value).__name__, repr(value))


def is_same(before: Any, after: Any) -> bool:
    """Whether a value came back; a whole number may be in a column of floats, if it is exact."""
    if type(before) is int and type(after) is float:
        return bool(before == after)
    if isinstance(before, Decimal):
        return type(after) is Decimal and before == after
    return bool(exact(before) == exact(after))


def stored(index: Index) -> dict[str, Any]:
    return {row["key"]: row["fields"] for row in index.rows()}


@settings(max_examples=25, deadline=None)
@given(adds=ADDS)
@example(adds=[[{"a": 1}, {"a": 2}], [{"a": 9.99}]])
@example(adds=[[{"a": 0.5}], [{"a": True}, {"b": 1}]])
@example(adds=[[{"a": DAY}], [{"a": NOON}]])
@example(adds=[[{"a": None}], [{"a": "text"}]])
def test_any_value_comes_back_as_it_was_or_its_call_is_refused(
    embedder: Any, adds: list[list[dict[str, Any]]]
) -> None:
    with TemporaryDirectory() as directory:
        index = Index.create(Path(directory) / "index", model=embedder, key="id")
        kept: dict[str, Any] = {}
        for number, rows in enumerate(adds):
            given = {f"{number}-{place}": row for place, row in enumerate(rows)}
            columns, said = index.columns, ""
            try:
                index.add({"id": key, "text": "a", **row} for key, row in given.items())
                kept |= given
            except InputError as error:
                said = str(error)
            assert not said or ("expected" in said and index.columns == columns)
            found = stored(index)
            assert found.keys() == kept.keys()
            for key, row in kept.items():
                for name, value in found[key].items():
                    if name not in ("id", "text"):
                        assert is_same(row.get(name), value)


@pytest.mark.parametrize(
    ("first", "refused"),
    [
        (1, [9.99, 1.0, True, "1", NOON, Decimal(1), 2**63, -(2**63) - 1, np.float64(1.5)]),
        (0.5, [True, "0.5", 2**53 + 1, 10**400, Decimal("0.5")]),
        (True, [1, 0, 1.0, "true"]),
        ("a", [1, 1.5, True, DAY, b"a"]),
        (DAY, [NOON, AWARE, "2020-01-01", 1]),
        (NOON, [DAY, AWARE, "2020-01-01", 1, np.datetime64("2020-01-01", "D")]),
        (AWARE, [NOON, DAY]),
        (dt.time(1), [NOON, dt.time(1, tzinfo=dt.UTC), "01:00"]),
        (Decimal("1.25"), [Decimal("1.255"), 1.25, 1, Decimal("NaN"), Decimal("Infinity")]),
        (b"a", ["a", 1]),
        ([1], [1, True]),
    ],
)
def test_a_value_of_another_type_is_refused(
    tmp_path: Path, embedder: Any, first: Any, refused: list[Any]
) -> None:
    index = Index.create(tmp_path / "index", model=embedder, key="id")
    index.add([{"id": "1", "text": "a", "value": first}])
    before = stored(index)
    for value in refused:
        rows = [{"id": "2", "text": "b", "value": first}, {"id": "3", "text": "c", "value": value}]
        for call in (
            lambda rows=rows: index.add(rows),
            lambda value=value: (
                index.update([{"id": "1", "value": first}, {"id": "1"}][:1])
                and index.update([{"id": "1", "value": value}])
            ),
        ):
            with pytest.raises(InputError, match=r"row [12]: column 'value' has .*, expected"):
                call()
        with pytest.raises(InputError, match=r"column 'value' has .*, expected"):
            index.annotate("value", {"1": value})
        assert stored(index) == before
    index.update([{"id": "1", "value": None}])
    assert stored(index)["1"]["value"] is None


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5], "double"),
        ([1, None, 2], "int64"),
        ([Decimal("1.5"), Decimal("1.255")], "decimal128(38, 3)"),
        ([AWARE, AWARE.astimezone(dt.UTC)], "timestamp[us, tz=UTC]"),
        ([None, "a"], "string"),
    ],
)
def test_the_first_values_settle_a_columns_type(values: list[Any], kind: str) -> None:
    found = type_of(values)
    assert str(found) == kind
    for value in values:
        assert column_converter(found)(value) == value


class Colour(StrEnum):
    RED = "red"


class Size(IntEnum):
    SMALL = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(5), 5),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.datetime64("2020-01-01"), DAY),
        (np.datetime64("2020-01-01T12:00:00.000001000"), NOON),
        (np.timedelta64(5, "s"), dt.timedelta(seconds=5)),
        (np.array(5), 5),
        (np.array([[1, 2]]), "[[1, 2]]"),
        (Colour.RED, "red"),
        (Size.SMALL, 1),
        ((1, {"b": DAY}), '[1, {"b": "2020-01-01"}]'),
        ([np.float64(0.1), np.datetime64("2020-01-01"), b"\xff"], '[0.1, "2020-01-01", "/w=="]'),
    ],
)
def test_values_of_other_libraries_become_pythons_own(value: Any, expected: Any) -> None:
    found = to_python(value)
    assert type(found) is type(expected)
    assert found == expected


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        1j,
        np.datetime64("2020-01-01T00:00:00.000000001"),
        np.datetime64("NaT", "us"),
        np.datetime64(2**62, "s"),
        np.longdouble("0.1"),
        {"a": {1: 2}},
        [[object()]],
    ],
)
def test_what_cannot_be_kept_is_refused(tmp_path: Path, embedder: Any, value: Any) -> None:
    if isinstance(value, np.longdouble) and float(value) == value:
        pytest.skip("no long double here")
    with pytest.raises(ValueMismatch):
        to_python(value)
    index = Index.create(tmp_path / "index", model=embedder)
    with pytest.raises(InputError, match=r"row 1: column 'value' has .*, expected a text"):
        index.add([{"text": "a", "value": value}])
    assert len(index) == 0
    assert index.columns == ["text"]


def test_lists_without_end_are_refused(tmp_path: Path, embedder: Any) -> None:
    endless: list[Any] = []
    endless.append(endless)
    index = Index.create(tmp_path / "index", model=embedder)
    with pytest.raises(InputError, match="lists and mappings in one another"):
        index.add([{"text": "a", "value": endless}])


def test_times_of_pandas_are_kept_to_the_last_digit() -> None:
    pandas = pytest.importorskip("pandas")
    assert to_python(pandas.Timestamp(NOON)) == NOON
    assert type(to_python(pandas.Timestamp(AWARE))) is dt.datetime
    assert to_python(pandas.Timestamp(AWARE)) == AWARE
    for value in (pandas.Timestamp(1), pandas.NaT):
        with pytest.raises(ValueMismatch, match="finer than microseconds, or no time"):
            to_python(value)


def test_keys_are_texts_or_whole_numbers_everywhere(filled: Index) -> None:
    before = stored(filled)
    for key in (1.0, True, None, b"1", ""):
        for call in (
            lambda key=key: filled.add([{"id": key, "text": "a"}]),
            lambda key=key: filled.update([{"id": key, "year": 1}]),
            lambda key=key: filled.delete([key]),
            lambda key=key: filled.annotate("more", {key: 1}),
        ):
            with pytest.raises(InputError, match="expected a text or a number"):
                call()
    assert stored(filled) == before
    assert filled.delete([np.int64(1), 2, "3"]) == 3


def test_a_refused_first_add_leaves_no_key(tmp_path: Path, embedder: Any) -> None:
    index = Index.create(tmp_path / "index", model=embedder)
    with pytest.raises(InputError, match="row 2: column 'n' has 'x', expected int64"):
        index.add([{"a": "1", "text": "a", "n": 1}, {"a": "2", "text": "b", "n": "x"}], key="a")
    assert Index.open(index.path).settings.key is index.settings.key is None
    assert len(index) == 0


@pytest.mark.parametrize(
    ("value", "others", "refused"),
    [
        ("it's \\ a \n`text`\0", ["it", "its"], [1, True, DAY]),
        (2**63 - 1, [2**63 - 2, -(2**63)], ["1", 1.0, True, 2**63]),
        (-(2**63), [0], []),
        (0.1, [1, 0.1 + 1e-16, 5e-324], ["0.1", True, 2**53 + 1]),
        (1e308, [-1e308], []),
        (True, [False], [1, "true"]),
        (DAY, [dt.date(1, 1, 1)], [NOON, 1, "soon"]),
        (NOON, [NOON.replace(microsecond=2)], [DAY, AWARE, "soon"]),
        (AWARE, [AWARE.replace(microsecond=2)], [NOON, DAY]),
        (Decimal("1.10"), [Decimal("1.20")], [1.1, True, "a"]),
        ([1, "a"], [[1], []], [1]),
    ],
)
def test_a_condition_compares_values_of_the_columns_type(
    tmp_path: Path, embedder: Any, value: Any, others: list[Any], refused: list[Any]
) -> None:
    index = Index.create(tmp_path / "index", model=embedder, key="id")
    rows = [{"id": n, "text": "a cat", "v": one} for n, one in enumerate([value, *others, None])]
    index.add(rows)
    for row in rows:
        wanted = json.dumps(row["v"]) if isinstance(row["v"], list) else row["v"]
        for mode in ("vector", "text", "hybrid"):
            found = index.search("cat", where={"v": wanted}, mode=mode)
            assert [match.key for match in found] == [str(row["id"])]
    if isinstance(value, (dt.date, Decimal)):  # as JSON has them
        said = str(value)
        assert [match.key for match in index.search("cat", where={"v": said})] == ["0"]
    for wrong in refused:
        with pytest.raises(InputError, match=r"where: column 'v' has .*, expected"):
            index.search("cat", where={"v": wrong})
    assert index.delete(where={"v": json.dumps(value) if isinstance(value, list) else value}) == 1
    assert len(index) == len(others) + 1


class Again:
    """Rows that can be read again, and aren't in a list."""

    again = True

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    def __iter__(self) -> Any:
        return iter(self._rows)


@pytest.mark.parametrize("given", [list, Again])
@pytest.mark.parametrize(
    ("last", "said"),
    [
        (True, "row 6: column 'v' has True, expected int64"),
        (2**63, "row 6: column 'v' has 9223372036854775808, expected int64"),
        (None, "row 7: column 'text' is missing"),
    ],
)
def test_nothing_of_a_refused_call_is_stored_however_long_it_is(
    tmp_path: Path,
    embedder: Any,
    monkeypatch: pytest.MonkeyPatch,
    given: Any,
    last: Any,
    said: str,
) -> None:
    monkeypatch.setattr("bertie.search.adding._CHUNK", 2)
    index = Index.create(tmp_path / "index", model=embedder, key="id")
    rows: list[dict[str, Any]] = [{"id": n, "text": "a", "v": n} for n in range(5)]
    with pytest.raises(InputError, match=said):
        index.add(given([*rows, {"id": 5, "text": "a", "v": last}, *[{"id": 6}] * (last is None)]))
    assert (len(index), index.columns) == (0, ["text"])
    index.add(given([*rows, {"id": 5, "text": "a", "v": 0.5}]))  # whole numbers are floats then
    assert [type(row["v"]) for row in stored(index).values()] == [float] * 6
    rows[3]["v"] = 2**53 + 1
    with pytest.raises(InputError, match=r"row 4: column 'v' has 9007199254740993 \(too long"):
        index.add(given(rows))


def test_an_iterator_is_kept_some_rows_at_a_time(
    tmp_path: Path, embedder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bertie.search.adding._CHUNK", 2)
    index = Index.create(tmp_path / "index", model=embedder, key="id")
    with pytest.raises(InputError, match="row 4: column 'v' has '3', expected double"):
        index.add({"id": n, "text": "a", "v": float(n) if n < 3 else str(n)} for n in range(5))
    assert len(index) <= 2

    class Once:  # what it gives, it gives once
        def __init__(self) -> None:
            self._rows = iter([{"id": n, "text": "a", "v": n / 2} for n in range(9, 14)])

        def __iter__(self) -> Any:
            return self._rows

    before = len(index)
    assert index.add(Once()).added == 5
    assert len(index) == before + 5
    assert all(type(row["v"]) is float for row in stored(index).values())
