"""Models that sentence-transformers saved, for tests to change."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from bertie.known.sentence import COLBERT
from tests.frameworks import LIBRARY, unpack
from tests.tasks.heads import add_projection, as_pylate

# The kind of model, or the module → a model that sentence-transformers saved.
MODELS = {
    "": "sentence-dense",
    "embed": "sentence-dense",
    "sparse": "sparse-limited",
    "rank": "cross-1-identity",
    "multivector": "multi-vector-expanded",
    "Pooling": "sentence-mean",
    "Dense": "sentence-dense",
    "Normalize": "sentence-dense",
    "Dropout": "sentence-dense",
    "SpladePooling": "sparse-limited",
    "MultiVectorMask": "multi-vector",
}


@pytest.fixture(scope="package")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of sentence-transformers' models."""
    return unpack(LIBRARY, tmp_path_factory.mktemp("frameworks"))


@pytest.fixture
def model(library: Path, tmp_path: Path, tiny_bert: Path) -> Any:
    """What copies the model of a kind, which a test may damage."""

    def copy(kind: str) -> Path:
        directory = tmp_path / (kind or "any")
        source = tiny_bert if kind in ("pylate", COLBERT) else library / MODELS[kind]
        shutil.copytree(source, directory)
        if kind in ("pylate", COLBERT):
            add_projection(directory)
        if kind == "pylate":
            as_pylate(directory)
        return directory

    return copy
