"""Every file and key that the frameworks read when they load a model, and what Bertie does with it.

The rows lie in one file for each kind of file; docs/checkpoints.md shows them all.
"""

from bertie.known.check import check
from bertie.known.record import IDLE, MARKS, NOTED, READ, REFUSED, Known

KNOWN: tuple[Known, ...] = ()

__all__ = ["IDLE", "KNOWN", "MARKS", "NOTED", "READ", "REFUSED", "Known", "check"]
