"""Pickles are read as Python reads them, or refused: nothing in them is ever run."""

import os
import pickle
import subprocess
import time
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.checkpoint.pytorch.pickles import LONGEST, Maker, read_pickle
from bertie.errors import CheckpointError
from tests.torch_files import called, many, named, number, pickled, text

NAMES = {
    ("collections", "OrderedDict"): Maker("collections.OrderedDict", lambda arguments: {}),
    ("torch", "FloatStorage"): "a storage",
}


def read(data: bytes) -> Any:
    """Read a pickle of no more than Python's own things."""
    return read_pickle(memoryview(data), "file", NAMES)[0]


def refuse(data: bytes, message: str) -> None:
    """Check that a pickle is refused, in little time and memory."""
    began = time.process_time()
    with pytest.raises(CheckpointError, match=rf"^file: the pickle can't be read, .*{message}"):
        read(data)
    assert time.process_time() - began < 5
    tracemalloc.start()
    with suppress(CheckpointError):
        read(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * len(data) + 2**20


plain: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**71), 2**71)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(-(2**63) + 1, 2**63 - 1), inner)
    ),
    max_leaves=10,
)


@given(value=plain, protocol=st.sampled_from([3, 4, 5]))
def test_plain_values_read_as_python_reads_them(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    read_value, length = read_pickle(memoryview(data + b"more"), "file", NAMES)
    assert read_value == value
    assert length == len(data)


def test_texts_of_python_2_are_read() -> None:
    assert read(b"\x80\x02U\x03caf.") == "caf"
    assert read(b"\x80\x02T\x04\x00\x00\x00caf\xe9.") == "café"


def test_a_value_that_is_referred_to_twice_is_one_value() -> None:
    shared = [1]
    first, second = read(pickle.dumps((shared, shared), 2))
    assert first is second


def test_an_ordered_dict_keeps_its_items_and_loses_its_attributes() -> None:
    value = OrderedDict(a=1)
    value._metadata = OrderedDict(version=1)  # type: ignore[attr-defined]
    assert read(pickle.dumps(value, 2)) == {"a": 1}


class Calling:
    """An object that is pickled as a call."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


HOSTILE: list[tuple[bytes, str]] = [
    *[
        (pickle.dumps(Calling(function, *arguments), protocol), f"it names '{name}'")
        for protocol in (2, 4)
        for function, arguments, name in (
            (os.system, ("touch /tmp/owned",), "posix.system"),
            (eval, ("1",), "(__builtin__|builtins).eval"),
            (exec, ("1",), "(__builtin__|builtins).exec"),
            (getattr, (1, "real"), "(__builtin__|builtins).getattr"),
            (subprocess.Popen, ("true",), "(subprocess|commands).Popen"),
            (OrderedDict.fromkeys, ("ab",), "(__builtin__|builtins).getattr"),
        )
    ],
    (pickled(called(named("torch", "load"), text("x"))), "it names 'torch.load'"),
    (
        pickled(called(named("torch.storage", "_load_from_bytes"), b"C\x00")),
        "names 'torch.storage._load",
    ),
    (
        pickled(named("collections", "OrderedDict.__init__")),
        "it names 'collections.OrderedDict.__init__'",
    ),
    (pickled(named("collections", "abc\0")), r"it names 'collections.abc\\x00'"),
    (pickled(named("a" * 300, "b")), "a name has no end within 255 bytes"),
    (b"\x80\x04" + text("os") + number(1) + b"\x93.", "a name isn't a text"),
    (pickled(b"cos\nsys\xfftem\n"), "a text isn't utf-8"),
    # Calls of what isn't a function, and with what isn't a tuple.
    (pickled(called(text("system"), text("true"))), "it calls a str with a tuple"),
    (pickled(called(named("torch", "FloatStorage"))), "it calls a str with a tuple"),
    (pickled(named("collections", "OrderedDict") + b"NR"), "OrderedDict with a NoneType"),
    # Attributes of what isn't an ordered dict: of a function, of a list.
    (
        pickled(named("collections", "OrderedDict") + b"}(" + text("make") + b"Nub"),
        "it sets attributes of collections.OrderedDict, expected an OrderedDict",
    ),
    (pickled(b"]}b"), "it sets attributes of a list"),
    # Opcodes that make objects of classes, or reach Python's registry of extensions.
    (pickled(named("collections", "OrderedDict") + b")\x81"), "opcode NEWOBJ is not admitted"),
    (b"\x80\x04" + named("collections", "OrderedDict") + b")}\x92.", "opcode NEWOBJ_EX is not"),
    (b"(ios\nsystem\n.", "opcode INST is not admitted"),
    (pickled(b"(" + named("collections", "OrderedDict") + b"o"), "opcode OBJ is not admitted"),
    (pickled(b"\x82\x01"), "opcode EXT1 is not admitted"),
    (pickled(b"Pid\n"), "opcode PERSID is not admitted"),
    (pickled(b"I1\n"), "opcode INT is not admitted"),
    (pickled(b"\x8b\xff\xff\xff\x7f"), "opcode LONG4 is not admitted"),
    (b"\x80\x04\x8f.", "opcode EMPTY_SET is not admitted"),
    (pickled(b"\xff"), "opcode 0xff is not admitted"),
    (pickled(b"\x00"), "opcode 0x00 is not admitted"),
    # Stacks, marks and memo that don't hold what is taken from them.
    (b".", "it takes from an empty stack"),
    (b"0.", "it takes from an empty stack"),
    (b"(.", "it takes from an empty stack"),
    (b"t.", "it takes down to a mark that isn't there"),
    (b"N\x86.", "it takes from an empty stack"),
    (b"q\x00.", "it takes from an empty stack"),
    (b"h\x07.", "it recalls a value 7 that it never kept"),
    (pickled(b"}Na"), "it appends to a dict, expected a list"),
    (pickled(b"NNa"), "it appends to a NoneType, expected a list"),
    (pickled(b"](NNNu"), "it sets keys of a list, expected a dict"),
    (pickled(b"}(Nu"), "it sets keys of a dict, expected a dict, keys and values"),
    (pickled(b"NQ"), "it refers to something outside itself"),
    # Lengths that the file doesn't have.
    (b"", "it ends within an opcode"),
    (b"\x80\x02", "it ends within an opcode"),
    (b"X\xff\xff\xff\xffabc", "it ends within an opcode"),
    (b"\x8d" + b"\xff" * 8 + b"abc", "it ends within an opcode"),
    (b"\x8e" + b"\xff" * 8 + b"abc", "it ends within an opcode"),
    (b"G\x00", "it ends within an opcode"),
    (b"\x8a\xff" + b"\xff" * 255 + b".", "a whole number has 255 bytes, expected at most 10"),
    (b"X\x02\x00\x00\x00\xff\xff.", "a text isn't utf-8"),
]


@pytest.mark.parametrize(("data", "message"), HOSTILE)
def test_a_hostile_pickle_is_refused_by_name(data: bytes, message: str) -> None:
    refuse(data, message)


def nest(depth: int) -> bytes:
    """Put a value into itself as a pair, again and again: 2 ** depth values in all."""
    return b"N" + b"q\x00h\x00\x86" * depth


@pytest.mark.parametrize("open_up", [b"]", b")", b"("])
def test_deep_nesting_is_as_harmless_as_any_value(open_up: bytes) -> None:
    depth = 120_000
    if open_up == b"(":
        refuse(pickled(b"(" * depth), "it takes from an empty stack")
    elif open_up == b")":
        assert len(read(pickled(b")" + b"\x85" * depth))) == 1
    else:
        assert len(read(pickled(b"]" * depth + b"a" * (depth - 1)))) == 1


def test_a_value_of_more_parts_than_memory_has_bytes_is_never_copied() -> None:
    tracemalloc.start()
    value = read(pickled(nest(200)))
    assert len(value) == 2
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000


def test_what_is_nested_is_no_key_and_so_never_hashed() -> None:
    refuse(pickled(b"}" + nest(200) + b"Ns"), "a key is a tuple, expected a text or a number")


@pytest.mark.parametrize("key", [b"N", b"\x88", b"]", b"G" + bytes(8), b"\x8a\x09" + b"\x7f" * 9])
def test_keys_are_texts_and_numbers_of_64_bits(key: bytes) -> None:
    refuse(pickled(b"}" + key + b"Ns"), "a key is a .*, expected a text or a number")
    assert read(pickled(b"}" + number(-3) + b"Ns")) == {-3: None}


@pytest.mark.parametrize("nested", [many(nest(200), b"N"), nest(200)])
def test_messages_of_nested_values_are_short(nested: bytes) -> None:
    refuse(pickled(nested + b"NR"), "it calls a tuple with a NoneType")


def test_too_many_opcodes_are_refused() -> None:
    with pytest.raises(CheckpointError, match="it has more than 262144 opcodes"):
        read(b"N0" * 140_000)


def test_too_many_bytes_are_refused() -> None:
    data = b"X" + (LONGEST - 5).to_bytes(4, "little") + b"a" * (LONGEST - 5) + b"."
    with pytest.raises(CheckpointError, match="or has more than 4194304 bytes"):
        read(data)


@given(
    data=st.binary(max_size=60)
    | st.lists(st.sampled_from(b"()]}NKq\x00h\x01tue.R\x85\x86asb0"), max_size=60).map(bytes)
)
def test_any_bytes_are_a_value_or_a_checkpoint_error(data: bytes) -> None:
    with suppress(CheckpointError):
        read(data)
