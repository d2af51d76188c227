"""A small draw of scripts/compare_tokenizers.py: text of many languages, and random strings."""

import importlib.util
import random
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("tokenizers", reason="tokenizers is the oracle here")

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"

pytestmark = pytest.mark.skipif(
    not (ROOT / "scripts").is_dir(), reason="needs the repository's scripts/"
)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "compare_tokenizers", ROOT / "scripts" / "compare_tokenizers.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_random_strings_of_all_planes_are_tokenized_alike(script: ModuleType) -> None:
    source = random.Random(7)
    texts = [script.random_string(source) for _ in range(1500)]
    assert script.compare(script.wide_vocab(script.SPECIAL, texts), texts) == 0


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not beside the repository")
def test_texts_of_every_language_are_tokenized_alike(script: ModuleType) -> None:
    texts = list(islice(script.lines(DATA), 0, None, 200))
    assert script.compare(script.wide_vocab(script.SPECIAL, texts), texts) == 0
