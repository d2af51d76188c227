"""What a client says and waits for, told apart from how: one for sockets that block or don't."""

from collections.abc import Generator
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

from bertie.client.exchange import Reply


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
class Pause:
    """A time to wait, in seconds."""

    seconds: float


# What is to be done next; each Request is answered by its Reply, each Pause by None.
Talk: TypeAlias = Generator[Request | Pause, Reply | None, Any]


def asked(request: Request, retries: int) -> Talk:
    """Send a request, again after a pause where the server says that it may help.

    Returns: the body of the response.
    Raises: BertieError: the class that the last failure stands for.
    """
    for tried in count():
        reply = yield request
        assert reply is not None
        pause = reply.again(tried, retries)
        if pause is None:
            return reply.result()
        yield Pause(pause)
