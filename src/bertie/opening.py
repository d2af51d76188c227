"""A source's files, read and checked; nothing computed yet.

Whatever is done with a model (run it, export it, examine it) begins here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bertie.checkpoint import (
    Checkpoint,
    SentenceLayout,
    Tensor,
    encoder_tensors,
    read_layout,
    require_files,
)
from bertie.config import EncoderConfig
from bertie.errors import CheckpointError, InputError
from bertie.sources import resolve
from bertie.tokenize import Tokenizer


@dataclass(frozen=True)
class Given:
    """What the caller says instead of the checkpoint; None where the checkpoint decides.

    bertie.load describes each of them.
    """

    max_length: int | None = None
    lower: bool | None = None
    activation: str | None = None
    config: str | Path | Mapping[str, Any] | None = None
    vocab: str | Path | None = None
    pooling: str | Sequence[str] | None = None
    normalize: bool | None = None
    prompts: Mapping[str, str] | None = None

    def require_only(self, task: str, taken: frozenset[str]) -> None:
        """Refuse settings that a task has no use for, rather than ignore them.

        Args:
            task: its name, for the message.
            taken: what it takes beside COMMON.
        Raises: InputError: naming the others.
        """
        idle = [
            field.name
            for field in fields(self)
            if getattr(self, field.name) is not None and field.name not in COMMON | taken
        ]
        if idle:
            raise InputError(
                f"{', '.join(idle)}: given, but the task {task!r} has no use for it;"
                f" it takes {', '.join(sorted(COMMON | taken))}"
            )


# What every task takes.
COMMON = frozenset({"max_length", "lower", "activation", "config", "vocab"})


@dataclass(frozen=True, eq=False)
class Opened:
    """A source, opened.

    Attributes:
        directory: where its files lie.
        layout: what sentence-transformers' files say beyond the encoder.
        checkpoint: config and tensors.
        tensors: the encoder's, by canonical name, their shapes checked.
        tokenizer: texts to token ids.
        given: what the caller says instead of the files.
    """

    directory: Path
    layout: SentenceLayout
    checkpoint: Checkpoint
    tensors: Mapping[str, Tensor]
    tokenizer: Tokenizer
    given: Given

    @property
    def config(self) -> EncoderConfig:
        """The encoder's sizes and options."""
        return self.checkpoint.config


def open_source(source: str | Path, given: Given | None = None) -> Opened:
    """Read a source's files.

    Args:
        source: a directory, or a name that `bertie pull` knows.
        given: the caller's word over the files'.
    Raises: SourceError: the source can't be found, or lacks files.
    Raises: CheckpointError, TokenizerError: its files are broken or not supported.
    Raises: InputError: something given that can't be.
    """
    given = given or Given()
    directory = resolve(source)
    layout = read_layout(directory)
    require_files(layout.transformer, config=given.config is None, vocab=given.vocab is None)
    checkpoint = Checkpoint.open(
        layout.transformer, config=given.config, activation=given.activation
    )
    tensors = encoder_tensors(checkpoint)
    tokenizer = Tokenizer.load(layout.transformer, lower=given.lower, vocab=given.vocab)
    _check_vocabulary(tokenizer, checkpoint.config)
    return Opened(directory, layout, checkpoint, tensors, tokenizer, given)


def _check_vocabulary(tokenizer: Tokenizer, config: EncoderConfig) -> None:
    """Refuse a vocabulary with tokens that have no embedding."""
    if tokenizer.vocab_size > config.vocab_size:
        raise CheckpointError(
            f"the vocabulary has {tokenizer.vocab_size} tokens, expected at most"
            f" {config.vocab_size} from {config.source('vocab_size')}"
        )
