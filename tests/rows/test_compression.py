"""Files are opened, compressed or not, and those that can't be are named."""

from pathlib import Path

import pytest

from bertie.errors import InputError
from bertie.rows.compression import open_file


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: No such file"):
        open_file(tmp_path / "none.csv")
    with pytest.raises(InputError, match="directory"):
        open_file(tmp_path)
