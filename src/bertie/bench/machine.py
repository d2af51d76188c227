"""What the system says of the machine and of this process."""

import platform
import resource
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


def resident_bytes() -> int | None:
    """The memory of this process that is in RAM, its mapped files included; None: unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return None
    return pages * resource.getpagesize()


def peak_resident_bytes() -> int:
    """The most that it ever was.

    What getrusage tells is no less than the parent's, which a child starts from; Linux's VmHWM
    begins anew with the program. Both count in KiB.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
