"""The paths of a job's output and of its state, and the lock that one run at a time holds."""

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bertie.errors import InputError
from bertie.jobs.job import FORMATS, Job
from bertie.system.disk import remove_unfinished
from bertie.system.locks import Lock

# What names of files of other formats end in, which aren't meant for directories.
_OTHER_SUFFIXES = frozenset(
    {"csv", "tsv", "tab", "txt", "json", "ndjson", "npy", "npz", "pq", "arrow", "feather"}
    | {"gz", "bz2", "xz", "zst"}
)
# Beside shards in a directory; readers of data sets pass underscores over.
_STATE_DIRECTORY = "_job"


@dataclass(frozen=True)
class OutputLayout:
    """The paths of one job.

    Attributes:
        output: the file, or the directory of shards.
        format: of the output, one of bertie.jobs.job.FORMATS.
        one_file: whether shards are put together in the end.
        state_directory: of the manifest and of what isn't put together yet.
        rejects: the file of rows that could not be answered.
    """

    output: Path
    format: str
    one_file: bool
    state_directory: Path
    rejects: Path

    @property
    def parts_directory(self) -> Path:
        """The directory of the shards' outputs."""
        return self.state_directory / "parts" if self.one_file else self.output

    @property
    def manifest(self) -> Path:
        """The file that says what was asked for."""
        return self.state_directory / "manifest.json"

    @property
    def records_directory(self) -> Path:
        """The directory of what is known of each finished shard."""
        return self.state_directory / "finished"

    @property
    def rejects_directory(self) -> Path:
        """The directory of each shard's rejected rows."""
        return self.state_directory / "rejected"

    def part(self, number: int) -> Path:
        """The file of a shard's output."""
        return self.parts_directory / f"part-{number:08}.{self.format}"

    def record(self, number: int) -> Path:
        """The file that says that a shard is finished."""
        return self.records_directory / f"{number:08}.json"

    def rejects_part(self, number: int) -> Path:
        """The file of a shard's rejected rows."""
        return self.rejects_directory / f"{number:08}.jsonl"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the directories and hold the lock.

        Raises: InputError: another run holds it, something else is there, or it can't be written.
        """
        self._check_free()
        try:
            for directory in (self.parts_directory, self.records_directory, self.rejects_directory):
                directory.mkdir(parents=True, exist_ok=True)
            lock = Lock(self.state_directory / "lock")
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
            for directory in {self.output.parent, self.parts_directory, *self._own_directories()}:
                remove_unfinished(directory)
            yield
            if not self.manifest.exists():  # nothing was begun
                self.clear()
                # Where open files can't be removed, on Windows, the lock's remains, and is no harm.
                shutil.rmtree(self.state_directory, ignore_errors=True)

    def clear(self) -> None:
        """Remove everything of the job but a finished single file."""
        for directory in (self.records_directory, self.rejects_directory):
            for path in directory.iterdir():
                path.unlink()
        for format in FORMATS:
            for path in self.parts_directory.glob(f"part-*.{format}"):
                path.unlink()
        if not self.one_file:
            self.rejects.unlink(missing_ok=True)
        self.manifest.unlink(missing_ok=True)

    def _own_directories(self) -> tuple[Path, ...]:
        """The directories that nobody else writes to."""
        return self.state_directory, self.records_directory, self.rejects_directory

    def _check_free(self) -> None:
        """Refuse paths where something else is."""
        if self.one_file:
            if self.output.is_dir():
                raise InputError(f"{self.output} is a directory, expected a file or nothing there")
        elif self.output.exists() and not self.state_directory.is_dir():
            if not self.output.is_dir():
                raise InputError(
                    f"{self.output} is a file, but its name doesn't end in .parquet or .jsonl;"
                    " expected a directory, or nothing there"
                )
            if any(self.output.iterdir()):
                raise InputError(f"{self.output} is not empty and has no job in it; name another")


def layout_of(job: Job) -> OutputLayout:
    """Settle a job's paths. Raises: InputError: a name or a format that can't be."""
    output = job.output.absolute()
    suffix = output.suffix.lower().removeprefix(".")
    if job.output_format not in FORMATS:
        raise InputError(f"the output's format is {job.output_format!r}, expected parquet or jsonl")
    if suffix in FORMATS and not output.is_dir():
        state_directory = output.with_name(f"{output.name}.job")
        rejects = output.with_name(f"{output.name}.rejects.jsonl")
        return OutputLayout(output, suffix, True, state_directory, rejects)
    if suffix in _OTHER_SUFFIXES and not output.is_dir():
        raise InputError(
            f"{output}: a job writes no .{suffix}, expected .parquet or .jsonl, or the name of a"
            " directory"
        )
    rejects = output / "_rejects.jsonl"
    return OutputLayout(output, job.output_format, False, output / _STATE_DIRECTORY, rejects)
