"""Bundles of every architecture classify as their checkpoints do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers

import bertie
from bertie.export import write_bundle
from tests.architectures import NAMES, architecture_of, write

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij"]
TEXTS = ["a b c", "d e"]


@pytest.mark.filterwarnings("ignore::bertie.CalibrationWarning")
@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
@pytest.mark.parametrize("name", NAMES)
def test_a_head_gives_the_same_from_a_bundle(name: str, precision: str, tmp_path: Path) -> None:
    source = write(tmp_path / "source", name, "sequence_classification")
    (source / "vocab.txt").write_text("\n".join(TOKENS) + "\n")
    if architecture_of(name) == "modernbert":  # whose class reads nothing else
        whole = tokenizers.BertWordPieceTokenizer(str(source / "vocab.txt"))
        whole.save(str(source / "tokenizer.json"))
    # Random weights need not stay true.
    bundle = write_bundle(source, tmp_path / "bundle", precision=precision, min_cosine=-1).path
    load: Callable[..., Any] = bertie.load
    expected, found = load(source, precision=precision), load(bundle)
    assert found.classify(TEXTS) == expected.classify(TEXTS)
    assert found.fingerprint == expected.fingerprint
