"""Heads: from the last hidden states to logits, in the core."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.heads import HeadLayer, HeadRecord
from bertie.engine.encoder import Linear
from bertie.engine.pooling import POOLINGS, mean_pool

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


class Head:
    """A head, ready to compute.

    A row's logits are the same to the last bit whatever the other rows are. It computes in float32
    whatever the encoder's precision, but for a vocabulary's logits where it is told otherwise. Safe
    to share between threads.

    Attributes:
        record: what it was made of.
    """

    def __init__(self, record: HeadRecord, *, threads: int = 1, precision: str = "float32") -> None:
        """Pack the weights; they are copied.

        Args:
            record: the head.
            threads: at most this many cores at a time.
            precision: what the last layer computes in. A vocabulary's logits cost as much as layers
                of the encoder, so they follow its precision; few outputs cost nothing in float32.
        """
        self.record = record
        *first, last = record.layers
        self._steps = [_step(layer, threads) for layer in first]
        self._steps.append(_step(last, threads, precision))

    @property
    def kind(self) -> str:
        """What its logits are for, as HeadRecord has it."""
        return self.record.kind

    @property
    def outputs(self) -> int:
        """How many logits a row has."""
        return self.record.outputs

    @property
    def pooling(self) -> str | None:
        """What makes one row of a sequence's hidden states, as HeadRecord has it."""
        return self.record.pooling

    def of_sequences(self, hidden: Floats, lengths: Ints) -> Floats:
        """Compute the logits of each sequence, or of every token where the record reads "tokens".

        Args:
            hidden: (tokens, hidden_size) float32, sequences one after another.
            lengths: (batch,) int32, tokens in each sequence.
        Returns: (batch, outputs) float32, or (tokens, outputs).
        Raises: InputError: as logits; lengths that don't add up.
        """
        if self.pooling is not None:
            return self.logits(POOLINGS[self.pooling](hidden, lengths))
        return self.joined(self.logits(hidden), lengths)

    def joined(self, logits: Floats, lengths: Ints) -> Floats:
        """Make logits of each sequence of its tokens', where the record reads "late".

        Args:
            logits: (rows, outputs) float32, as logits gives them.
            lengths: (batch,) int32, tokens in each sequence.
        Returns: (batch, outputs) float32; otherwise they are each sequence's or token's already.
        """
        return mean_pool(logits, lengths) if self.record.reads == "late" else logits

    def logits(self, hidden: Floats) -> Floats:
        """Compute the logits of each row.

        Args:
            hidden: (rows, hidden_size) float32: where the record reads "first" or "mean", what
                pooling makes of each sequence, otherwise every token's.
        Returns: (rows, outputs) float32; a pooler's are its outputs after tanh.
        Raises: InputError: rows of another width.
        """
        rows = hidden
        for step in self._steps:
            rows = step(rows)
        return rows

    def maximum(self, hidden: Floats, lengths: Ints) -> Floats:
        """Find each logit's largest value over each sequence, without keeping those of its tokens.

        Args:
            hidden: (tokens, hidden_size) float32, sequences one after another.
            lengths: (batch,) int32, tokens in each sequence, at least 1.
        Returns: (batch, outputs) float32; all NaN where what the last step reads has NaN or
            infinity.
        Raises: InputError: as logits; lengths that don't add up.
        """
        rows = hidden
        for step in self._steps[:-1]:
            rows = step(rows)
        last = self._steps[-1]
        assert isinstance(last, Linear)
        if not np.isfinite(rows).all():  # a maximum passes over minus infinity
            return np.full((len(lengths), self.outputs), np.nan, np.float32)
        return last.maximum(rows, lengths)


def _step(layer: HeadLayer, threads: int, precision: str = "float32") -> Callable[[Floats], Floats]:
    """Make one step of its tensors."""
    weight = layer.weight.float32()
    bias = None if layer.bias is None else layer.bias.float32()
    if layer.norm_eps is None:
        return Linear(weight, bias, layer.activation, threads=threads, precision=precision)
    return LayerNorm(weight, bias, layer.norm_eps)


class LayerNorm:
    """A layer norm over rows, each by itself."""

    def __init__(self, gain: Floats, bias: Floats | None, epsilon: float) -> None:
        """Keep the parameters.

        Args:
            gain: (size,) float32.
            bias: (size,) float32, or None.
            epsilon: added to the variance.
        """
        self._gain = gain
        self._bias = np.float32(0) if bias is None else bias
        self._epsilon = np.float32(epsilon)

    def __call__(self, x: Floats) -> Floats:
        """Map (rows, size) float32 to the same shape."""
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        scaled: Floats = centred / np.sqrt(variance + self._epsilon)
        return scaled * self._gain + self._bias
