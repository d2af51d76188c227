"""Gives Bertie the standard library of Windows, in every process whose PYTHONPATH leads here.

Only Bertie's own modules get it: their `import os` gives a module without `fork`, and `sys` says
"win32" to them. What Windows has instead is stood in for by what Linux has nearest to it. Renaming
and removing are refused for what this process has open, whoever asks. None of this is Windows:
that a name is absent is true to it, what a call does there is only as its documentation says.
"""

import builtins
import ctypes
import errno
import fcntl
import mmap
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any

# Of the names that POSIX has and Windows hasn't, those that a program may well use.
ABSENT: Mapping[str, set[str]] = {
    "os": {
        "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "chown", "confstr",
        "ctermid", "fchmod", "fchown", "fdatasync", "fork", "forkpty", "getegid", "geteuid",
        "getgid", "getgroups", "getloadavg", "getpgid", "getpriority", "getuid", "initgroups",
        "killpg", "lchown", "lockf", "mkfifo", "mknod", "nice", "openpty", "posix_fadvise",
        "posix_fallocate", "posix_spawn", "pread", "preadv", "pwrite", "pwritev", "readv",
        "register_at_fork", "sched_getaffinity", "sched_setaffinity", "sched_yield", "sendfile",
        "setgid", "setpgid", "setsid", "setuid", "statvfs", "sync", "sysconf", "uname", "wait",
        "wait3", "wait4", "writev", "WEXITSTATUS", "WIFEXITED", "WIFSIGNALED", "WNOHANG",
    },
    "signal": {
        "ITIMER_REAL", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCONT", "SIGHUP", "SIGKILL", "SIGPIPE",
        "SIGQUIT", "SIGSTOP", "SIGTSTP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "alarm", "getitimer",
        "pause", "pthread_kill", "pthread_sigmask", "setitimer", "siginterrupt", "sigpending",
        "sigtimedwait", "sigwait", "sigwaitinfo",
    },
    "socket": {
        "AF_UNIX", "CMSG_LEN", "CMSG_SPACE", "MSG_DONTWAIT", "MSG_NOSIGNAL", "SCM_RIGHTS",
        "SO_REUSEPORT", "recv_fds", "send_fds",
    },
    "mmap": {name for name in dir(mmap) if name.startswith(("MADV_", "MAP_", "PROT_"))},
    "time": {"clock_settime", "pthread_getcpuclockid", "tzset"},
    "select": {"PIPE_BUF", "epoll", "poll"},
    "fcntl": set(), "grp": set(), "pty": set(), "pwd": set(), "readline": set(),
    "resource": set(), "syslog": set(), "termios": set(), "tty": set(), "uvloop": set(),
}  # fmt: skip
_MISSING_MODULES = {name for name, names in ABSENT.items() if not names}


class _Module(ModuleType):
    """A module as Windows has it."""

    def __init__(self, name: str, own: Mapping[str, Any]) -> None:
        super().__init__(name)
        self._real = sys.modules.get(name)
        self._absent = ABSENT.get(name, set())
        self.__dict__.update(own)

    def __getattr__(self, name: str) -> Any:
        if name in self._absent or self._real is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on Windows")
        return getattr(self._real, name)


def _refused(path: Any) -> OSError:
    return PermissionError(errno.EACCES, "as on Windows", os.fspath(path))


def _open(path: Any, flags: int, *more: Any, **given: Any) -> int:
    if Path(path).is_dir():
        raise _refused(path)
    return os.open(path, flags, *more, **given)


def _fsync(descriptor: int) -> None:
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, "as on Windows")
    os.fsync(descriptor)


def _in_use(path: str) -> bool:
    """Whether this process has a file, or one in a directory, open or mapped."""
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            opened = str(descriptor.readlink())
        except OSError:
            continue
        if opened == path or opened.startswith(f"{path}/"):
            return True
    return False


def _unless_open(call: Callable[..., Any]) -> Callable[..., Any]:
    """Have a function of paths refuse those that are open, and renaming to what is there."""

    def refusing(*paths: Any, dir_fd: int | None = None, **given: Any) -> Any:
        where = "." if dir_fd is None else f"/proc/self/fd/{dir_fd}"
        whole = [str(Path(os.path.realpath(where), path)) for path in paths]
        if any(map(_in_use, whole)):
            raise _refused(paths[0])
        if call.__name__ == "rename" and os.path.lexists(whole[1]):
            raise FileExistsError(errno.EEXIST, "as on Windows", whole[1])
        return call(*paths, **({} if dir_fd is None else {"dir_fd": dir_fd}), **given)

    return refusing


class _Mapping(mmap.mmap):
    """A mapped file to which nothing can be said about its pages."""

    @property
    def madvise(self) -> Any:
        raise AttributeError("'mmap.mmap' object has no attribute 'madvise'")


class _Popen(subprocess.Popen[Any]):
    """A process that gets no descriptors but its standard ones."""

    def __init__(self, *arguments: Any, **given: Any) -> None:
        if {"pass_fds", "preexec_fn", "start_new_session", "process_group"} & given.keys():
            raise ValueError(f"not supported on Windows: {sorted(given)}")
        super().__init__(*arguments, **given)


class _Socket(socket.socket):
    """A socket that can be given to another process, once."""

    def share(self, process: int) -> bytes:
        """Wait in the background for the process, and send the descriptor."""
        name = f"bertie-{os.getpid()}-{process}-{self.fileno()}"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"\0{name}")
        listener.listen(1)
        copy = self.dup()

        def hand_over() -> None:
            with listener, copy, listener.accept()[0] as other:
                socket.send_fds(other, [b"x"], [copy.fileno()])

        threading.Thread(target=hand_over, daemon=True).start()
        return name.encode()


def _fromshare(name: bytes) -> socket.socket:
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(f"\0{name.decode()}")
        return socket.socket(fileno=socket.recv_fds(other, 1, 1)[1][0])


def _socketpair() -> tuple[socket.socket, socket.socket]:
    """Connect two sockets of TCP, as Python does on Windows."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        first = _Socket(socket.AF_INET)
        first.connect(listener.getsockname())
        second, _ = listener.accept()
        return first, _Socket(fileno=second.detach())


def _locking(descriptor: int, mode: int, count: int) -> None:
    """Lock bytes from the position on; with locks of an open file, as Windows' are of a handle."""
    kind = fcntl.F_UNLCK if mode == 0 else fcntl.F_WRLCK
    start = os.lseek(descriptor, 0, os.SEEK_CUR)
    try:
        asked = struct.pack("hhqqi4x", kind, os.SEEK_SET, start, count, 0)
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, asked)
    except BlockingIOError:
        raise PermissionError(errno.EACCES, "Permission denied") from None


def _resident(field: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint32)
def _memory_info(handle: int, counters: int, size: int) -> int:
    """Fill in PROCESS_MEMORY_COUNTERS, whose 64-bit form has 72 bytes."""
    if handle != 2**64 - 1 or size != 72:
        return 0
    ctypes.c_size_t.from_address(counters + 8).value = _resident("VmHWM:")
    ctypes.c_size_t.from_address(counters + 16).value = _resident("VmRSS:")
    return 1


@ctypes.CFUNCTYPE(ctypes.c_void_p)
def _this_process() -> int:
    return 2**64 - 1


class _Kernel:
    """What Bertie asks of kernel32.dll."""

    def __init__(self, name: str) -> None:
        self.GetCurrentProcess, self.K32GetProcessMemoryInfo = _this_process, _memory_info


_MODULES = {
    "os": _Module("os", {"O_BINARY": 0, "fsync": _fsync, "name": "nt", "open": _open}),
    "sys": _Module("sys", {"platform": "win32"}),
    "signal": _Module("signal", {}),
    "socket": _Module(
        "socket", {"fromshare": _fromshare, "socket": _Socket, "socketpair": _socketpair}
    ),
    "mmap": _Module("mmap", {"mmap": _Mapping}),
    "subprocess": _Module("subprocess", {"Popen": _Popen}),
    "ctypes": _Module("ctypes", {"WinDLL": _Kernel}),
    "msvcrt": _Module("msvcrt", {"LK_UNLCK": 0, "LK_NBLCK": 2, "locking": _locking}),
    "time": _Module("time", {}),
}


def _no_signal_handlers(asyncio: Any) -> None:
    """Have loops refuse what those of Windows do."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise NotImplementedError

    loop = asyncio.SelectorEventLoop
    loop.add_signal_handler = loop.add_reader = loop.add_writer = refuse
    loop.create_unix_connection = loop.create_unix_server = refuse


def _import(name: str, globals: Any = None, *more: Any, **given: Any) -> Any:
    """Import a module, as Windows has it where Bertie asks."""
    if str((globals or {}).get("__package__")).partition(".")[0] != "bertie":
        return _real_import(name, globals, *more, **given)
    if name in _MISSING_MODULES:
        raise ModuleNotFoundError(f"No module named {name!r} on Windows", name=name)
    if name in _MODULES:
        return _MODULES[name]
    module = _real_import(name, globals, *more, **given)
    if name == "asyncio":
        _no_signal_handlers(module)
    return module


_real_import = builtins.__import__
builtins.__import__ = _import
for _name in ("rename", "replace", "unlink", "remove"):
    setattr(os, _name, _unless_open(getattr(os, _name)))

# The module of this name that this one hides: `pytest --auto` has one.
_others = [path for path in sys.path if Path(path) != Path(__file__).parent]
if _spec := PathFinder.find_spec("sitecustomize", _others):
    assert _spec.loader is not None
    _spec.loader.exec_module(module_from_spec(_spec))
