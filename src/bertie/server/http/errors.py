"""What can go wrong with a request: one table of errors, with their status in each API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

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
_PATH = re.compile(r" - at `\$\.?([^`]*)`$")


@dataclass(frozen=True)
class ErrorKind:
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

KINDS: Mapping[str, ErrorKind] = {
    kind.name: kind
    for kind in (
        ErrorKind("malformed", 400, _REQUEST, "Validation", "INVALID_ARGUMENT"),
        ErrorKind("invalid", 422, _REQUEST, "Validation", "INVALID_ARGUMENT", _BY_400),
        ErrorKind("empty", 400, _REQUEST, "Empty", "INVALID_ARGUMENT"),
        ErrorKind("unauthorized", 401, "authentication_error", "Validation", "UNAUTHENTICATED"),
        ErrorKind("forbidden", 403, "permission_error", "Validation", "PERMISSION_DENIED"),
        ErrorKind("no_route", 404, _REQUEST, "Validation", "UNIMPLEMENTED"),
        ErrorKind("model_not_found", 404, _REQUEST, "Validation", "NOT_FOUND"),
        ErrorKind("no_method", 405, _REQUEST, "Validation", "UNIMPLEMENTED"),
        ErrorKind("slow", 408, _REQUEST, "Validation", "CANCELLED"),
        ErrorKind("too_large", 413, _REQUEST, "Validation", "RESOURCE_EXHAUSTED"),
        ErrorKind("unsupported", 415, _REQUEST, "Validation", "INVALID_ARGUMENT"),
        ErrorKind("wrong_task", 400, _REQUEST, "Backend", "FAILED_PRECONDITION", {"tei": 424}),
        ErrorKind("overloaded", 429, "rate_limit_error", "Overloaded", "RESOURCE_EXHAUSTED"),
        ErrorKind("failed", 500, _SERVER, "Backend", "INTERNAL", {"tei": 424}),
        ErrorKind("internal", 500, _SERVER, "Backend", "INTERNAL"),
        ErrorKind("engine_failed", 503, _SERVER, "Unhealthy", "UNAVAILABLE"),
        ErrorKind("late", 504, _SERVER, "Overloaded", "DEADLINE_EXCEEDED"),
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


class RequestError(ServerError):
    """A request that is refused: it was wrong, or too much, or has no key.

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
class ErrorInfo:
    """What a response says of an error.

    Attributes:
        kind: the table's row.
        message: for whoever sent the request.
        param: the field that is wrong, where it is one.
        retry_after: seconds after which it is worth another try, where it is.
    """

    kind: ErrorKind
    message: str
    param: str | None = None
    retry_after: float | None = None


def error_info(error: BaseException) -> ErrorInfo:
    """Say what an error is; of one that nobody raised on purpose, nothing is told outside."""
    if isinstance(error, RequestError):
        return ErrorInfo(KINDS[error.kind], str(error), error.param)
    for known, name in _KIND_OF:
        if isinstance(error, known):
            message = str(error)
            path = _PATH.search(message)
            if isinstance(error, msgspec.MsgspecError):
                message = _reworded(message)
            return ErrorInfo(
                KINDS[name],
                message,
                path[1] if path else None,
                getattr(error, "retry_after", None),
            )
    return ErrorInfo(KINDS["internal"], "the server failed at this request; its log says where")


def _reworded(message: str) -> str:
    """Put what msgspec says as every message here does."""
    path = _PATH.search(message)
    said = _PATH.sub("", message).replace("`", "")
    where = f"the body's {path[1]}" if path and path[1] else "the body"
    return f"{where}: {said if said.startswith('JSON') else said[:1].lower() + said[1:]}"
