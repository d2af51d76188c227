"""A small vocabulary to tokenize with, written out as a model's directory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertie.tokenize import Tokenizer

VOCAB = """
[PAD] [UNK] [CLS] [SEP] [MASK] the quick brown fox jump ##s ##ed over lazy dog , . ! ? ' - un
##want ##aff ##able runn ##ing hello world a b c ##a ##b ##c é ##é 中 国 Hello HELLO don t do not
i m s n ' ##t ᄀ ##ᅡ ##ᆨ ß ##ß
""".split()  # noqa: SIM905


def write(folder: Path, vocab: list[str] | None, config: dict[str, Any] | None) -> Path:
    """Write a directory with vocab.txt, and tokenizer_config.json where there is a config."""
    folder.mkdir(exist_ok=True)
    lines = VOCAB if vocab is None else vocab
    (folder / "vocab.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if config is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture
def write_model(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a model's directory: vocabulary, config, its name."""

    def make(
        vocab: list[str] | None = None, config: dict[str, Any] | None = None, name: str = "model"
    ) -> Path:
        return write(tmp_path / name, vocab, config)

    return make


@pytest.fixture
def load(write_model: Callable[..., Path]) -> Callable[..., Tokenizer]:
    """Return a function that writes a model's directory and loads its tokenizer."""

    def make(
        tokens: list[str] | None = None, config: dict[str, Any] | None = None, **options: Any
    ) -> Tokenizer:
        return Tokenizer.load(write_model(tokens, config), **options)

    return make


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """The small vocabulary, uncased."""
    return Tokenizer.load(write(tmp_path_factory.mktemp("tokenizer") / "model", None, None))
