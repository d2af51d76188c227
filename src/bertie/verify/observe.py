"""What one way to run a model gives for some texts: everything that is compared."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.calls.lower_casing import lower_caser
from bertie.engine.heads import Head
from bertie.errors import InputError, TruncationWarning
from bertie.loading.load import load
from bertie.opened import COMMON, Given, open_source
from bertie.tasks.embed import TAKES
from bertie.tokenize import PackedEncodings

Floats = NDArray[np.float32]

# Hidden states of all layers are compared on the first texts that have so many tokens.
SAMPLED_TOKENS = 512
# The most rows of a head that reads tokens: one that fills masks has a column for each word.
HEAD_ROWS = 128


@dataclass(frozen=True, eq=False)
class Observed:
    """What was seen of one side.

    Attributes:
        about: what it is: a name, and for Bertie's models their precision and fingerprint.
        vectors: (texts, dimensions) float32.
        ids: the token ids of each text; None where only vectors are known.
        hidden: (1 + layers, tokens, width) float32, of the first texts; None where not known.
        sampled: the texts whose hidden states are there.
        logits: (rows, outputs) float32 for each kind of head.
        precision: what it computes in, "float32" where that isn't Bertie's.
    """

    about: Mapping[str, Any]
    vectors: Floats
    ids: tuple[tuple[int, ...], ...] | None = None
    hidden: Floats | None = None
    sampled: int = 0
    logits: Mapping[str, Floats] = field(default_factory=dict)
    precision: str = "float32"


def observe(
    source: str | Path,
    texts: Sequence[str],
    *,
    precision: str = "auto",
    calibration: str | Path | Sequence[str] | None = None,
    given: Given | None = None,
    prompt: str | None = "",
    threads: int | None = None,
) -> Observed:
    """Run one of Bertie's models.

    Args:
        source, precision, calibration, threads: as for bertie.load.
        texts: what it reads; those that are too long are cut.
        given: the caller's word over the files'; what embedding has no use for is left out.
        prompt: what stands before each text where vectors are computed; None: the model's default.
    Raises: as bertie.load.
    """
    given = given or Given()
    stated = {name: v for name, v in given.stated().items() if name in COMMON | TAKES}
    model: Any = load(
        source,
        task="embed",
        precision=precision,
        calibration=calibration,
        threads=threads,
        **stated,
    )
    lower = model.info().settings["lower_first"].value
    read = list(map(lower_caser(model.tokenizer), texts)) if lower else list(texts)
    packed = model.tokenizer.encode_batch(read, max_length=model.max_length)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        vectors = model.embed(list(texts), prompt=prompt)
    sampled = sample_size(packed.lengths)
    layers = tuple(range(model.encoder.config.num_hidden_layers + 1))
    hidden = split_layers(_forward(model, packed, sampled, layers), len(layers))
    return Observed(
        about={
            "source": str(source),
            "precision": model.encoder.precision,
            "isa": model.encoder.isa,
            "fingerprint": model.fingerprint,
        },
        vectors=vectors,
        ids=split_ids(packed),
        hidden=hidden,
        sampled=sampled,
        logits=_logits(source, given, hidden[-1], packed.lengths[:sampled]),
        precision=model.encoder.precision,
    )


def observe_vectors(path: str | Path, texts: int) -> Observed:
    """Take vectors that somebody computed before.

    Args:
        path: a .npy file, (texts, dimensions), of a float type.
        texts: how many texts they are of.
    Raises: InputError: it can't be read, or is of another shape or type.
    """
    try:
        with Path(path).open("rb") as file:
            stored = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read as a .npy file of vectors: {error}") from error
    if stored.ndim != 2 or len(stored) != texts or stored.dtype.kind != "f":
        raise InputError(
            f"{path} holds {stored.dtype} {stored.shape}, expected floats ({texts}, dimensions):"
            " a row for each text"
        )
    return Observed(about={"source": str(path)}, vectors=stored.astype(np.float32))


def sample_size(lengths: NDArray[np.int32]) -> int:
    """Count the first texts that have SAMPLED_TOKENS tokens at most, or one."""
    return max(1, int(np.searchsorted(np.cumsum(lengths), SAMPLED_TOKENS, side="right")))


def split_layers(side_by_side: Floats, layers: int) -> Floats:
    """Turn (tokens, layers x width) into (layers, tokens, width)."""
    tokens = len(side_by_side)
    return np.ascontiguousarray(side_by_side.reshape(tokens, layers, -1).swapaxes(0, 1))


def split_ids(packed: PackedEncodings) -> tuple[tuple[int, ...], ...]:
    """Give each text's token ids."""
    parts = np.split(packed.ids, np.cumsum(packed.lengths)[:-1])
    return tuple(tuple(part.tolist()) for part in parts)


def head_logits(head: Head, hidden: Floats, lengths: NDArray[np.int32]) -> Floats:
    """Compute a head's logits of each text, or of the first of all tokens."""
    if head.record.reads == "tokens":
        return head.logits(np.ascontiguousarray(hidden[:HEAD_ROWS]))
    return head.of_sequences(np.ascontiguousarray(hidden), lengths)


def _forward(model: Any, packed: PackedEncodings, sampled: int, layers: tuple[int, ...]) -> Floats:
    """Compute the hidden states of the first texts, a text at a time."""
    ends = np.cumsum(packed.lengths[:sampled])
    parts = []
    for end, length in zip(ends, packed.lengths[:sampled], strict=True):
        piece = slice(int(end - length), int(end))
        lengths = np.array([length], np.int32)
        states = model.encoder.forward(packed.ids[piece], packed.type_ids[piece], lengths, layers)
        parts.append(states)
    return np.concatenate(parts)


def _logits(
    source: str | Path, given: Given, hidden: Floats, lengths: NDArray[np.int32]
) -> dict[str, Floats]:
    """Compute what each of the checkpoint's heads makes of the last hidden states."""
    records = open_source(source, given).heads
    return {
        kind: head_logits(Head(record), hidden, lengths)
        for kind, record in records.items()
        if kind != "pooler"  # whose outputs are no logits
    }
