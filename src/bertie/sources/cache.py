"""Where fetched models lie, and how one gets there whole or not at all."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bertie.errors import SourceError
from bertie.sources.environment import cache_directory
from bertie.sources.manifest import Manifest
from bertie.sources.names import Fetched
from bertie.sources.progress import Progress
from bertie.system.disk import put_in_place
from bertie.system.locks import NO_LOCKS_HERE, Lock
from bertie.system.names import file_name


@dataclass(frozen=True)
class Entry:
    """One model's place in the cache.

    A model is fetched into a staging directory beside the others and renamed into its place when
    all its files and their manifest are on the disk, so whatever has a manifest is whole.
    """

    home: Path
    key: str

    @classmethod
    def of(cls, name: Fetched) -> "Entry":
        return cls(cache_directory(), name.key)

    @property
    def directory(self) -> Path:
        return self.home.joinpath("models", *map(file_name, self.key.split("/")))

    @property
    def archive(self) -> Path:
        """Where a fetch puts an archive, so that the next can go on with what came of it."""
        return self.home / "downloads" / f"{self._hash}.zip"

    def manifest(self) -> Manifest | None:
        """The manifest, where the model is here and its files have the sizes that it says."""
        manifest = Manifest.read(self.directory)
        if manifest is None or manifest.damage(self.directory, hashes=False):
            return None
        return manifest

    @contextmanager
    def locked(self, progress: Progress) -> Iterator[None]:
        """Hold the lock that one fetch of this model at a time holds; it ends with the process."""
        locks = self.home / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with Lock(locks / f"{self._hash}.lock") as lock:
            try:
                lock.take(lambda: progress("waiting for another pull", 0, None))
            except OSError as error:
                if error.errno not in NO_LOCKS_HERE:
                    raise
            yield

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """An empty directory on the cache's disk, gone afterwards; needs the lock.

        What earlier fetches of this model left behind when they were killed is removed first.
        """
        import shutil  # here because a model that is in the cache does without them
        import tempfile

        stagings = self.home / "staging"
        stagings.mkdir(parents=True, exist_ok=True)
        for leftover in stagings.glob(f"{self._hash}-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        staging = Path(tempfile.mkdtemp(prefix=f"{self._hash}-", dir=stagings))
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def publish(self, fetched: Path, manifest: Manifest, staging: Path) -> None:
        """Put a fetched directory into its place, an older one there out of the way."""
        manifest.write(fetched)
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        put_in_place(fetched, self.directory, staging / "replaced")

    @property
    def _hash(self) -> str:
        return hashlib.sha256(self.key.encode()).hexdigest()[:16]


@contextmanager
def disk_errors_as_source_errors(home: Path) -> Iterator[None]:
    """Turn what the disk refuses into a SourceError that says where and what to do."""
    try:
        yield
    except OSError as error:
        raise SourceError(
            f"can't write to the cache {home}: {error}; "
            "free the space or the permission, or set BERTIE_HOME to another directory"
        ) from error
