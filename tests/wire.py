"""Writing protocol buffers, right and wrong, field by field."""


def varint(value: int) -> bytes:
    """Write a number in seven bits a byte."""
    value %= 2**64
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])


def number(field: int, value: int) -> bytes:
    """Write a field that is a number."""
    return varint(field << 3) + varint(value)


def block(field: int, content: bytes | str) -> bytes:
    """Write a field that is bytes, text or a message."""
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content
