"""Whatever sentence-transformers' files hold, they are read or refused, and nothing else."""

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bertie
from bertie.checkpoint.sentence import read_layout
from bertie.errors import BertieError
from bertie.known import KNOWN
from bertie.known.sentence import MODULES, PROMPTS_CONFIG, TRANSFORMER_CONFIGS
from tests.known.walking import put

SCALARS = st.none() | st.booleans() | st.integers(-3, 99) | st.floats() | st.text(max_size=9)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(sorted({(row.file, row.key) for row in KNOWN if row.key}))
MODELS = ("sentence-dense", "sparse-limited", "cross-1-identity", "multi-vector-least")


@pytest.fixture(scope="package")
def damaged(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """What copies a model anew, over the copy before."""
    into = tmp_path_factory.mktemp("damaged")

    def copy(name: str) -> Path:
        shutil.rmtree(into / name, ignore_errors=True)
        return Path(shutil.copytree(library / name, into / name))

    return copy


@settings(max_examples=100)
@given(name=st.sampled_from(MODELS), place=KEYS, value=VALUES)
def test_any_value_of_any_key_is_read_or_refused(
    name: str, place: tuple[str, str], value: Any, damaged: Callable[[str], Path]
) -> None:
    directory = damaged(name)
    file, key = place
    paths = [path for path in directory.glob(file) if path.name != MODULES]
    for path in paths:
        put(path, key, value)
    with contextlib.suppress(BertieError):
        bertie.load(directory, precision="float32").info()


@settings(max_examples=50)
@given(
    file=st.sampled_from(
        [MODULES, PROMPTS_CONFIG, *TRANSFORMER_CONFIGS[:2], "1_Pooling/config.json"]
    ),
    content=VALUES,
)
def test_any_content_of_a_file_is_read_or_refused(
    file: str, content: Any, damaged: Callable[[str], Path]
) -> None:
    directory = damaged("sentence-dense")
    (directory / file).write_text(json.dumps(content))
    with contextlib.suppress(BertieError):
        read_layout(directory)
