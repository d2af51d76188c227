"""How much memory this process takes."""

import sys

if sys.platform == "win32":
    import ctypes

    class _Counters(ctypes.Structure):
        """PROCESS_MEMORY_COUNTERS of psapi.h."""

        _fields_ = (
            ("cb", ctypes.c_uint32),
            ("PageFaultCount", ctypes.c_uint32),
            ("PeakWorkingSetSize", ctypes.c_size_t),
            ("WorkingSetSize", ctypes.c_size_t),
            ("QuotaPeakPagedPoolUsage", ctypes.c_size_t),
            ("QuotaPagedPoolUsage", ctypes.c_size_t),
            ("QuotaPeakNonPagedPoolUsage", ctypes.c_size_t),
            ("QuotaNonPagedPoolUsage", ctypes.c_size_t),
            ("PagefileUsage", ctypes.c_size_t),
            ("PeakPagefileUsage", ctypes.c_size_t),
        )

    def _counters() -> _Counters | None:
        """Ask the system; None: it doesn't tell."""
        kernel = ctypes.WinDLL("kernel32")
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        ask = kernel.K32GetProcessMemoryInfo
        ask.argtypes = (ctypes.c_void_p, ctypes.POINTER(_Counters), ctypes.c_uint32)
        counters = _Counters(cb=ctypes.sizeof(_Counters))
        known = ask(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.cb)
        return counters if known else None

    def resident_bytes() -> int | None:
        """The memory of this process that is in RAM, its mapped files included; None: unknown."""
        counters = _counters()
        return None if counters is None else int(counters.WorkingSetSize)

    def peak_resident_bytes() -> int | None:
        """The most that it ever was; None: unknown."""
        counters = _counters()
        return None if counters is None else int(counters.PeakWorkingSetSize)

else:
    import os
    import resource
    from pathlib import Path

    _PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes

    def resident_bytes() -> int | None:
        """The memory of this process that is in RAM, its mapped files included; None: unknown."""
        try:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        except OSError:
            return _told_by_ps()
        return pages * resource.getpagesize()

    def peak_resident_bytes() -> int | None:
        """The most that it ever was; None: unknown.

        What getrusage tells is no less than the parent's, which a child starts from; Linux's VmHWM
        begins anew with the program.
        """
        try:
            lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        for line in lines:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT

    def _told_by_ps() -> int | None:
        """Ask the program that every POSIX system has, macOS without /proc too."""
        import subprocess  # here because systems with /proc do without it

        command = ["ps", "-o", "rss=", "-p", str(os.getpid())]
        try:
            return int(subprocess.run(command, capture_output=True, check=True).stdout) * 1024
        except (OSError, ValueError, subprocess.SubprocessError):
            return None
