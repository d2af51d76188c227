"""Running an ONNX file against the core, on real texts, before it is declared done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.config import EncoderConfig
from bertie.engine.batching import gather
from bertie.engine.calibration import calibration_text
from bertie.errors import CheckpointError, ExtraMissing
from bertie.export.onnx_encoder import ATTENTION_MASK, INPUT_IDS, TOKEN_TYPE_IDS
from bertie.tokenize import PackedEncodings, Tokenizer

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

# A packed batch to what the core makes of it, by the outputs' names: a row for each token, or for
# each sequence.
Expected = Callable[[Ints, Ints, Ints], Mapping[str, Floats]]

TOLERANCE = 1e-4  # float32, of the largest number where that is above 1

_TEXTS, _PAIRS = 24, 8
_BATCH = 8  # sequences that run together, so that padding takes part
# onnxruntime holds a score for each pair of tokens of a sequence: fewer run together where there
# are more pairs than this, and none is longer than needed.
_TOKEN_PAIRS = _BATCH * 512**2
_LONGEST, _FARTHEST = 1024, 4096


@dataclass(frozen=True)
class Check:
    """What a check found.

    Attributes:
        max_difference: the largest difference of any output from the core's, as a share of the
            output's largest number where that is above 1.
        sequences: how many ran, one of them as long as longest says.
        tokens: how many ran, without padding.
        runtime: what ran the file, with its version.
    """

    max_difference: float
    sequences: int
    tokens: int
    runtime: str


def require_runtime() -> None:
    """Fail before anything is written. Raises: ExtraMissing: onnxruntime isn't installed."""
    _import_runtime()


def longest(config: EncoderConfig) -> int:
    """Give the most tokens of a sequence that a check reads.

    Args:
        config: of the model, which reads that many or more.
    Returns: 1024, or so many that the farthest that a layer sees, and the length from which on
        places are others, lie within, where those are below 4096.
    """
    dynamic = (kind.dynamic for kind in config.rotary)
    reaches = [places[2] for places in dynamic if places is not None]
    for layer in config.attention_layers:
        reaches += [reach for reach in (layer.left, layer.right) if reach is not None]
    beyond = (reach + _LONGEST // 16 for reach in reaches if reach < _FARTHEST)
    return min(config.positions, max([_LONGEST, *beyond]))


def sample(tokenizer: Tokenizer, longest: int) -> PackedEncodings:
    """Make token ids of real texts: short ones, none, pairs, and one as long as allowed.

    Args:
        tokenizer: the model's.
        longest: the most tokens of a sequence.
    """
    texts = list(calibration_text(None).texts)
    singles = ["", *texts[:_TEXTS], " ".join(texts * 2)]
    starts = texts[-2 * _PAIRS :: 2]
    alone = tokenizer.encode_batch(singles, max_length=longest)
    paired = tokenizer.encode_batch(starts, texts[-2 * _PAIRS + 1 :: 2], max_length=longest)
    both = ("ids", "type_ids", "lengths", "truncated")
    joined = (np.concatenate([getattr(alone, name), getattr(paired, name)]) for name in both)
    return PackedEncodings(*joined)


def check_model(
    path: Path, packed: PackedEncodings, pad: int, outputs: tuple[str, ...], expected: Expected
) -> Check:
    """Compare a file with the core.

    Args:
        path: the .onnx file.
        packed: what both read.
        pad: the id of the padding token.
        outputs: the names of the file's outputs.
        expected: the core.
    Raises: CheckpointError: the file can't be run, or differs by more than TOLERANCE.
    Raises: ExtraMissing: onnxruntime isn't installed.
    """
    runtime = _import_runtime()
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors
    with _runs(path):
        session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    largest = float(np.max(list(_differences(path, session, packed, pad, outputs, expected))))
    # Not a number is no small difference.
    if not largest <= TOLERANCE:
        raise CheckpointError(
            f"{path.name}: onnxruntime's {', '.join(outputs)} differ from the core's by up to"
            f" {largest:.3g} of its largest number, expected at most {TOLERANCE}; the file is not"
            " kept"
        )
    count = len(packed.lengths), len(packed.ids)
    return Check(largest, *count, f"onnxruntime {runtime.__version__}")


@contextmanager
def _runs(path: Path) -> Iterator[None]:
    """Say of which file whatever onnxruntime raises is; its errors have no common class."""
    try:
        yield
    except Exception as error:
        raise CheckpointError(f"{path.name}: onnxruntime can't run it: {error}") from error


def _differences(
    path: Path,
    session: Any,
    packed: PackedEncodings,
    pad: int,
    outputs: tuple[str, ...],
    expected: Expected,
) -> Iterator[float]:
    """Give the largest difference of each batch."""
    wanted = {given.name for given in session.get_inputs()}
    for chosen in _batches(packed.lengths):
        ids, type_ids, lengths = gather(packed.ids, packed.type_ids, packed.lengths, chosen)
        token = np.arange(lengths.max()) < lengths[:, None]
        feed = {
            INPUT_IDS: _padded(ids, token, pad),
            ATTENTION_MASK: token.astype(np.int64),
            TOKEN_TYPE_IDS: _padded(type_ids, token, 0),
        }
        with _runs(path):
            found = session.run(outputs, {name: feed[name] for name in wanted})
        ours = expected(ids, type_ids, lengths)
        for name, theirs in zip(outputs, found, strict=True):
            by_token = theirs.shape[:2] == token.shape and len(ours[name]) == len(ids)
            rows = theirs[token] if by_token else theirs
            yield float(np.abs(rows - ours[name]).max() / np.maximum(1, np.abs(ours[name]).max()))


def _batches(lengths: Ints) -> Iterator[NDArray[np.intp]]:
    """Give the numbers of sequences that run together, the longest first, so that little is padded.

    At least two do, so that something is.
    """
    order = np.argsort(-lengths, kind="stable")
    while len(order):
        count = min(_BATCH, max(2, _TOKEN_PAIRS // int(lengths[order[0]]) ** 2))
        yield order[:count]
        order = order[count:]


def _padded(values: Ints, token: NDArray[np.bool_], fill: int) -> NDArray[np.int64]:
    """Lay packed values out as (batch, sequence)."""
    padded = np.full(token.shape, fill, np.int64)
    padded[token] = values
    return padded


def _import_runtime() -> Any:
    """Import onnxruntime."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ExtraMissing(
            "checking ONNX needs the package onnxruntime: pip install 'bertie[onnx]'"
        ) from error
    return onnxruntime
