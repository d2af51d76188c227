"""The load average: how busy the machine is."""

import os
import sys


def load_average() -> float | None:
    """How many processes ran or waited on average over the last minute; None: unknown."""
    if sys.platform == "win32":  # which counts no such thing
        return None
    try:
        return os.getloadavg()[0]
    except OSError:
        return None
