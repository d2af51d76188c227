"""Messages come through the socket as they were sent."""

import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.server.scheduling.frames import Assembler, decode, encode, receive

MESSAGES = [("a", 1), {"answers": np.arange(7, dtype=np.float32)}, None, np.zeros((3, 5))]


def equal(a: object, b: object) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    return bool(np.array_equal(a, b)) if isinstance(a, np.ndarray) else a == b


@given(st.lists(st.integers(1, 40), min_size=1))
def test_any_cut_of_the_stream_gives_the_messages(sizes: list[int]) -> None:
    stream = memoryview(b"".join(map(encode, MESSAGES)))
    assembler, found, turn = Assembler(), [], 0
    while stream:
        buffer = assembler.buffer()
        count = min(len(buffer), sizes[turn % len(sizes)], len(stream))
        buffer[:count] = stream[:count]
        stream, turn = stream[count:], turn + 1
        frame = assembler.received(count)
        found += [] if frame is None else [decode(frame)]
    assert len(found) == len(MESSAGES)
    assert all(map(equal, found, MESSAGES))


def test_arrays_lie_in_the_frame_aligned_and_are_not_copied() -> None:
    array = np.arange(1001, dtype=np.float32)
    frame = bytearray(encode(["odd", array[:3], array])[8:])
    _, small, large = decode(frame)
    assert small.flags.aligned
    assert large.flags.aligned
    assert np.shares_memory(large, np.frombuffer(frame, np.uint8))


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    first, second = socket.socketpair()
    with first, second:
        yield first, second


def test_an_end_that_closes_is_told(sockets: tuple[socket.socket, socket.socket]) -> None:
    large = np.zeros(2**20)
    sender = threading.Thread(
        target=lambda: (sockets[0].sendall(encode(large)), sockets[0].close())
    )
    sender.start()
    assembler = Assembler()
    assert receive(sockets[1], assembler).shape == large.shape
    with pytest.raises(EOFError):
        receive(sockets[1], assembler)
    sender.join()
