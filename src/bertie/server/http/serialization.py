"""Serialization: JSON to typed records and back, arrays of floats written as fast as can be."""

import base64
import codecs
import re
import sys
from functools import cache
from typing import Annotated, Any, TypeAlias

import msgspec
import numpy as np
import orjson
from msgspec import Meta
from numpy.typing import NDArray

from bertie.server.http.errors import RequestError

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

# In JSON, and no other half behind it: where a program cut a text within an emoji.
_HALF_A_PAIR = re.compile(rb"(?<!\\)\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")

_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


class _NullIsDefault(msgspec.StructMeta):
    """Makes structs in which null means that a field with a default isn't given."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any
    ) -> Any:
        """Let every field that has a default be null as well; `__post_init__` puts it back."""
        annotations = _annotations(namespace)
        for field in annotations.keys() & namespace.keys():
            annotations[field] = annotations[field] | None
        return super().__new__(mcls, name, bases, namespace, **config)


def _annotations(namespace: dict[str, Any]) -> dict[str, Any]:
    """Find a class's annotations before there is a class; they can be changed."""
    if sys.version_info >= (3, 14) and "__annotations__" not in namespace:
        import annotationlib

        write = annotationlib.get_annotate_from_class_namespace(namespace)
        if write is not None:
            value = annotationlib.Format.VALUE
            namespace["__annotations__"] = annotationlib.call_annotate_function(write, value)
    found: dict[str, Any] = namespace.get("__annotations__", {})
    return found


class _Nullable(msgspec.Struct, metaclass=_NullIsDefault, frozen=True, kw_only=True):
    """What the bodies of all requests have in common."""

    def __post_init__(self) -> None:
        """Put the default where null was given."""
        for name, value in _defaults(type(self)):
            if getattr(self, name) is None:
                given = value() if callable(value) else value
                msgspec.structs.force_setattr(self, name, given)


@cache
def _defaults(kind: type[_Nullable]) -> tuple[tuple[str, Any], ...]:
    """Give the fields whose default isn't None, each with it or with what makes it."""
    found = []
    for field in msgspec.structs.fields(kind):
        made = field.default_factory is not msgspec.NODEFAULT
        value = field.default_factory if made else field.default
        if value is not msgspec.NODEFAULT and value is not None:
            found.append((field.name, value))
    return tuple(found)


class RequestBody(_Nullable, frozen=True, kw_only=True):
    """A request's body in the words of another server, which doesn't mind what it doesn't know."""


class StrictRequestBody(_Nullable, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request's body of our own APIs: a field that nobody knows is a mistake to be told."""


class ResponseBody(msgspec.Struct, frozen=True, kw_only=True):
    """A response's body."""


def decode(body: bytes, kind: Any) -> Any:
    """Read a body.

    Args:
        body: JSON in UTF-8, which may begin with the mark that some programs put there.
        kind: what it should be, as msgspec takes types.
    Raises: msgspec.DecodeError: it is no JSON; ValidationError: or of another type.
    Raises: RequestError: it is nested too deep, or no UTF-8.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        return decoder.decode(body.removeprefix(codecs.BOM_UTF8))
    except RecursionError:
        raise RequestError(
            "malformed", "the body is nested deeper than any request needs"
        ) from None
    except UnicodeDecodeError as error:
        raise RequestError("malformed", f"the body is no UTF-8 at byte {error.start}") from None
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError as error:
        if not body.strip():
            raise RequestError("malformed", "the body is empty, expected JSON") from None
        # Of half a pair it may also be said that more should come.
        if "surrogate" in str(error) or _HALF_A_PAIR.search(body):
            raise RequestError(
                "malformed",
                "a text of the body has half a surrogate pair (\\uD800 to \\uDFFF), which is no"
                " character: cut texts between characters, not within one",
            ) from None
        raise


def encode(value: Any) -> bytes:
    """Write a body; arrays of numbers may stand anywhere in it."""
    return _ENCODER.encode(value)


def format_vector(vector: NDArray[Any], encoding_format: str) -> Any:
    """Write a vector as OpenAI's clients ask for it: as numbers, or as base64.

    Args:
        encoding_format: "float", or "base64" for little-endian float32 in base64.
    """
    if encoding_format == "float":
        return vector
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
