"""The manifest: what a job was asked for, and which shards are finished."""

import json
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bertie.errors import InputError
from bertie.jobs.arrow import pa
from bertie.jobs.counts import Counts
from bertie.jobs.files import InputFile
from bertie.jobs.job import Job
from bertie.jobs.json_columns import is_json
from bertie.jobs.layout import OutputLayout
from bertie.jobs.model import ModelIdentity
from bertie.jobs.shards import Shard
from bertie.system.disk import write_file

_FORMAT = 1
RUNNING, FINISHED = "running", "finished"


@dataclass(frozen=True)
class Record:
    """A finished shard.

    Attributes:
        shard: which rows.
        counts: what became of them.
        isa: what they were computed with.
        size: bytes of its output.
        seconds: from its rows to its output.
    """

    shard: Shard
    counts: Counts
    isa: str
    size: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON knows it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Record":
        """Read what to_dict gave."""
        return cls(
            shard_from_dict(data["shard"]),
            Counts(**data["counts"]),
            data["isa"],
            data["size"],
            data["seconds"],
        )


def shard_from_dict(data: Mapping[str, Any]) -> Shard:
    """Read a shard from JSON, which knows no tuples."""
    return Shard(**{**data, "start": tuple(data["start"])})


def specification(
    job: Job, files: tuple[InputFile, ...], identity: ModelIdentity, columns: Any
) -> dict[str, Any]:
    """Put together everything that decides the output's bytes, as JSON knows it.

    Args:
        columns: the output's schema.
    """
    return {
        "input": [{"path": file.path, "format": file.format, "size": file.size} for file in files],
        "task": job.task,
        "model": identity.fingerprint,
        "precision": identity.precision,
        "isa": identity.isa,
        "options": {name: _plain(value) for name, value in sorted(job.options.items())},
        "column": job.column,
        "pair": job.pair,
        "pair_column": job.pair_column,
        "columns": [
            f"{field.name}: {'JSON' if is_json(field) else field.type}" for field in columns
        ],
        "rows of a shard": job.shard_rows,
        "bertie": _version(),
        "pyarrow": pa.__version__,
    }


def read(layout: OutputLayout) -> dict[str, Any] | None:
    """Read a job's manifest; None where there is none. Raises: InputError: it is broken."""
    try:
        data = json.loads(layout.manifest.read_bytes())
        if data["manifest"] == _FORMAT:
            _check(data)
            return dict(data)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{layout.manifest} is broken ({error}); begin anew by --restart"
        ) from error
    except OSError as error:
        raise InputError(f"{layout.manifest} can't be read: {error.strerror}") from error
    raise InputError(
        f"{layout.manifest} is of format {data['manifest']}, expected {_FORMAT}: another"
        " version of Bertie wrote it; use that, or --restart"
    )


def _check(data: Mapping[str, Any]) -> None:
    """See that what a run reads of a manifest is there. Raises: as Record.from_dict: it isn't."""
    spec = data["asked"]
    for file in spec["input"]:
        file["path"], file["size"], file["format"]
    kinds = {"precision": str, "model": str, "options": dict, "columns": list}
    strange = [name for name, kind in kinds.items() if not isinstance(spec[name], kind)]
    if strange or data["state"] not in (RUNNING, FINISHED):
        raise ValueError(f"{strange[0] if strange else 'state'} is of another kind")
    if data["state"] == FINISHED:
        Counts(**data["counts"])
        for record in data["shards"]:
            Record.from_dict(record)


def save(
    layout: OutputLayout, spec: Mapping[str, Any], model: str, state: str, **more: Any
) -> None:
    """Write a job's manifest. Raises: InputError: the disk refuses it."""
    data = {"manifest": _FORMAT, "state": state, "source": model, "asked": spec, **more}
    write_file(layout.manifest, json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n")


def records(layout: OutputLayout, known: Container[int] = ()) -> dict[int, Record]:
    """Read which shards are finished, their outputs being there; by number.

    Args:
        known: numbers of shards to pass over.
    """
    found = {}
    for path in sorted(layout.records_directory.glob("*.json")):
        # What synchronizes folders leaves copies under other names.
        if not re.fullmatch("[0-9]{8,20}", path.stem) or int(path.stem) in known:
            continue
        try:
            record = Record.from_dict(json.loads(path.read_bytes()))
            own = path == layout.record(record.shard.number)
        except (ValueError, KeyError, TypeError, RecursionError):
            own = False
        if not own:  # it is done again
            continue
        part = layout.part(record.shard.number)
        if part.is_file() and part.stat().st_size == record.size:
            found[record.shard.number] = record
    return found


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Say what is asked for now that was not asked for before."""
    for name in now:
        was: Any = before.get(name)
        wanted = now[name]
        if was == wanted:
            continue
        if name == "input":
            yield from _changed_files(was, wanted)
        elif name == "options":
            for option in sorted({*was, *wanted}):
                if was.get(option) != wanted.get(option):
                    yield _change(option, was.get(option), wanted.get(option))
        elif name == "columns":
            yield from (f"there is no column {one} any more" for one in was if one not in wanted)
            yield from (f"there was no column {one}" for one in wanted if one not in was)
        elif name == "model":
            yield f"the model's fingerprint was {was[:12]}…, is {wanted[:12]}…"
        else:
            yield _change(name, was, wanted)


def _changed_files(before: Any, now: Any) -> Iterator[str]:
    """Say which files of the input are others."""
    was = {file["path"]: file for file in before}
    wanted = {file["path"]: file for file in now}
    yield from (f"{path} is not in the input any more" for path in was if path not in wanted)
    yield from (f"{path} was not in the input" for path in wanted if path not in was)
    both = [path for path in wanted if path in was]
    for path in both:
        for name, unit in (("size", " bytes"), ("format", "")):
            if was[path][name] != wanted[path][name]:
                yield f"{path} was {was[path][name]}{unit}, is {wanted[path][name]}{unit}"
    if len(both) == len(was) == len(wanted) and both != [*was]:
        yield "the files of the input are in another order"


def _change(name: str, was: Any, now: Any) -> str:
    """Say how one thing changed."""
    return f"{name} was {_shown(was)}, is {_shown(now)}"


def _shown(value: Any) -> str:
    """Write a value in short."""
    if value is None:
        return "not given"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"


def _plain(value: Any) -> Any:
    """Turn tuples into what comes back from JSON."""
    return list(value) if isinstance(value, tuple) else value


def _version() -> str:
    """The installed version; the sources' own have none."""
    try:
        return version("bertie")
    except PackageNotFoundError:
        return "not installed"
