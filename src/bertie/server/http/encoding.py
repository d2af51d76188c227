"""Bodies: JSON to typed records and back, arrays of floats written as fast as they can be."""

import base64
from typing import Annotated, Any, TypeAlias

import msgspec
import numpy as np
import orjson
from msgspec import Meta
from numpy.typing import NDArray

from bertie.server.http.faults import Refused

# What a body's field of numbers is: an array, written as its shortest decimals.
Vector: TypeAlias = Annotated[
    Any, Meta(extra_json_schema={"type": "array", "items": {"type": "number"}})
]
# The same, or its bytes in base64.
Numbers: TypeAlias = Annotated[
    Any,
    Meta(
        extra_json_schema={
            "anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "string"}]
        }
    ),
]
Matrix: TypeAlias = Annotated[
    Any,
    Meta(
        extra_json_schema={
            "type": "array",
            "items": {"type": "array", "items": {"type": "number"}},
        }
    ),
]

_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A request's body in the words of another server, which doesn't mind what it doesn't know."""


class StrictBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request's body of our own APIs: a field that nobody knows is a mistake to be told."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A response's body."""


def decoded(body: bytes, kind: Any) -> Any:
    """Read a body.

    Args:
        body: JSON in UTF-8.
        kind: what it should be, as msgspec takes types.
    Raises: msgspec.DecodeError: it is no JSON; ValidationError: or of another type.
    Raises: Refused: it is nested too deep, or no UTF-8.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        return decoder.decode(body)
    except RecursionError:
        raise Refused("malformed", "the body is nested deeper than any request needs") from None
    except UnicodeDecodeError as error:
        raise Refused("malformed", f"the body is no UTF-8 at byte {error.start}") from None


def encoded(value: Any) -> bytes:
    """Write a body; arrays of numbers may stand anywhere in it."""
    return _ENCODER.encode(value)


def base64_of(vector: NDArray[np.float32]) -> str:
    """Write a vector as OpenAI's clients ask for it: little-endian float32 in base64."""
    return base64.b64encode(np.ascontiguousarray(vector, "<f4").data).decode("ascii")


def _hook(value: Any) -> Any:
    """Write what msgspec doesn't know: arrays and NumPy's numbers."""
    if isinstance(value, np.ndarray):
        numbers = value.astype(np.float32) if value.dtype == np.float16 else value
        whole = np.ascontiguousarray(numbers)
        return msgspec.Raw(orjson.dumps(whole, option=orjson.OPT_SERIALIZE_NUMPY))
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"a body holds {type(value).__name__}")


_ENCODER = msgspec.json.Encoder(enc_hook=_hook)
