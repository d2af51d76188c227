"""API keys: hashed in the settings, compared in constant time."""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from bertie.errors import InputError
from bertie.server.http.errors import RequestError

if TYPE_CHECKING:
    from bertie.server.settings import HttpSettings

_PREFIX = "sha256:"
_BEARER = "bearer "
_NAMES = ("x-api-key", "api-key")


class Keys:
    """Who may ask what.

    A key is a long random text, so one round of SHA-256 without salt tells nothing of it.
    """

    def __init__(self, users: Iterable[str], admins: Iterable[str], open_guards: Iterable[str]):
        """Read the hashes.

        Args:
            users: "sha256:" and 64 hexadecimal digits for each key; without any, no key is asked.
            admins: the same for the keys that may also load and unload models.
            open_guards: those guards that ask for no key.
        Raises: InputError: something else.
        """
        self._admins = tuple(_digest(entry) for entry in admins)
        self._users = tuple(_digest(entry) for entry in users)
        self._open = frozenset({"public", *open_guards})

    @classmethod
    def of(cls, settings: "HttpSettings") -> "Keys":
        """Take the settings' word. Raises: InputError: a hash that is none."""
        open_guards = {"health": settings.health_open, "metrics": settings.metrics_open}
        return cls(
            settings.api_keys,
            settings.admin_keys,
            [guard for guard, is_open in open_guards.items() if is_open],
        )

    def check(self, guard: str, header: Callable[[str], str]) -> None:
        """Let a request pass, or don't.

        Args:
            guard: the route's.
            header: gives a header by name, or "".
        Raises: RequestError: there is no key, or not one of those.
        """
        if guard == "admin":
            if not self._admins:
                raise RequestError(
                    "forbidden", "this server has no admin_keys, so nobody may change its models"
                )
            self._require(self._admins, header)
        elif guard not in self._open and self._users:
            self._require((*self._users, *self._admins), header)

    def _require(self, digests: tuple[bytes, ...], header: Callable[[str], str]) -> None:
        """Compare the caller's key with all of some."""
        given = _given(header)
        if not given:
            raise RequestError(
                "unauthorized", "there is no key: send it as Authorization: Bearer KEY"
            )
        digest = hashlib.sha256(given.encode("utf-8", "surrogateescape")).digest()
        # All of them are compared, so that the time doesn't tell which one was near.
        if sum([hmac.compare_digest(digest, known) for known in digests]) == 0:
            raise RequestError("unauthorized", "the key is none of those that this server knows")


def _given(header: Callable[[str], str]) -> str:
    """Find the caller's key."""
    authorization = header("authorization")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip()
    return next(filter(None, map(header, _NAMES)), "")


def _digest(entry: str) -> bytes:
    """Read one hash."""
    digits = entry.removeprefix(_PREFIX)
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        digest = b""
    if not entry.startswith(_PREFIX) or len(digest) != hashlib.sha256().digest_size:
        # What it is isn't said: it may be a key that somebody took for its hash.
        raise InputError(
            "a key in the settings is no hash, expected sha256: and 64 hexadecimal digits:"
            " printf %s KEY | sha256sum makes them"
        )
    return digest
