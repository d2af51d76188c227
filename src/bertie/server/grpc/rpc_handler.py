"""Handles one RPC: it is let in, answered and recorded, its errors in gRPC's words."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from bertie.server.http import request_options
from bertie.server.http.access_record import AccessRecord
from bertie.server.http.api import TEI
from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError, error_info
from bertie.server.http.log import LOGGER

if TYPE_CHECKING:
    from bertie.server.http.app_state import AppState


@dataclass(frozen=True)
class Unreadable:
    """A message that isn't what its RPC takes.

    Attributes:
        why: in words.
    """

    why: str


def readable(message: Any) -> Any:
    """Give a message that could be read. Raises: RequestError: it couldn't."""
    if isinstance(message, Unreadable):
        raise RequestError("malformed", message.why)
    return message


class RpcHandler:
    """An RPC and what becomes of it."""

    def __init__(self, state: "AppState", grpc_context: Any, name: str, task: str | None) -> None:
        """Look at what comes with an RPC; nothing is checked yet.

        Args:
            state: what all requests share.
            grpc_context: grpc's.
            name: its name, as "Embed/EmbedStream".
            task: what its model is for, or None.
        """
        self._state = state
        self._grpc_context = grpc_context
        self._name = name
        self._task = task
        self._started = time.perf_counter()
        self._metadata: Mapping[str, str] = {
            key: value
            for key, value in grpc_context.invocation_metadata() or ()
            if isinstance(value, str)
        }
        self._context: Context | None = None

    async def run(self, handle: Callable[..., Awaitable[Any]], message: Any) -> Any:
        """Answer a message; every error becomes its status here and nowhere else."""
        try:
            answer = await handle(self._admit(), readable(message))
        except asyncio.CancelledError:
            self._record("CANCELLED", "gone")
            raise
        except Exception as error:
            await self._abort(error)
        else:
            self._record("OK")
            return answer

    def _header(self, name: str) -> str:
        """Give a value of the metadata, or ""."""
        return self._metadata.get(name, "")

    def _admit(self) -> Context:
        """Let the RPC in, if it has a key. Raises: RequestError: it hasn't."""
        self._state.keys.check("key", self._header)
        left = self._grpc_context.time_remaining()
        given = request_options.timeout_s(self._header)
        timeouts = [timeout for timeout in (left, given) if timeout is not None]
        self._context = context = Context(
            self._state,
            TEI,
            model=self._header("x-model") or None,
            priority=request_options.priority(self._header),
            timeout_s=min(timeouts, default=None),
        )
        return context

    async def _abort(self, error: Exception) -> None:
        """End the RPC with an error. Raises: grpc's way of ending it."""
        info = error_info(error)
        if info.kind.name == "internal":
            LOGGER.exception("call %s failed", self._name)
        self._record(info.kind.grpc, info.kind.name)
        trailing = []
        if info.retry_after is not None:
            trailing.append(("retry-after", str(max(round(info.retry_after), 1))))
        await self._grpc_context.abort(
            grpc.StatusCode[info.kind.grpc], info.message, tuple(trailing)
        )

    def _record(self, status: str, error: str | None = None) -> None:
        """Tell the observers what became of the RPC."""
        context = self._context
        record = AccessRecord(
            id=request_options.request_id(self._header),
            api=TEI.name,
            method="gRPC",
            route=self._name,
            status=status,
            error=error,
            seconds=time.perf_counter() - self._started,
            task=self._task,
            model=context.entry.name if context and context.entry else None,
            inputs=context.input_count if context else 0,
            responses=tuple(context.responses) if context else (),
            received=0,
            sent=0,
            traceparent=self._header("traceparent"),
        )
        for observer in self._state.observers:
            observer(record)
