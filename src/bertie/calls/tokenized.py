"""Inputs as token ids, one sequence each or, where they are read in windows, several."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertie.tokenize import PackedEncodings

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Scores = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tokenized:
    """The sequences of some inputs.

    Attributes:
        packed: the sequences.
        owners: (sequences,) int32, ascending: the input that each is a window of; None where each
            input is one sequence.
    """

    packed: PackedEncodings
    owners: Ints | None = None

    def averaged(self, rows: Floats) -> Floats:
        """Average the rows of each input's windows, by their tokens.

        Args:
            rows: (sequences, width) float32.
        Returns: (inputs, width) float32; the rows themselves where no input has two.
        """
        starts = self._starts()
        if starts is None:
            return rows
        weights = self.packed.lengths.astype(np.float32)[:, None]
        sums: Floats = np.add.reduceat(rows * weights, starts, axis=0)
        totals: Floats = np.add.reduceat(weights, starts, axis=0)
        found = sums / totals
        # One window alone is itself, to the last bit.
        alone = np.diff(np.append(starts, len(rows))) == 1
        found[alone] = rows[starts[alone]]
        return found

    def largest(self, values: Scores) -> Scores:
        """Take the largest value of each input's windows.

        Args:
            values: (sequences,) float64.
        Returns: (inputs,) float64.
        """
        starts = self._starts()
        if starts is None:
            return values
        found: Scores = np.maximum.reduceat(values, starts)
        return found

    def _starts(self) -> NDArray[np.intp] | None:
        """Find each input's first window, if any input has two."""
        if self.owners is None or len(self.owners) == 0 or not (np.diff(self.owners) == 0).any():
            return None
        return np.flatnonzero(np.diff(self.owners, prepend=-1))
