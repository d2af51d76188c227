"""Jobs on a real Spark on this machine."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.errors import InputError
from bertie.jobs import Mapper, Summary, spark_map
from tests.timeouts import TIMEOUT

pytest.importorskip("pyspark", reason="Spark isn't installed: pip install 'bertie[spark]'")
pytestmark = pytest.mark.filterwarnings("ignore")  # Spark's own, of what it is built on

Embed = Callable[..., Summary]


@pytest.fixture(scope="module", autouse=True)
def session() -> Iterator[object]:
    """A session, gone afterwards."""
    from bertie.jobs.on_spark import connect

    opened = connect()
    yield opened
    opened.stop()


@pytest.mark.parametrize("name", ["rows", "mixed"])
def test_a_job_on_spark_gives_the_bytes_of_a_local_one(
    name: str, embed: Embed, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    rows = request.getfixturevalue(name)
    embed(rows, output="local.parquet")
    counts = embed(rows, on="spark").counts
    assert (counts.rows, counts.rejected) == ((100, 0) if name == "rows" else (52, 8))
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "local.parquet").read_bytes()


def test_a_worker_says_what_went_wrong_as_the_driver_would(embed: Embed, rows: Path) -> None:
    with pytest.raises(InputError, match="kind"):
        embed(rows, on="spark", options={"kind": "poem"})


def test_a_data_frame_of_ones_own_is_mapped(session: object, tiny_sentence: Path) -> None:
    texts = ["the old bridge", None, "a cat"]
    frame = session.createDataFrame(list(enumerate(texts)), "id int, text string")  # type: ignore[attr-defined]
    mapper = Mapper("embed", str(tiny_sentence), options={"output": "float16"})
    found = {row.id: row for row in spark_map(frame, mapper).collect()}
    assert found[1].embedding is None
    assert found[1].rejected == "column 'text' is null, expected text"
    expected = bertie.load(tiny_sentence).embed([texts[0], texts[2]], output="float16")
    got = np.array([found[0].embedding, found[2].embedding], np.float16)
    np.testing.assert_array_equal(got, expected)


def test_columns_of_any_name_and_type_stay_what_they_were(
    session: Any, tiny_sentence: Path
) -> None:
    values = {
        "a.b": ("string", "a path?"),
        "back`tick": ("string", "x"),
        "Product Name é": ("int", 1),
        "select": ("decimal(10,2)", Decimal("1.10")),
        "Text": ("timestamp", dt.datetime(2020, 1, 1, 5)),
        "ntz": ("timestamp_ntz", dt.datetime(2020, 1, 1, 5)),
        "day": ("date", dt.date(2020, 1, 1)),
        "bytes": ("binary", b"x"),
        "list": ("array<int>", [1]),
        "map": ("map<string,int>", {"k": 1}),
        "text": ("string", "a cat"),
    }
    schema = ", ".join(f"`{name.replace('`', '``')}` {kind}" for name, (kind, _) in values.items())
    frame = session.createDataFrame([tuple(value for _, value in values.values())], schema)
    for column in ("text", "a.b", "back`tick"):
        found = spark_map(frame, Mapper("embed", str(tiny_sentence), column=column))
        assert found.columns == [*values, "embedding", "rejected"]
        assert [*found.schema][: len(values)] == [*frame.schema]
        (row,) = found.collect()
        assert row[: len(values)] == tuple(value for _, value in values.values())
        expected = bertie.load(tiny_sentence).embed([values[column][1]])[0]
        np.testing.assert_array_equal(np.array(row.embedding, np.float32), expected)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("text timestamp, other string", "column 'text' is timestamp, expected text"),
        ("text int, other string", "column 'text' is int, expected text"),
        ("Embedding string, text string", "'Embedding', which Spark doesn't tell from 'embedding'"),
        ("Text string, other string", "no column 'text', it has 'Text', 'other'"),
    ],
)
def test_frames_that_cannot_be_mapped_are_refused(
    session: Any, tiny_sentence: Path, schema: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        spark_map(session.createDataFrame([], schema), Mapper("embed", str(tiny_sentence)))


def test_it_runs_where_submitting_says() -> None:
    master = "--master local[1] --conf spark.ui.enabled=false pyspark-shell"
    code = "from bertie.jobs.on_spark import connect; print(connect().sparkContext.master)"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYSPARK_SUBMIT_ARGS": master},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert ran.stdout.strip() == "local[1]", ran.stderr
