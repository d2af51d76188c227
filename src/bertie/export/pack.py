"""Packing a bundle into one file."""

import shutil
import zipfile
from pathlib import Path

from bertie.sources.bundles import NAME

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first time that a zip file can state
_PIECE = 2**20  # bytes copied at a time


def pack(bundle: Path, path: Path) -> None:
    """Pack a bundle: a zip file without compression, the same bytes for the same bundle.

    Args:
        bundle: its directory.
        path: a file that doesn't exist yet.
    Raises: OSError: the disk refuses.
    """
    names = {file.relative_to(bundle).as_posix() for file in bundle.rglob("*") if file.is_file()}
    with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED) as packed:
        for name in [NAME, *sorted(names - {NAME})]:
            member = zipfile.ZipInfo(name, _EARLIEST)
            member.create_system, member.external_attr = 3, 0o100644 << 16  # a plain file of Unix
            member.file_size = (bundle / name).stat().st_size
            with (bundle / name).open("rb") as file, packed.open(member, "w") as out:
                shutil.copyfileobj(file, out, _PIECE)
