"""Arguments of callers, checked by type: Python takes "false" for true, and 1.5 for 1 at times."""

from numbers import Integral
from reprlib import repr as shown
from typing import Any

from bertie.errors import InputError

_MOST_THREADS = 2**31 - 1


def check_flags(**flags: Any) -> None:
    """Refuse what is neither True nor False. Raises: InputError: naming the argument."""
    for name, value in flags.items():
        if type(value) is not bool:
            raise InputError(f"{name} is {shown(value)}, expected True or False")


def is_whole(value: Any) -> bool:
    """Tell whether a value is a whole number, NumPy's among them; truths aren't."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_threads(threads: Any) -> None:
    """Refuse what is no number of threads. Raises: InputError: it isn't at least 1, nor None."""
    if threads is not None and not (is_whole(threads) and 1 <= threads <= _MOST_THREADS):
        raise InputError(f"threads is {shown(threads)}, expected at least 1, or None for all cores")
