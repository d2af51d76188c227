"""Protocol buffers as they lie in files: numbered fields, read without a schema.

Everything stays within the bytes given: a length is compared with what is left before it is used,
and bytes are views, never copies.

Source: the encoding guide, https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterator

from bertie.errors import CheckpointError

# How a field's value is written.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10  # bytes, for 64 bits
# Of one message: a graph of a large encoder has some thousand nodes. Empty fields take two bytes of
# a file and a hundred of memory, so a file of nothing else mustn't be taken in whole.
_MOST_FIELDS = 2**18

Value = int | memoryview


class Message:
    """The fields of one message; of a field that isn't repeated, the last one counts."""

    def __init__(self, data: memoryview, where: str) -> None:
        """Read a message's own fields; what lies inside them stays bytes.

        Args:
            data: the message.
            where: what error messages call it.
        Raises: CheckpointError: it isn't a whole message, or has more fields than anything real.
        """
        self.where = where
        self._fields: dict[int, list[Value]] = {}
        for count, (number, value) in enumerate(fields(data, where), start=1):
            if count > _MOST_FIELDS:
                raise CheckpointError(
                    f"{where}: a message has more than {_MOST_FIELDS} fields;"
                    " it isn't whole, or no model: fetch it again"
                )
            self._fields.setdefault(number, []).append(value)

    def number(self, field: int, default: int = 0) -> int:
        """Give a field's unsigned number."""
        value = self._fields.get(field, [default])[-1]
        if not isinstance(value, int):
            raise CheckpointError(f"{self.where}: field {field} is bytes, expected a number")
        return value

    def signed(self, field: int, default: int = 0) -> int:
        """Give a field's int64 or int32, which are written as 64 bits of two's complement."""
        return as_signed(self.number(field, default))

    def bytes(self, field: int) -> memoryview:
        """Give a field's bytes, none where it is absent."""
        return _as_bytes(self._fields.get(field, [memoryview(b"")])[-1], field, self.where)

    def text(self, field: int) -> str:
        """Give a field's text."""
        return as_text(self.bytes(field), self.where)

    def every(self, field: int) -> Iterator[memoryview]:
        """Give the bytes of each of a repeated field."""
        for value in self._fields.get(field, []):
            yield _as_bytes(value, field, self.where)

    def message(self, field: int) -> "Message":
        """Read the message in a field, an empty one where it is absent."""
        return Message(self.bytes(field), self.where)

    def messages(self, field: int) -> Iterator["Message"]:
        """Read each message of a repeated field."""
        for value in self.every(field):
            yield Message(value, self.where)

    def numbers(self, field: int) -> Iterator[int]:
        """Give each number of a repeated field of varints, packed or not."""
        for value in self._fields.get(field, []):
            if isinstance(value, int):
                yield value
                continue
            position = 0
            while position < len(value):
                number, position = varint(value, position, self.where)
                yield number


def fields(data: memoryview, where: str) -> Iterator[tuple[int, Value]]:
    """Read a message's fields in order.

    Args:
        data: the message.
        where: what error messages call it.
    Yields: each field's number, and its number or its bytes.
    Raises: CheckpointError: it isn't a whole message.
    """
    for number, _, value in fields_as_written(data, where):
        yield number, value


def fields_as_written(data: memoryview, where: str) -> Iterator[tuple[int, int, Value]]:
    """Read a message's fields as `fields` does, each with how its value is written, VARINT to
    FIXED32, between its number and its value."""
    position, size = 0, len(data)
    while position < size:
        tag, position = varint(data, position, where)
        kind = tag & 7
        if kind == VARINT:
            value, position = varint(data, position, where)
            yield tag >> 3, kind, value
            continue
        if kind == BYTES:
            length, position = varint(data, position, where)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise CheckpointError(f"{where}: byte {position} begins a field of unknown kind {kind}")
        if length > size - position:
            raise CheckpointError(
                f"{where}: a field claims {length} bytes, but {size - position} are left;"
                " it isn't whole: fetch it again"
            )
        content = data[position : position + length]
        position += length
        yield tag >> 3, kind, content if kind == BYTES else int.from_bytes(content, "little")


def varint(data: memoryview, position: int, where: str) -> tuple[int, int]:
    """Read a number of one to ten bytes, seven bits each, and where the next thing begins."""
    value = shift = 0
    for byte in data[position : position + _LONGEST_VARINT]:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value & (2**64 - 1), position + shift // 7
    raise CheckpointError(f"{where}: the number at byte {position} has no end")


def as_signed(value: int) -> int:
    """Read 64 bits as two's complement."""
    return value - 2**64 if value >= 2**63 else value


def as_text(data: memoryview, where: str) -> str:
    """Decode a name."""
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{where}: {bytes(data[:40])!r} is not UTF-8") from error


def _as_bytes(value: Value, field: int, where: str) -> memoryview:
    """Take a field's value for bytes."""
    if isinstance(value, int):
        raise CheckpointError(f"{where}: field {field} is a number, expected bytes")
    return value
