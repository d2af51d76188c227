"""What can go wrong with a request, and how each API says so: one table of statuses and bodies."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bertie.errors import (
    BertieError,
    DeadlineExceeded,
    EngineFailed,
    InputError,
    Overloaded,
    ServerError,
    TaskError,
    UnknownModel,
)

# Where msgspec found something wrong: "… - at `$.input[0]`".
_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")


@dataclass(frozen=True)
class Kind:
    """One way in which a request fails.

    Attributes:
        name: its word everywhere, and OpenAI's code.
        status: HTTP's.
        type: OpenAI's type of error.
        tei: Text Embeddings Inference's type of error.
        grpc: the name of gRPC's status code.
        statuses: HTTP's in those APIs that say it by another, by the API's name.
    """

    name: str
    status: int
    type: str
    tei: str
    grpc: str
    statuses: Mapping[str, int] = field(default_factory=dict)

    def status_in(self, api: str) -> int:
        """Give the status by which an API says it."""
        return self.statuses.get(api, self.status)


_REQUEST, _SERVER = "invalid_request_error", "server_error"
# OpenAI, Cohere and TensorFlow Serving say 400 to everything that is wrong in a body.
_BY_400 = {"openai": 400, "cohere": 400, "tensorflow": 400}

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("malformed", 400, _REQUEST, "Validation", "INVALID_ARGUMENT"),
        Kind("invalid", 422, _REQUEST, "Validation", "INVALID_ARGUMENT", _BY_400),
        Kind("empty", 400, _REQUEST, "Empty", "INVALID_ARGUMENT"),
        Kind("unauthorized", 401, "authentication_error", "Validation", "UNAUTHENTICATED"),
        Kind("forbidden", 403, "permission_error", "Validation", "PERMISSION_DENIED"),
        Kind("no_route", 404, _REQUEST, "Validation", "UNIMPLEMENTED"),
        Kind("model_not_found", 404, _REQUEST, "Validation", "NOT_FOUND"),
        Kind("no_method", 405, _REQUEST, "Validation", "UNIMPLEMENTED"),
        Kind("slow", 408, _REQUEST, "Validation", "CANCELLED"),
        Kind("too_large", 413, _REQUEST, "Validation", "RESOURCE_EXHAUSTED"),
        Kind("unsupported", 415, _REQUEST, "Validation", "INVALID_ARGUMENT"),
        Kind("wrong_task", 400, _REQUEST, "Backend", "FAILED_PRECONDITION", {"tei": 424}),
        Kind("overloaded", 429, "rate_limit_error", "Overloaded", "RESOURCE_EXHAUSTED"),
        Kind("failed", 500, _SERVER, "Backend", "INTERNAL", {"tei": 424}),
        Kind("internal", 500, _SERVER, "Backend", "INTERNAL"),
        Kind("engine_failed", 503, _SERVER, "Unhealthy", "UNAVAILABLE"),
        Kind("late", 504, _SERVER, "Overloaded", "DEADLINE_EXCEEDED"),
    )
}

# The first that fits, fits.
_KIND_OF: tuple[tuple[type[BaseException], str], ...] = (
    (Overloaded, "overloaded"),
    (DeadlineExceeded, "late"),
    (EngineFailed, "engine_failed"),
    (UnknownModel, "model_not_found"),
    (TaskError, "wrong_task"),
    (InputError, "invalid"),
    (msgspec.ValidationError, "invalid"),
    (msgspec.DecodeError, "malformed"),
    (BertieError, "failed"),
)


class Refused(ServerError):
    """A request that gets no further than the door.

    Attributes:
        kind: a key of KINDS.
        param: the field that is wrong, where it is one.
    """

    def __init__(self, kind: str, message: str, *, param: str | None = None) -> None:
        """Refuse a request, in words for whoever sent it."""
        super().__init__(message)
        self.kind = kind
        self.param = param


@dataclass(frozen=True)
class Fault:
    """A failure, ready to be said.

    Attributes:
        kind: what it is.
        message: for whoever sent the request.
        param: the field that is wrong, where it is one.
        retry_after: seconds after which it is worth another try, where it is.
    """

    kind: Kind
    message: str
    param: str | None = None
    retry_after: float | None = None


def fault_of(error: BaseException) -> Fault:
    """Say what an error is; of one that nobody raised on purpose, nothing is told outside."""
    if isinstance(error, Refused):
        return Fault(KINDS[error.kind], str(error), error.param)
    for known, name in _KIND_OF:
        if isinstance(error, known):
            message = str(error)
            place = _PLACE.search(message)
            if isinstance(error, msgspec.MsgspecError):
                message = _in_our_words(message)
            return Fault(
                KINDS[name],
                message,
                place[1] if place else None,
                getattr(error, "retry_after", None),
            )
    return Fault(KINDS["internal"], "the server failed at this request; its log says where")


def _in_our_words(message: str) -> str:
    """Put what msgspec says as every message here does."""
    place = _PLACE.search(message)
    said = _PLACE.sub("", message).replace("`", "")
    where = f"the body's {place[1]}" if place and place[1] else "the body"
    return f"{where}: {said if said.startswith('JSON') else said[:1].lower() + said[1:]}"


def _as_openai(fault: Fault) -> Any:
    return {
        "error": {
            "message": fault.message,
            "type": fault.kind.type,
            "param": fault.param,
            "code": fault.kind.name,
        }
    }


def _as_tei(fault: Fault) -> Any:
    return {"error": fault.message, "error_type": fault.kind.tei}


# The body of each API's errors, by the API's name.
BODIES: Mapping[str, Callable[[Fault], Any]] = {
    "bertie": _as_openai,
    "openai": _as_openai,
    "infinity": _as_openai,
    "tei": _as_tei,
    "huggingface": _as_tei,
    "cohere": lambda fault: {"message": fault.message},
    "tensorflow": lambda fault: {"error": fault.message},
}
