"""Options of a request beside its body: in HTTP's headers, or in gRPC's metadata."""

import uuid
from collections.abc import Callable

from bertie.server.http.errors import RequestError

# Gives a header by its name, or "".
Header = Callable[[str], str]

_PRIORITIES = range(-100, 101)
_LONGEST_ID = 128
_LONGEST_NUMBER = 12  # digits


def request_id(header: Header) -> str:
    """Give the caller's x-request-id where it is a decent one, else a new one."""
    given = header("x-request-id")
    decent = given and len(given) <= _LONGEST_ID and given.isascii() and given.isprintable()
    return given if decent else uuid.uuid4().hex


def priority(header: Header) -> int:
    """Read x-priority. Raises: RequestError: it is no number, or too large."""
    value = _number(header, "x-priority") or 0
    if value not in _PRIORITIES:
        raise RequestError(
            "malformed", f"x-priority is {value}, expected a whole number from -100 to 100"
        )
    return value


def timeout_s(header: Header) -> float | None:
    """Read x-timeout-ms, in seconds. Raises: RequestError: it is no number above 0."""
    value = _number(header, "x-timeout-ms")
    if value is None:
        return None
    if value < 1:
        raise RequestError("malformed", f"x-timeout-ms is {value}, expected at least 1")
    return value / 1000


def _number(header: Header, name: str) -> int | None:
    """Read a whole number; None where there is none."""
    given = header(name)
    if not given:
        return None
    digits = given.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER):
        raise RequestError("malformed", f"{name} is {given[:40]!r}, expected a whole number")
    return int(given)
