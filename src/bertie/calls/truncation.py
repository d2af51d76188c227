"""What becomes of texts that are longer than the model reads: never anything silent."""

import warnings
from reprlib import repr as shown
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bertie.errors import InputError, TruncationWarning

POLICIES = ("right", "left", "error", "window")


def check_policy(truncate: str) -> None:
    """Refuse a truncation policy that doesn't exist."""
    if truncate not in POLICIES:
        raise InputError(f"truncate is {shown(truncate)}, expected {', '.join(POLICIES)}")


class Truncation:
    """What one call leaves out of its texts."""

    def __init__(self, policy: str, max_length: int, *, sequences: int = 1) -> None:
        """Start a call.

        Args:
            policy: one of POLICIES.
            max_length: the most tokens of a text.
            sequences: how many sequences each text becomes, one after another.
        Raises: InputError: another policy.
        """
        check_policy(policy)
        self.policy = policy
        self.max_length = max_length
        self.sequences = sequences
        self._texts = self._cut = self._tokens = 0

    @property
    def windowed(self) -> bool:
        """Whether long texts become several windows, so that nothing is left out."""
        return self.policy == "window"

    @property
    def side(self) -> Literal["left", "right"]:
        """The end that a tokenizer cuts off; under "error" it cuts only for us to count."""
        return "left" if self.policy == "left" else "right"

    def add(self, lengths: NDArray[np.int32], truncated: NDArray[np.int32], first: int) -> None:
        """Count some texts of the call.

        Args:
            lengths: (sequences,) int32, tokens kept of each.
            truncated: (sequences,) int32, tokens left out of each.
            first: the position of the first of them in the call.
        Raises: InputError: the policy is "error" and a text is too long; it names the first.
        """
        self._texts += len(lengths) // self.sequences
        if not truncated.any():
            return
        lengths, truncated = self._longest(lengths, truncated)
        cut = np.flatnonzero(truncated)
        self._cut += len(cut)
        self._tokens += int(truncated.sum(dtype=np.int64))
        if self.policy == "error":
            tokens = int(lengths[cut[0]]) + int(truncated[cut[0]])
            others = f", as are {len(cut) - 1} after it" if len(cut) > 1 else ""
            raise InputError(
                f"text {first + int(cut[0])} is {tokens} tokens long{others};"
                f" expected at most {self.max_length}:"
                " shorten it, or let truncate='right' or 'left' cut it or 'window' read it in parts"
            )

    def _longest(
        self, lengths: NDArray[np.int32], truncated: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Let the sequence that lost most stand for its text."""
        rows = truncated.reshape(-1, self.sequences)
        most = rows.argmax(axis=1)[:, None]
        kept = np.take_along_axis(lengths.reshape(rows.shape), most, axis=1)
        return kept[:, 0], np.take_along_axis(rows, most, axis=1)[:, 0]

    def warn(self, stacklevel: int) -> None:
        """Warn, if anything was left out, on behalf of the caller `stacklevel` calls up."""
        if self._cut:
            warnings.warn(
                f"{self._cut} of {self._texts} texts had more than the {self.max_length} tokens"
                f" that the model reads: {self._tokens} tokens were left out"
                f" (truncate={self.policy!r})",
                TruncationWarning,
                stacklevel=stacklevel + 1,
            )
