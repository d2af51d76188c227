"""What the system says of the machine."""

import os
import platform
import sys
from pathlib import Path


def cpu_name() -> str:
    """Name the CPU as the system does, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def load_average() -> float | None:
    """How many processes ran or waited on average over the last minute; None: unknown."""
    if sys.platform == "win32":  # which counts no such thing
        return None
    try:
        return os.getloadavg()[0]
    except OSError:
        return None
