"""A response: its body, or the error that it stands for, and when to try again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

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

# The server's word for a failure → what the same failure raises here.
_BY_CODE: Mapping[str, type[BertieError]] = {
    "malformed": InputError,
    "invalid": InputError,
    "empty": InputError,
    "too_large": InputError,
    "wrong_task": TaskError,
    "model_not_found": UnknownModel,
    "overloaded": Overloaded,
    "engine_failed": EngineFailed,
    "late": DeadlineExceeded,
}
# The same where something else answers, such as a proxy before the server.
_BY_STATUS: Mapping[int, type[BertieError]] = {
    400: InputError,
    413: InputError,
    422: InputError,
    429: Overloaded,
    503: EngineFailed,
    504: DeadlineExceeded,
}
_RETRIED_STATUSES = (429, 503)
_FIRST_BACKOFF = 0.25  # seconds, doubled each time, where the server names no time
_LONGEST_BACKOFF = 30.0


@dataclass(frozen=True)
class Response:
    """What came back, whatever brought it.

    Attributes:
        status: HTTP's.
        headers: by name, in whatever case.
        body: the JSON in it; None where there was none.
        reason: the status in words.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    reason: str = ""

    def result(self) -> Any:
        """Give the body of a success. Raises: BertieError: the class that a failure stands for."""
        if 200 <= self.status < 300:
            return self.body
        error = self.body.get("error") if isinstance(self.body, Mapping) else None
        said = error if isinstance(error, Mapping) else {}
        message = said.get("message") or f"the server answered {self.status} {self.reason}"
        kind = _BY_CODE.get(said.get("code") or "") or _BY_STATUS.get(self.status, ServerError)
        if kind is Overloaded:
            raise Overloaded(message, self.backoff(0))
        raise kind(message)

    def retry_delay(self, attempt: int, retries: int) -> float | None:
        """Say after how many seconds to try again; None is not at all.

        Args:
            attempt: how often it was tried again already.
            retries: how often it may be.
        """
        if self.status not in _RETRIED_STATUSES or attempt >= retries:
            return None
        backoff = self.backoff(attempt)
        return backoff if backoff <= _LONGEST_BACKOFF else None

    def backoff(self, attempt: int) -> float:
        """Read Retry-After, in seconds; where there is none, wait longer each time."""
        stated = self.headers.get("retry-after", "")
        try:
            return max(0.0, float(stated))
        except ValueError:
            pass
        try:
            until = parsedate_to_datetime(stated)
        except ValueError:
            return float(min(_FIRST_BACKOFF * 2**attempt, _LONGEST_BACKOFF))
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
