"""Compressed bodies: Content-Encoding undone piece by piece, with a limit on what comes out."""

import zlib
from collections.abc import Callable, Iterator, Sequence

from bertie.server.http.errors import RequestError

# What is understood; said in Accept-Encoding where something else came.
ACCEPTED = "gzip, deflate, identity"
_NAMES = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_MOST_ENCODINGS = 4
_MOST_MEMBERS = 4096  # of one gzip stream: each costs a little, also where it is empty
_PIECE = 65_536  # bytes that are inflated at a time
_ZLIB, _RAW, _GZIP = 15, -15, 31  # zlib's wbits

TooLarge = Callable[[int], RequestError]


class Decompressor:
    """A body's encodings, undone as its bytes come."""

    def __init__(self, stated: str, limit: int, too_large: TooLarge) -> None:
        """Read what Content-Encoding says.

        Args:
            stated: names, the one applied last at the end.
            limit: bytes that may come out at the end.
            too_large: makes the error of so many bytes.
        Raises: RequestError: a name that isn't known, or too many of them.
        """
        named = [name.strip(" \t").lower() for name in stated.split(",")]
        names = [name for name in named if name not in ("", "identity")]
        if unknown := [name for name in names if name not in _NAMES]:
            raise RequestError(
                "unsupported", f"content-encoding is {unknown[0][:40]!r}, expected {ACCEPTED}"
            )
        if len(names) > _MOST_ENCODINGS:
            raise RequestError(
                "unsupported",
                f"content-encoding has {len(names)} names, expected at most {_MOST_ENCODINGS}",
            )
        # What comes out of all but the last step is compressed still, and has that one's limit.
        limits = [compressed_limit(limit)] * (len(names) - 1) + [limit]
        self._steps = [
            _Step(_NAMES[name], most, too_large)
            for name, most in zip(reversed(names), limits, strict=False)
        ]

    def __bool__(self) -> bool:
        """Tell whether there is anything to undo."""
        return bool(self._steps)

    def decompress(self, data: bytes) -> Iterator[bytes]:
        """Inflate bytes that came. Raises: RequestError: they can't be, or are too many."""
        return _through(self._steps, data)

    def end(self) -> None:
        """Take note that all bytes came. Raises: RequestError: some are missing."""
        for step in self._steps:
            step.end()


def compressed_limit(limit: int) -> int:
    """Give the most bytes of a compressed body: what can't be compressed grows a little."""
    return limit + limit // 16 + 1024


def _through(steps: "Sequence[_Step]", data: bytes) -> Iterator[bytes]:
    """Take bytes through some steps."""
    if not steps:
        yield data
        return
    for piece in steps[0].decompress(data):
        yield from _through(steps[1:], piece)


class _Step:
    """One encoding, undone."""

    def __init__(self, name: str, limit: int, too_large: TooLarge) -> None:
        """Start before the first byte."""
        self._name = name
        self._limit = limit
        self._too_large = too_large
        self._size = 0
        self._members = 1
        self._head = b""
        # That of deflate may have a frame of its own or none, which its first bytes say.
        self._stream = zlib.decompressobj(_GZIP) if name == "gzip" else None

    def decompress(self, data: bytes) -> Iterator[bytes]:
        """Inflate bytes that came."""
        if self._stream is None:
            self._head += data
            if len(self._head) < 2:
                return
            data = self._head
            self._stream = zlib.decompressobj(_ZLIB if _is_framed(data) else _RAW)
        piece = b""
        while data or len(piece) == _PIECE:  # a full piece may not be all that there is
            if self._stream.eof and not data:
                return
            stream = self._stream = self._next() if self._stream.eof else self._stream
            try:
                piece = stream.decompress(data, _PIECE)
            except zlib.error as error:
                raise self._broken(f"can't be read ({error})") from None
            self._size += len(piece)
            if self._size > self._limit:
                raise self._too_large(self._size)
            if piece:
                yield piece
            data = stream.unused_data if stream.eof else stream.unconsumed_tail

    def end(self) -> None:
        """Refuse a stream that isn't complete."""
        if self._stream is None or not self._stream.eof:
            raise self._broken("ends before it is complete")

    def _next(self) -> "zlib._Decompress":
        """Begin again behind an end: gzip may have several members."""
        self._members += 1
        if self._name != "gzip" or self._members > _MOST_MEMBERS:
            raise self._broken("goes on behind its end")
        return zlib.decompressobj(_GZIP)

    def _broken(self, what: str) -> RequestError:
        """Refuse a body that isn't what its encoding says."""
        return RequestError("malformed", f"the body's {self._name} stream {what}: send it whole")


def _is_framed(head: bytes) -> bool:
    """Tell a zlib stream, which is what deflate means, from a bare one, which some send."""
    return head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0
