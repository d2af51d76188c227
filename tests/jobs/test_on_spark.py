"""Jobs on a real Spark on this machine."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

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
