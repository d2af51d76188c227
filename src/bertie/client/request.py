"""What a client sends, and when again, without any I/O: for sockets that block and that don't."""

from collections.abc import Generator
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

from bertie.client.response import Response


@dataclass(frozen=True)
class Request:
    """A request to send.

    Attributes:
        method: HTTP's.
        path: from the server's root.
        body: what goes as JSON; None sends none.
    """

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True)
class Sleep:
    """A time to wait, in seconds."""

    seconds: float


# What is to be done next; each Request gets its Response, each Sleep None.
Exchange: TypeAlias = Generator[Request | Sleep, Response | None, Any]


def send_with_retries(request: Request, retries: int) -> Exchange:
    """Send a request, again after a while where the server says that it may help.

    Returns: the body of the response.
    Raises: BertieError: the class that the last failure stands for.
    """
    for attempt in count():
        response = yield request
        assert response is not None
        backoff = response.retry_delay(attempt, retries)
        if backoff is None:
            return response.result()
        yield Sleep(backoff)
