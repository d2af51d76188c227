"""The system, and the CPU as the core sees it."""

import os
import platform
import sys
import sysconfig
from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """The operating system.

    Attributes:
        platform: the kernel and its version.
        distribution: of Linux, where the system says so.
        machine: the architecture.
        libc: the C library and its version; None: neither glibc nor musl.
        memory: bytes in all; None: unknown.
    """

    platform: str
    distribution: str | None
    machine: str
    libc: str | None
    memory: int | None


@dataclass(frozen=True)
class Cpu:
    """The CPU, and how much of it this process may use.

    Attributes:
        name: as it calls itself, else its architecture.
        features: the instructions that it has and that matter here.
        cores: those that Bertie computes on; of None here and below nothing is known.
        affinity_cores: those that the process may run on.
        quota_cores: those that its cgroup's time is worth; None also where there is no quota.
        machine_cores: those of the machine.
    """

    name: str
    features: tuple[str, ...]
    cores: int | None
    affinity_cores: int | None
    quota_cores: int | None
    machine_cores: int | None


def system() -> System:
    """Ask the system about itself."""
    try:
        distribution = platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        distribution = None
    return System(platform.platform(), distribution, platform.machine(), _libc(), _memory())


def cpu() -> Cpu:
    """Ask the core about the CPU.

    Raises: ImportError: the core can't be imported.
    """
    from bertie import _core  # here because it may be broken

    return Cpu(
        _core.cpu_name() or fallback_cpu().name,
        tuple(_core.cpu_features()),
        _core.available_cores(),
        _core.affinity_cores(),
        _core.quota_cores() or None,
        os.cpu_count(),
    )


def fallback_cpu() -> Cpu:
    """What is known of the CPU without the core."""
    name = platform.processor() or platform.machine()
    return Cpu(name, (), None, None, None, os.cpu_count())


def _libc() -> str | None:
    """Name the C library, which Python does of glibc only."""
    name, version = platform.libc_ver()
    if name:
        return f"{name} {version}".strip()
    return "musl" if "musl" in (sysconfig.get_config_var("SOABI") or "") else None


def _memory() -> int | None:
    """The machine's memory in bytes, where POSIX has it told."""
    if sys.platform == "win32":
        return None
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
