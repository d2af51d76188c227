"""Make tests/data/earlier.tar.xz: an index, a job half done, bundles and pickles of this release.

    PYTHONPATH=. python scripts/make_earlier_fixtures.py

Run as root, before a release that moves what these name; tests/test_earlier.py sees that it opens
them. They are made in one folder under the root, whose name the tests replace by their own.
"""

import json
import os
import pickle
import shutil
import tarfile
from pathlib import Path
from typing import Any

os.environ["BERTIE_ISA"] = "scalar"  # which every machine has

import numpy as np

import bertie
from bertie.export import write_bundle
from bertie.jobs import How, Job, run
from bertie.search import Index
from bertie.tokenize import Tokenizer
from tests.earlier import EARLIER, FOLDER, PRECISIONS, TEXTS, make_sources, numbers_found

COPIES = 4  # of TEXTS, which are the rows of the job


class Stopped(Exception):
    """The job is half done."""


def make_bundles(source: Path, into: Path) -> dict[str, str]:
    """Export a model in each precision, and embed. Returns: the fingerprints, by precision."""
    into.mkdir()
    fingerprints = {}
    for precision in PRECISIONS:
        write_bundle(source, into / precision, precision=precision)
        model: Any = bertie.load(into / precision)
        fingerprints[precision] = model.fingerprint
        np.save(into / f"{precision}.npy", model.embed(TEXTS))
    return fingerprints


def make_index(source: Path, into: Path) -> list[int]:
    """Make an index. Returns: the rows that it finds."""
    made = Index.create(into, model=str(source), key="number")
    made.add([{"text": text, "number": number} for number, text in enumerate(TEXTS)])
    return numbers_found(made)


def make_job(source: Path, into: Path) -> None:
    """Do some of a job's shards, and all of them beside."""
    into.mkdir()
    rows = "".join(f'"{text}"\n' for text in TEXTS * COPIES)
    (into / "in.csv").write_text("text\n" + rows, encoding="utf-8")

    def stop(progress: Any) -> None:
        if progress.rows >= len(TEXTS):
            raise Stopped

    for name, observe in (("whole", None), ("half", stop)):
        job = Job(
            "embed",
            (str(into / "in.csv"),),
            into / f"{name}.parquet",
            model=str(source),
            load={"precision": "float32"},
            shard_rows=2,
        )
        try:
            run(job, How(observe=observe))
        except Stopped:
            continue


def make_pickles(sources: dict[str, Any]) -> dict[str, str]:
    """Pickle models, what they answer, and what they are made of, in the protocol that is text."""
    models: dict[str, Any] = {
        name: bertie.load(source, **{"precision": "float32", **options})
        for name, (source, options) in sources.items()
    }
    tokenizer = Tokenizer.load(sources["embed"][0])
    config = json.loads((sources["rank"][0] / "config.json").read_text(encoding="utf-8"))
    things = {
        **{f"model: {name}": model for name, model in models.items()},
        "info": models["embed"].info(),
        "config": bertie.EncoderConfig.from_dict(config, where="config.json"),
        "tokenizer": tokenizer,
        "encoding": tokenizer.encode(TEXTS[0]),
        "labels": models["classify"].classify(TEXTS[0]),
        "ranked": models["rank"].rank(TEXTS[0], TEXTS),
        "spans": models["tag"].tag(TEXTS[0]),
        "answer": models["answer"].answer("who?", TEXTS[0]),
        "fillings": models["fill"].fill("the [MASK] bridge"),
        "likelihood": models["fill"].score(TEXTS[0]),
        "error": bertie.InputError("what was seen"),
        "warning": bertie.TruncationWarning("what was cut"),
        "job": Job("embed", ("in.csv",), Path("out.parquet")),
    }
    return {name: pickle.dumps(thing, protocol=0).decode("ascii") for name, thing in things.items()}


def main() -> None:
    """Make everything anew."""
    made = Path("/") / FOLDER
    made.mkdir()
    try:
        sources = make_sources(made)
        source = sources["embed"][0]
        kept = made / "kept"
        kept.mkdir()
        facts = {
            "fingerprints": make_bundles(source, kept / "bundles"),
            "found": make_index(source, kept / "index"),
            "pickles": make_pickles(sources),
        }
        make_job(source, kept / "job")
        (kept / "facts.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        with tarfile.open(EARLIER, "w:xz", preset=9) as archive:
            for path in sorted(path for path in kept.rglob("*") if path.is_file()):
                entry = tarfile.TarInfo(path.relative_to(kept).as_posix())
                entry.size = path.stat().st_size
                with path.open("rb") as file:
                    archive.addfile(entry, file)
    finally:
        shutil.rmtree(made)


if __name__ == "__main__":
    main()
