"""Rows of text from files, and what is said of files that can't be read."""

import contextlib
import csv
import gzip
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.errors import InputError
from bertie.tables import LONGEST_LINE, Bad, Row, Table, format_of, read


def rows(data: bytes, format: str = "csv", column: str = "text") -> list[Row]:
    return list(Table(io.BytesIO(data), name="file", format=format, column=column))


def fields(data: bytes, format: str = "csv", column: str = "text") -> list[Any]:
    return [row.fields for row in rows(data, format, column)]


def test_csv_rows_have_the_names_of_the_header() -> None:
    data = b'text,answer\r\n"one, with a comma","two\nlines"\r\n\r\nthree,four\r\n'
    assert rows(data) == [
        Row(1, 3, {"text": "one, with a comma", "answer": "two\nlines"}),
        Row(2, 5, {"text": "three", "answer": "four"}),
    ]


def test_tsv_has_tabs() -> None:
    assert fields(b"id\ttext\n1\ta, b\n", "tsv") == [{"id": "1", "text": "a, b"}]


def test_jsonl_rows_are_objects_and_may_differ() -> None:
    data = b'{"text": "one", "n": 1}\n\n{"text": "two", "list": [1]}'
    assert rows(data, "jsonl") == [
        Row(1, 1, {"text": "one", "n": 1}),
        Row(2, 3, {"text": "two", "list": [1]}),
    ]


def test_plain_lines_keep_their_spaces_and_a_blank_line_is_an_empty_text() -> None:
    assert fields(b" one \r\n\ntwo", "lines") == [{"text": " one "}, {"text": ""}, {"text": "two"}]


@pytest.mark.parametrize(
    ("format", "data"), [("csv", b"text\na\n"), ("jsonl", b'{"text": "a"}'), ("lines", b"a\n")]
)
def test_a_byte_order_mark_is_no_part_of_the_text(format: str, data: bytes) -> None:
    assert fields(b"\xef\xbb\xbf" + data, format) == [{"text": "a"}]


@pytest.mark.parametrize(
    ("format", "data", "said"),
    [
        ("csv", b"", "file is empty, expected a header"),
        ("csv", b"\n\n", "file is empty, expected a header"),
        ("jsonl", b"", "file is empty, expected one JSON object a line"),
        ("lines", b"", "file is empty, expected one text a line"),
        ("csv", b"id,body\n1,a\n", "file: no column 'text', it has 'id', 'body'; name one with"),
        ("csv", b"id;text\n1;a\n", r"it has 'id;text' \(one column: CSV has commas between"),
        ("tsv", b"id,text\n1,a\n", r"it has 'id,text' \(one column: TSV has tabs between"),
        ("csv", b"text,text\na,b\n", "the header has column 'text' twice"),
        ("csv", b"text,b\n1,2\n1,2,3\n", r"row 2 \(line 3\): columns: 3, expected 2 as in"),
        ("csv", b"text,b\n1\n", r"row 1 \(line 2\): columns: 1, expected 2"),
        ("csv", b'text\n"a"b\n', r"row 1 \(line 2\): not well-formed CSV"),
        ("csv", b'text\nx\n"a\nb\n', r"row 2 \(line 4\): not well-formed CSV: unexpected end"),
        ("csv", b"text\nok\nca\xe9\n", r"row 2 \(line 3\): not UTF-8: byte 0xe9 at byte 2"),
        ("csv", b"te\xe9xt\nok\n", r"header \(line 1\): not UTF-8: byte 0xe9 at byte 2"),
        ("csv", b"text\nok\na\0b\n", r"row 2 \(line 3\): a NUL byte at byte 1 of the line"),
        ("lines", b"ok\na\0b\n", r"row 2 \(line 2\): a NUL byte"),
        ("lines", "a\n".encode("utf-16"), "file is UTF-16, expected UTF-8"),
        ("jsonl", b'{"text": "a"}\n{"text"}\n', r"row 2 \(line 2\): not JSON: .* column 8"),
        ("jsonl", b'["a"]\n', r"row 1 \(line 1\): a JSON list, expected an object"),
        ("jsonl", b'{"body": "a"}\n', r"row 1 \(line 1\): no key 'text', it has 'body'"),
        ("jsonl", b'{"text": 3}\n', r"row 1 \(line 1\): column 'text' is int, expected text"),
        ("jsonl", b'{"text": null}\n', r"row 1 \(line 1\): column 'text' is NoneType"),
        ("jsonl", b'{"text": "\\ud800"}\n', r"row 1 \(line 1\): column 'text' holds half a surr"),
        ("jsonl", b"[" * 100_000 + b"\n", r"row 1 \(line 1\): (JSON nested too deeply|not JSON)"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_file_row_and_column(
    format: str, data: bytes, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        rows(data, format)


def test_the_rows_before_a_bad_one_are_given_first() -> None:
    reading = iter(Table(io.BytesIO(b"text\na\nb\0\n"), name="f", format="csv", column="text"))
    assert next(reading).fields == {"text": "a"}
    with pytest.raises(InputError, match="NUL"):
        next(reading)


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "lines"])
def test_an_endless_line_fails_fast_in_little_memory(format: str, tmp_path: Path) -> None:
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.truncate(100 << 20)  # a hole: 100 MiB that take no disk
        file.seek(0)
        file.write(b"x")
    tracemalloc.start()
    try:
        with path.open("rb") as file, pytest.raises(InputError, match=r"line 1\): a line longer"):
            list(Table(file, name="long", format=format, column="text"))
        assert tracemalloc.get_traced_memory()[1] < 3 * LONGEST_LINE
    finally:
        tracemalloc.stop()


def test_a_quote_that_never_ends_does_not_swallow_the_file() -> None:
    data = b'text\nok\n"' + b"0123456789abcde\n" * ((LONGEST_LINE >> 4) + 10)
    with pytest.raises(InputError, match=r"row 2 \(line \d+\): not well-formed CSV: field larger"):
        rows(data)


def test_a_field_may_be_longer_than_the_csv_module_allows_by_itself() -> None:
    long = "x" * 300_000
    assert fields(f"text\n{long}\n".encode()) == [{"text": long}]


def test_a_format_is_told_from_the_name() -> None:
    assert [format_of(Path(name)) for name in ("a.csv", "a.TSV", "a.ndjson", "a.txt")] == [
        "csv",
        "tsv",
        "jsonl",
        "lines",
    ]
    with pytest.raises(InputError, match=r"from '\.parquet', expected one of \.csv.*--format"):
        format_of(Path("a.parquet"))


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.tuples(texts, texts), min_size=1))
def test_what_the_csv_module_writes_is_read_back(written: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("text", "b"), *written])
    read = [(row["text"], row["b"]) for row in fields(out.getvalue().encode())]
    assert read == written


@given(st.lists(texts, min_size=1))
def test_what_json_writes_is_read_back(written: list[str]) -> None:
    data = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in written)
    assert [row["text"] for row in fields(data.encode(), "jsonl")] == written


@given(st.binary(max_size=200), st.sampled_from(["csv", "tsv", "jsonl", "lines"]))
def test_any_bytes_are_rows_or_an_input_error(data: bytes, format: str) -> None:
    with contextlib.suppress(InputError):
        rows(data, format)


def each(data: bytes, format: str = "csv") -> list[Row | Bad]:
    return list(Table(io.BytesIO(data), name="file", format=format, column="text").each())


def test_bad_rows_come_among_the_good_ones() -> None:
    good, bad, *others = each(b"text,b\n1,2\n1\n3,4\n")
    assert good == Row(1, 2, {"text": "1", "b": "2"})
    assert isinstance(bad, Bad)
    assert (bad.number, bad.line) == (2, 3)
    assert bad.reason.startswith("columns: 1, expected 2")
    assert others == [Row(3, 4, {"text": "3", "b": "4"})]


def test_a_quote_that_nothing_closes_takes_its_own_line_alone() -> None:
    found = each(b'text\n"open\nsecond\nthird\n')
    assert [type(row) for row in found] == [Bad, Row, Row]
    assert [(row.number, row.line) for row in found] == [(1, 2), (2, 3), (3, 4)]


@given(st.binary(max_size=200), st.sampled_from(["csv", "tsv", "jsonl", "lines"]))
def test_every_byte_is_seen_once_whatever_is_bad(data: bytes, format: str) -> None:
    seen: list[bytes] = []
    table = Table(io.BytesIO(data), name="f", format=format, column="text", seen=seen.append)
    with contextlib.suppress(InputError):
        rows = list(table.each())
        assert data.startswith(b"".join(seen))
        assert table.bytes_read == len(b"".join(seen))
        assert data[table.bytes_read :].strip() == b""
        assert [row.number for row in rows] == [*range(1, len(rows) + 1)]


def test_reading_goes_on_from_the_middle() -> None:
    data = b"id,text\n1,a\n2,b\n3,c\n"
    file = io.BytesIO(data)
    file.seek(12)
    table = Table(
        file, name="f", format="csv", column="text", header=["id", "text"], start=(1, 2, 12)
    )
    assert list(table) == [Row(2, 3, {"id": "2", "text": "b"}), Row(3, 4, {"id": "3", "text": "c"})]


def test_compressed_files_are_read_and_broken_ones_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"text\na\nb\n"))
    assert format_of(path) == "csv"
    assert [row.fields["text"] for row in read(path)] == ["a", "b"]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"rows\.csv\.gz can't be read: Compressed file ended"):
        list(read(path))
