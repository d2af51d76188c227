"""A staging directory for what is exported: it comes into its place whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bertie.errors import InputError
from bertie.sources.bundles import NAME, is_bundle


def check_destination(destination: Path, *, file: bool, force: bool) -> None:
    """Refuse a destination that can't be written, before any work is done.

    Args:
        destination: what will be made.
        file: whether it will be a file rather than a directory.
        force: whether an export that is there may be replaced.
    Raises: InputError: it exists and may not be replaced, or there is no directory to put it into.
    """
    if not destination.parent.is_dir():
        raise InputError(
            f"{destination}: there is no directory {destination.parent}; make it first"
        )
    if not os.path.lexists(destination):
        return
    if not force:
        raise InputError(f"{destination} exists already; --force (force=True) replaces an export")
    if file and not destination.is_file():
        raise InputError(f"{destination} is no file; only an export of the same kind is replaced")
    if not file and not is_bundle(destination):
        raise InputError(
            f"{destination} is no bundle (it has no {NAME}), and nothing else is replaced; name"
            " another place, or remove it yourself"
        )


@contextmanager
def staging_directory(destination: Path) -> Iterator[Path]:
    """A directory beside the destination to write in, gone afterwards.

    Raises: InputError: the disk refuses to be written.
    """
    destination = destination.absolute()
    stage = destination.with_name(f".{destination.name}.{os.urandom(4).hex()}.unfinished")
    try:
        stage.mkdir()
        yield stage
    except OSError as error:
        place = error.filename or destination
        raise InputError(f"{place} can't be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
