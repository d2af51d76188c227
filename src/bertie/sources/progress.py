"""How far a fetch is, told while it goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Called with what is being done, the bytes done so far, and the bytes in all where that is known.
Progress = Callable[[str, int, int | None], None]

_PERIOD = 0.1  # seconds


def silent(what: str, done: int, total: int | None) -> None:
    """Tell nobody."""


@contextmanager
def watching(
    directory: Path, what: str, progress: Progress, total: Callable[[], int | None]
) -> Iterator[None]:
    """Report the growth of a directory's files while another program or library writes them."""
    if progress is silent:
        yield
        return
    import threading  # here because nothing that lies on this machine needs it

    finished = threading.Event()
    before = _bytes_under(directory)

    def watch() -> None:
        while not finished.wait(_PERIOD):
            done, expected = max(0, _bytes_under(directory) - before), total()
            progress(what, done if expected is None else min(done, expected), expected)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join(timeout=10 * _PERIOD)


def _bytes_under(directory: Path) -> int:
    """Bytes in a directory's files; what vanishes meanwhile counts as nothing."""
    total = 0
    try:
        for path in directory.rglob("*"):
            try:
                if path.is_file() and not path.is_symlink():
                    total += path.stat().st_size
            except OSError:
                continue
    except OSError:
        return total
    return total
