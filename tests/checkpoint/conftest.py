"""Copies of the fixtures that a test may damage."""

import shutil
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    """A copy of the tiny BERT."""
    return Path(shutil.copytree(DATA / "tiny-bert", tmp_path / "bert"))


@pytest.fixture
def sentence(tmp_path: Path) -> Path:
    """A copy of the tiny sentence-transformers model."""
    return Path(shutil.copytree(DATA / "tiny-sentence", tmp_path / "sentence"))
