"""Jobs on a real Ray cluster on this machine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bertie.errors import InputError
from bertie.jobs import Mapper, Summary, ray_map

from .conftest import table

ray = pytest.importorskip("ray", reason="Ray isn't installed: pip install 'bertie[ray]'")

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own, of what it is built on

Embed = Callable[..., Summary]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """A cluster, gone afterwards."""
    from bertie.jobs.on_ray import connect

    connect()
    yield
    ray.shutdown()


@pytest.mark.parametrize("name", ["rows", "mixed"])
def test_a_job_on_ray_gives_the_bytes_of_a_local_one(
    name: str, embed: Embed, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    rows = request.getfixturevalue(name)
    embed(rows, output="local.parquet")
    counts = embed(rows, on="ray", workers=2).counts
    assert (counts.rows, counts.rejected) == ((100, 0) if name == "rows" else (52, 8))
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "local.parquet").read_bytes()


def test_a_worker_says_what_went_wrong_as_the_driver_would(embed: Embed, rows: Path) -> None:
    with pytest.raises(InputError, match="kind"):
        embed(rows, on="ray", options={"kind": "poem"})


def test_a_data_set_of_ones_own_is_mapped(tiny_sentence: Path, rows: Path, embed: Embed) -> None:
    embed(rows)
    given = table(rows.parent / "out.parquet")
    dataset = ray.data.from_arrow(given.select(["id", "text"]))
    mapped = ray_map(dataset, Mapper("embed", str(tiny_sentence)), workers=1)
    found = pa.concat_tables(ray.get(mapped.to_arrow_refs())).sort_by("id")
    assert found.column("embedding").to_pylist() == given.sort_by("id")["embedding"].to_pylist()
    assert found.column("rejected").null_count == 100


def test_a_data_set_that_tasks_read_and_write_is_mapped(
    tiny_sentence: Path, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"text": ["a song", "a stone", "rain"]}), tmp_path / "in.parquet")
    read = ray.data.read_parquet(str(tmp_path / "in.parquet"))
    for rows, keep in (({"a song", "rain"}, lambda row: row["text"] != "a stone"), (set(), None)):
        kept = read.filter(keep or (lambda row: False))
        folder = tmp_path / f"out{len(rows)}"
        ray_map(kept, Mapper("embed", str(tiny_sentence))).write_parquet(str(folder))
        files = sorted(folder.glob("*.parquet"))
        found = {text for file in files for text in pq.read_table(file)["text"].to_pylist()}
        assert found == rows
