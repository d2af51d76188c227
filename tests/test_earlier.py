"""What an earlier release made opens, and gives what it gave."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="pyarrow isn't installed")
pytest.importorskip("lancedb", reason="lancedb isn't installed")

import pyarrow.parquet as pq

import bertie
from bertie.jobs import How, Job, manifest, run
from bertie.jobs.layout import layout_of
from bertie.search import Index
from tests.earlier import PRECISIONS, TEXTS, here, make_sources, numbers_found, unpack


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models for every task, and what was made of them."""
    directory = tmp_path_factory.mktemp("earlier")
    make_sources(directory)
    unpack(directory)
    return directory


@pytest.fixture(scope="module")
def facts(directory: Path) -> Any:
    """What is known of what was made."""
    return json.loads((directory / "kept" / "facts.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_bundle_opens(precision: str, directory: Path, facts: Any) -> None:
    path = directory / "kept" / "bundles" / precision
    model: Any = bertie.load(path)
    assert model.info().precision == precision
    assert model.fingerprint == facts["fingerprints"][precision]
    again: Any = bertie.load(directory / "tiny-sentence", precision=precision)
    assert again.fingerprint == model.fingerprint
    before = np.load(path.with_name(f"{precision}.npy"))
    assert (np.einsum("ij,ij->i", model.embed(TEXTS), before) > 0.999).all()


def test_an_index_opens(directory: Path, facts: Any) -> None:
    index = Index.open(directory / "kept" / "index")
    assert numbers_found(index) == facts["found"]
    index.add([{"text": "a bridge", "number": 99}])
    assert index.search("a bridge", k=1, mode="text")[0].fields["number"] == 99


def test_a_job_half_done_goes_on(directory: Path) -> None:
    kept = directory / "kept" / "job"
    options = {"inputs": (str(kept / "in.csv"),), "shard_rows": 2, "load": {"precision": "float32"}}
    model = str(directory / "tiny-sentence")
    job = Job("embed", output=kept / "half.parquet", model=model, **options)
    layout = layout_of(job)
    said: Any = manifest.read(layout)
    fresh = Job("embed", output=kept / "fresh.parquet", model=model, **options)
    run(fresh, How())
    now: Any = manifest.read(layout_of(fresh))
    # What is of this machine's packages; all else has to be the same.
    for name in ("bertie", "pyarrow"):
        said["asked"][name] = now["asked"][name]
    layout.manifest.write_text(json.dumps(said), encoding="utf-8")
    done = len(list(layout.records_directory.glob("*.json")))
    assert 0 < done < 10
    told: list[str] = []
    summary = run(job, How(allow_other_isa=True, say=told.append))
    assert summary.counts.rows == 4 * len(TEXTS)
    before, gone_on = (pq.read_table(kept / f"{name}.parquet") for name in ("whole", "half"))
    assert gone_on.schema == before.schema
    assert gone_on["text"] == before["text"]
    vectors = [np.stack(table["embedding"].to_numpy()) for table in (before, gone_on)]
    np.testing.assert_allclose(*vectors, atol=1e-5)


def unpickled(text: str, directory: Path) -> Any:
    """Read a pickle that an earlier release wrote in its folder."""
    return pickle.loads(here(text, directory).encode("ascii"))  # noqa: S301


@pytest.mark.filterwarnings("ignore:bertie:DeprecationWarning")
def test_pickles_open(directory: Path, facts: Any) -> None:
    for name, text in facts["pickles"].items():
        thing = unpickled(text, directory)
        again = pickle.loads(pickle.dumps(thing))  # noqa: S301
        if name.startswith("model: "):
            assert thing.info().to_dict() == again.info().to_dict()
            assert thing.fingerprint == again.fingerprint
        elif name not in ("tokenizer", "error", "warning"):
            assert thing == again
    tokenizer = unpickled(facts["pickles"]["tokenizer"], directory)
    encoding = unpickled(facts["pickles"]["encoding"], directory)
    assert tokenizer.encode(TEXTS[0]) == encoding
