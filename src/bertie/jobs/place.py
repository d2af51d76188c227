"""Where a job's output and what is noted of it lie, and the lock that one run at a time holds."""

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bertie.errors import InputError
from bertie.jobs.durable import remove_unfinished
from bertie.jobs.job import FORMATS, Job
from bertie.system.locks import Lock

# What names of files of other formats end in, which aren't meant for directories.
_FILES = frozenset(
    {"csv", "tsv", "tab", "txt", "json", "ndjson", "npy", "npz", "pq", "arrow", "feather"}
    | {"gz", "bz2", "xz", "zst"}
)
_NOTES = "_job"  # beside shards in a directory; readers of data sets pass underscores over


@dataclass(frozen=True)
class Place:
    """The paths of one job.

    Attributes:
        output: the file, or the directory of shards.
        format: of the output, one of bertie.jobs.job.FORMATS.
        one_file: whether shards are put together in the end.
        notes: the directory of the manifest and of what isn't put together yet.
        rejects: the file of rows that could not be answered.
    """

    output: Path
    format: str
    one_file: bool
    notes: Path
    rejects: Path

    @property
    def parts(self) -> Path:
        """The directory of the shards' outputs."""
        return self.notes / "parts" if self.one_file else self.output

    @property
    def manifest(self) -> Path:
        """The file that says what was asked for."""
        return self.notes / "manifest.json"

    @property
    def records(self) -> Path:
        """The directory of what is known of each finished shard."""
        return self.notes / "finished"

    @property
    def rejected(self) -> Path:
        """The directory of each shard's rejected rows."""
        return self.notes / "rejected"

    def part(self, number: int) -> Path:
        """The file of a shard's output."""
        return self.parts / f"part-{number:08}.{self.format}"

    def record(self, number: int) -> Path:
        """The file that says that a shard is finished."""
        return self.records / f"{number:08}.json"

    def rejects_of(self, number: int) -> Path:
        """The file of a shard's rejected rows."""
        return self.rejected / f"{number:08}.jsonl"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the directories and hold the lock.

        Raises: InputError: another run holds it, the place is taken by something else, or can't be
            written.
        """
        self._check()
        try:
            for directory in (self.parts, self.records, self.rejected):
                directory.mkdir(parents=True, exist_ok=True)
            lock = Lock(self.notes / "lock")
        except OSError as error:
            raise InputError(f"{error.filename} can't be written: {error.strerror}") from error
        with lock:
            try:
                lock.take()
            except BlockingIOError:
                lock.file.seek(0)
                raise InputError(
                    f"another run ({lock.file.read().strip() or 'just started'}) is writing"
                    f" {self.output}; wait for it, or end it: a job has one run at a time"
                ) from None
            lock.file.truncate(0)
            lock.file.write(f"process {os.getpid()} on {platform.node()}")
            lock.file.flush()
            for directory in {self.output.parent, self.parts, *self._own()}:
                remove_unfinished(directory)
            yield
            if not self.manifest.exists():  # nothing was begun
                self.clear()
                # Where open files can't be removed, on Windows, the lock's remains, and is no harm.
                shutil.rmtree(self.notes, ignore_errors=True)

    def clear(self) -> None:
        """Remove everything of the job but a finished single file."""
        for directory in (self.records, self.rejected):
            for path in directory.iterdir():
                path.unlink()
        for format in FORMATS:
            for path in self.parts.glob(f"part-*.{format}"):
                path.unlink()
        if not self.one_file:
            self.rejects.unlink(missing_ok=True)
        self.manifest.unlink(missing_ok=True)

    def _own(self) -> tuple[Path, ...]:
        """The directories that nobody else writes to."""
        return self.notes, self.records, self.rejected

    def _check(self) -> None:
        """Refuse a place that holds something else."""
        if self.one_file:
            if self.output.is_dir():
                raise InputError(f"{self.output} is a directory, expected a file or nothing there")
        elif self.output.exists() and not self.notes.is_dir():
            if not self.output.is_dir():
                raise InputError(
                    f"{self.output} is a file, but its name doesn't end in .parquet or .jsonl;"
                    " expected a directory, or nothing there"
                )
            if any(self.output.iterdir()):
                raise InputError(f"{self.output} is not empty and has no job in it; name another")


def place_of(job: Job) -> Place:
    """Find a job's place. Raises: InputError: a name or a format that can't be."""
    output = job.output.absolute()
    suffix = output.suffix.lower().removeprefix(".")
    if job.output_format not in FORMATS:
        raise InputError(f"the output's format is {job.output_format!r}, expected parquet or jsonl")
    if suffix in FORMATS and not output.is_dir():
        notes = output.with_name(f"{output.name}.job")
        return Place(output, suffix, True, notes, output.with_name(f"{output.name}.rejects.jsonl"))
    if suffix in _FILES and not output.is_dir():
        raise InputError(
            f"{output}: a job writes no .{suffix}, expected .parquet or .jsonl, or the name of a"
            " directory"
        )
    return Place(output, job.output_format, False, output / _NOTES, output / "_rejects.jsonl")
