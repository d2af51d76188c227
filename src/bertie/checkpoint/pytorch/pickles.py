"""A pickle read by a machine that can't call anything.

Python's own unpickler imports and calls what a pickle names. This one knows the opcodes that
torch.save writes and a table of names that the caller gives: what a name stands for is a value or
a Maker of ours, and every other name, opcode or argument is refused where it is met.

A pickle of a hundred bytes can describe gigabytes, for it may refer to one value again and again.
Values here are only ever referred to, never copied, compared or printed whole; keys are texts and
numbers, so that nothing nested is hashed; and lengths are compared with the bytes that are there.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from bertie.errors import CheckpointError

# The most bytes and opcodes of a pickle. A tensor takes about 40 opcodes and 200 bytes.
LONGEST = 4 * 2**20
_MOST_OPCODES = 2**18
# In bytes: module and name of a global; a whole number, of which torch's magic is the longest.
_LONGEST_NAME = 255
_LONGEST_NUMBER = 10
_LARGEST_KEY = 2**63 - 1
_STOP = ord(".")


@dataclass(frozen=True, slots=True)
class Maker:
    """What a pickle may call, so to speak: a function of ours.

    Attributes:
        name: as the pickle names it.
        make: from the arguments, whatever they are; a ValueError says what is wrong with them.
    """

    name: str
    make: Callable[[tuple[Any, ...]], Any]


def read_pickle(
    data: memoryview,
    where: str,
    names: Mapping[tuple[str, str], Any],
    persistent: Callable[[Any], Any] | None = None,
) -> tuple[Any, int]:
    """Read one pickle.

    Args:
        data: bytes that begin with it.
        where: what messages call it.
        names: what it may name, by module and name.
        persistent: gives what the identifier of something outside the pickle stands for; a
            ValueError says what is wrong with it.
    Returns: the value, made of None, bool, int, float, str, bytes, tuple, list, dict and what
        names and persistent give; and the bytes that the pickle takes.
    Raises: CheckpointError: it isn't a whole pickle, or has what isn't admitted.
    """
    machine = _Machine(data[:LONGEST], where, names, persistent)
    return machine.run(), machine.position


class _Machine:
    """The stack, the marks on it and the memo of one pickle."""

    def __init__(
        self,
        data: memoryview,
        where: str,
        names: Mapping[tuple[str, str], Any],
        persistent: Callable[[Any], Any] | None,
    ) -> None:
        self.data = data
        self.where = where
        self.names = names
        self.persistent = persistent
        self.position = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Follow the opcodes to the end and give what is then on the stack."""
        for _ in range(_MOST_OPCODES):
            opcode = self.number(1)
            if opcode == _STOP:
                return self.pop()
            if opcode not in _STEPS:
                self.refuse(f"opcode {_spelled(opcode)} is not admitted")
            _STEPS[opcode](self)
        self.refuse(f"it has more than {_MOST_OPCODES} opcodes")

    def take(self, count: int) -> memoryview:
        """Give the next bytes."""
        if count > len(self.data) - self.position:
            self.refuse(f"it ends within an opcode, or has more than {LONGEST} bytes")
        self.position += count
        return self.data[self.position - count : self.position]

    def number(self, width: int) -> int:
        """Read a length or a count."""
        return int.from_bytes(self.take(width), "little")

    def decode(self, data: memoryview, encoding: str, errors: str = "strict") -> str:
        """Make a text of bytes."""
        try:
            return str(data, encoding, errors)
        except UnicodeDecodeError:
            self.refuse(f"a text isn't {encoding}")

    def push(self, value: Any) -> None:
        """Push a value."""
        self.stack.append(value)

    def push_new(self, kind: type) -> None:
        """Push an empty list or dict."""
        self.stack.append(kind())

    def push_number(self, form: struct.Struct) -> None:
        """Push a number of fixed width."""
        (value,) = form.unpack(self.take(form.size))
        self.stack.append(value)

    def push_integer(self) -> None:
        """Push a whole number of any width that can be."""
        width = self.number(1)
        if width > _LONGEST_NUMBER:
            self.refuse(f"a whole number has {width} bytes, expected at most {_LONGEST_NUMBER}")
        self.stack.append(int.from_bytes(self.take(width), "little", signed=True))

    def push_text(self, width: int) -> None:
        """Push a text, whose length in bytes stands before it."""
        self.stack.append(self.decode(self.take(self.number(width)), "utf-8", "surrogatepass"))

    def push_old_text(self, width: int) -> None:
        """Push a text of Python 2, whose encoding nobody knows."""
        self.stack.append(self.decode(self.take(self.number(width)), "latin-1"))

    def push_bytes(self, width: int) -> None:
        """Push bytes, whose number stands before them."""
        self.stack.append(bytes(self.take(self.number(width))))

    def push_tuple(self, count: int) -> None:
        """Make a tuple of what is on top of the stack."""
        items = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(items)))

    def push_marked_tuple(self) -> None:
        """Make a tuple of everything down to the last mark."""
        self.stack.append(tuple(self.pop_mark()))

    def top(self) -> Any:
        """Give what is on top of the stack, and leave it there."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            self.refuse("it takes from an empty stack")
        return self.stack[-1]

    def pop(self) -> Any:
        """Take what is on top of the stack."""
        self.top()
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        """Take everything down to the last mark, and the mark."""
        if not self.marks:
            self.refuse("it takes down to a mark that isn't there")
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def mark(self) -> None:
        """Set a mark on the stack."""
        self.marks.append(len(self.stack))

    def keep(self, width: int) -> None:
        """Keep the top of the stack under the number that follows."""
        self.memo[self.number(width)] = self.top()

    def keep_next(self) -> None:
        """Keep the top of the stack under the next number."""
        self.memo[len(self.memo)] = self.top()

    def recall(self, width: int) -> None:
        """Push a value that was kept."""
        number = self.number(width)
        if number not in self.memo:
            self.refuse(f"it recalls a value {number} that it never kept")
        self.stack.append(self.memo[number])

    def append(self, items: list[Any]) -> None:
        """Append to the list on top of the stack."""
        target = self.top()
        if type(target) is not list:
            self.refuse(f"it appends to {_kind(target)}, expected a list")
        target.extend(items)

    def assign(self, items: list[Any]) -> None:
        """Set keys of the dict on top of the stack, given as key, value, key, value."""
        target = self.top()
        if type(target) is not dict or len(items) % 2:
            self.refuse(f"it sets keys of {_kind(target)}, expected a dict, keys and values")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) is not str and not (type(key) is int and abs(key) <= _LARGEST_KEY):
                self.refuse(f"a key is {_kind(key)}, expected a text or a number")
            target[key] = value

    def find(self, module: str, name: str) -> None:
        """Push what a name stands for."""
        if (module, name) not in self.names:
            spelled = repr(f"{module}.{name}"[: 2 * _LONGEST_NAME])
            self.refuse(
                f"it names {spelled}, which isn't needed to rebuild tensors; nothing was run."
                " Save the model's state_dict() alone, best as safetensors"
            )
        self.stack.append(self.names[module, name])

    def find_lines(self) -> None:
        """Push what the module and name in the next two lines stand for."""
        self.find(self.line(), self.line())

    def find_stacked(self) -> None:
        """Push what the module and name on the stack stand for."""
        name, module = self.pop(), self.pop()
        if type(name) is not str or type(module) is not str:
            self.refuse("a name isn't a text")
        self.find(module, name)

    def line(self) -> str:
        """Read up to the end of a line."""
        upcoming = bytes(self.data[self.position : self.position + _LONGEST_NAME + 1])
        length = upcoming.find(b"\n")
        if length < 0:
            self.refuse(f"a name has no end within {_LONGEST_NAME} bytes")
        return self.decode(self.take(length + 1)[:-1], "utf-8")

    def make(self) -> None:
        """Let a maker make something of its arguments."""
        arguments, maker = self.pop(), self.pop()
        if type(maker) is not Maker or type(arguments) is not tuple:
            self.refuse(f"it calls {_kind(maker)} with {_kind(arguments)}")
        try:
            self.stack.append(maker.make(arguments))
        except ValueError as error:
            self.refuse(f"{maker.name}: {error}")

    def build(self) -> None:
        """Drop the attributes of an ordered dict: a state_dict() carries its modules' versions."""
        self.pop()
        if type(self.top()) is not dict:
            self.refuse(f"it sets attributes of {_kind(self.top())}, expected an OrderedDict")

    def identify(self) -> None:
        """Replace the identifier on the stack by what it stands for."""
        identifier = self.pop()
        if self.persistent is None:
            self.refuse("it refers to something outside itself")
        try:
            self.stack.append(self.persistent(identifier))
        except ValueError as error:
            self.refuse(str(error))

    def refuse(self, reason: str) -> NoReturn:
        """Say what is wrong, and after how many bytes."""
        raise CheckpointError(
            f"{self.where}: the pickle can't be read, at byte {self.position}: {reason}"
        )


def _each(step: Callable[..., Any], **arguments: Any) -> dict[int, Callable[[_Machine], Any]]:
    """Give a step for each opcode of a kind, by the argument in which they differ."""
    ((name, by_opcode),) = arguments.items()
    return {opcode: partial(step, **{name: value}) for opcode, value in by_opcode.items()}


# Python's pickletools describes each opcode. Widths are of the number that follows, in bytes.
_STEPS: Mapping[int, Callable[[_Machine], Any]] = {
    0x80: partial(_Machine.take, count=1),  # PROTO
    0x95: partial(_Machine.take, count=8),  # FRAME
    **_each(_Machine.push, value={ord("N"): None, ord(")"): (), 0x88: True, 0x89: False}),
    **_each(_Machine.push_new, kind={ord("]"): list, ord("}"): dict}),
    **_each(
        _Machine.push_number,
        form={
            ord("J"): struct.Struct("<i"),
            ord("K"): struct.Struct("<B"),
            ord("M"): struct.Struct("<H"),
            ord("G"): struct.Struct(">d"),
        },
    ),
    0x8A: _Machine.push_integer,
    **_each(_Machine.push_text, width={ord("X"): 4, 0x8C: 1, 0x8D: 8}),
    **_each(_Machine.push_old_text, width={ord("U"): 1, ord("T"): 4}),
    **_each(_Machine.push_bytes, width={ord("B"): 4, ord("C"): 1, 0x8E: 8}),
    **_each(_Machine.push_tuple, count={0x85: 1, 0x86: 2, 0x87: 3}),
    **_each(_Machine.keep, width={ord("q"): 1, ord("r"): 4}),
    **_each(_Machine.recall, width={ord("h"): 1, ord("j"): 4}),
    0x94: _Machine.keep_next,
    ord("("): _Machine.mark,
    ord("t"): _Machine.push_marked_tuple,
    ord("0"): _Machine.pop,
    ord("1"): _Machine.pop_mark,
    ord("a"): lambda machine: machine.append([machine.pop()]),
    ord("e"): lambda machine: machine.append(machine.pop_mark()),
    ord("s"): lambda machine: machine.assign([machine.pop(), machine.pop()][::-1]),
    ord("u"): lambda machine: machine.assign(machine.pop_mark()),
    ord("c"): _Machine.find_lines,
    0x93: _Machine.find_stacked,
    ord("R"): _Machine.make,
    ord("b"): _Machine.build,
    ord("Q"): _Machine.identify,
}


def _kind(value: Any) -> str:
    """Name a value by its kind: whole, it may be larger than memory."""
    return value.name if type(value) is Maker else f"a {type(value).__name__}"


def _spelled(opcode: int) -> str:
    """Give an opcode's name, or its number if it has none."""
    from pickletools import opcodes

    names = [known.name for known in opcodes if ord(known.code) == opcode]
    return names[0] if names else f"0x{opcode:02x}"
