"""Frames: messages between the front process and its workers, over a socket of their own.

A frame is its length, the number of its parts and their lengths, then the parts, each beginning at
a multiple of 16: a pickle first, then the arrays that it holds, as they lie in memory. Nobody else
has an end of the socket, so what is unpickled is ours.
"""

import pickle
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("<Q")
_ALIGNMENT = 16


def encode(message: Any) -> bytes:
    """Turn a message into a frame."""
    arrays: list[pickle.PickleBuffer] = []
    body = pickle.dumps(message, 5, buffer_callback=arrays.append)
    parts = [memoryview(body), *(array.raw() for array in arrays)]
    head = struct.pack(f"<{len(parts) + 1}Q", len(parts), *(part.nbytes for part in parts))
    pieces: list[bytes | memoryview] = [head, _pad(_LENGTH.size + len(head))]
    for part in parts:
        pieces += [part, _pad(part.nbytes)]
    frame = b"".join(pieces)
    return b"".join([_LENGTH.pack(len(frame)), frame])


def decode(frame: bytearray) -> Any:
    """Turn a frame, without its length, into a message; its arrays are the frame's memory."""
    view = memoryview(frame)
    (count,) = _LENGTH.unpack_from(frame)
    lengths = struct.unpack_from(f"<{count}Q", frame, _LENGTH.size)
    start = _align(_LENGTH.size * (count + 2)) - _LENGTH.size
    parts = []
    for length in lengths:
        parts.append(view[start : start + length])
        start += _align(length)
    return pickle.loads(parts[0], buffers=parts[1:])  # noqa: S301 - see the module


class Assembler:
    """Frames out of a stream of bytes, each read into memory of its own."""

    def __init__(self) -> None:
        self._header = bytearray(_LENGTH.size)
        self._frame: bytearray | None = None
        self._filled = 0

    def buffer(self) -> memoryview:
        """Give the memory that the next bytes go to; never none."""
        return memoryview(self._header if self._frame is None else self._frame)[self._filled :]

    def received(self, count: int) -> bytearray | None:
        """Take note of bytes that were put there, and give a frame that they complete."""
        self._filled += count
        if self._frame is None:
            if self._filled == len(self._header):
                self._frame = bytearray(_LENGTH.unpack(self._header)[0])
                self._filled = 0
            return None
        if self._filled < len(self._frame):
            return None
        frame, self._frame, self._filled = self._frame, None, 0
        return frame


def receive(source: socket.socket, assembler: Assembler) -> Any:
    """Wait for a message. Raises: EOFError: the other end is gone."""
    while True:
        count = source.recv_into(assembler.buffer())
        if not count:
            raise EOFError
        frame = assembler.received(count)
        if frame is not None:
            return decode(frame)


def _align(length: int) -> int:
    """Round a length up to where the next part begins."""
    return -(-length // _ALIGNMENT) * _ALIGNMENT


def _pad(length: int) -> bytes:
    """Give what stands between a part of some length and the next."""
    return bytes(_align(length) - length)
