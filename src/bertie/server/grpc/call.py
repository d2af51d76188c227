"""One gRPC call: who asks, with what key, how much time; and its failures in gRPC's words."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import grpc

from bertie.server.http import wishes
from bertie.server.http.apis.speakers import TEI
from bertie.server.http.asker import Asker
from bertie.server.http.faults import fault_of
from bertie.server.http.finished import Finished
from bertie.server.http.log import LOGGER

if TYPE_CHECKING:
    from bertie.server.http.app import Application


class Call:
    """One call on its way through.

    Attributes:
        asker: the way to the models; None before the call is let in.
    """

    def __init__(self, app: "Application", context: Any, name: str, task: str | None) -> None:
        """Look at what comes with a call; nothing is checked yet.

        Args:
            app: the server.
            context: grpc's.
            name: the method's, as "Embed/EmbedStream".
            task: what its model is for, or None.
        """
        self._app = app
        self._context = context
        self._name = name
        self._task = task
        self._started = time.perf_counter()
        self._metadata: Mapping[str, str] = {
            key: value
            for key, value in context.invocation_metadata() or ()
            if isinstance(value, str)
        }
        self.asker: Asker | None = None

    def _header(self, name: str) -> str:
        """Give a value of the metadata, or ""."""
        return self._metadata.get(name, "")

    def admit(self) -> Asker:
        """Let the call in, if it has a key. Raises: Refused: it hasn't."""
        self._app.keys.check("key", self._header)
        left = self._context.time_remaining()
        given = wishes.timeout_s(self._header)
        times = [one for one in (left, given) if one is not None]
        self.asker = Asker(
            self._app,
            TEI,
            model=self._header("x-model") or None,
            priority=wishes.priority(self._header),
            timeout_s=min(times, default=None),
        )
        return self.asker

    async def fail(self, error: Exception) -> None:
        """End the call with an error. Raises: grpc's way of ending it."""
        fault = fault_of(error)
        if fault.kind.name == "internal":
            LOGGER.exception("call %s failed", self._name)
        self.tell(fault.kind.grpc, fault.kind.name)
        trailing = []
        if fault.retry_after is not None:
            trailing.append(("retry-after", str(max(round(fault.retry_after), 1))))
        await self._context.abort(grpc.StatusCode[fault.kind.grpc], fault.message, tuple(trailing))

    def tell(self, status: str, fault: str | None = None) -> None:
        """Tell whoever counts, logs and traces that the call is over."""
        asker = self.asker
        finished = Finished(
            id=wishes.request_id(self._header),
            api=TEI.name,
            method="gRPC",
            route=self._name,
            status=status,
            fault=fault,
            seconds=time.perf_counter() - self._started,
            task=self._task,
            model=asker.entry.name if asker and asker.entry else None,
            inputs=asker.count if asker else 0,
            answered=tuple(asker.answered) if asker else (),
            received=0,
            sent=0,
            traceparent=self._header("traceparent"),
        )
        for observer in self._app.observers:
            observer(finished)
