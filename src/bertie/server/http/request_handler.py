"""Handles one request: it is routed, let in, read, answered, sent and recorded."""

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from bertie.errors import DeadlineExceeded
from bertie.server.http import request_options
from bertie.server.http.access_record import AccessRecord
from bertie.server.http.api import BERTIE, Api
from bertie.server.http.context import Context
from bertie.server.http.decompression import ACCEPTED
from bertie.server.http.errors import error_info
from bertie.server.http.log import LOGGER
from bertie.server.http.request import Disconnected, Request, Send
from bertie.server.http.response import Response, compute_headers
from bertie.server.http.route import MethodNotAllowed, Route
from bertie.server.http.serialization import decode, encode
from bertie.server.http.timeout import Timeout

if TYPE_CHECKING:
    from bertie.server.http.app_state import AppState

_MODELS = "/models/"
_LONGEST_NAME = 4  # parts of the name of a model
_GONE = 499  # what nginx logs for callers that didn't wait
# The scheduler drops late work itself; this is for whatever isn't scheduled.
_SLACK_S = 0.2


class RequestHandler:
    """A request and what becomes of it."""

    def __init__(self, state: "AppState", request: Request) -> None:
        """Start with the head."""
        self._state = state
        self._request = request
        self._route: Route | None = None
        self._context: Context | None = None
        self._error: str | None = None
        self._disconnected = False
        self._received = 0

    async def run(self, send: Send) -> None:
        """Answer, whatever happens; a caller that is gone is answered nothing."""
        status, sent = _GONE, 0
        try:
            response = await self._response_or_error()
            status = response.status
            sent = len(response.body)
            await self._send(response, send)
        except Disconnected:
            self._error = "gone"
        except asyncio.CancelledError:
            self._error = "gone"
            if not self._disconnected:  # whoever runs the server ends it
                raise
        finally:
            self._state.release(self._received)
            self._record(status, sent)

    async def _response_or_error(self) -> Response:
        """Answer; every error becomes a response here and nowhere else."""
        try:
            return await self._response()
        except Disconnected:
            raise
        except Exception as error:
            response = self._error_response(error)
            await self._request.drain()
            return response

    async def _response(self) -> Response:
        """Answer a request that is all right."""
        state, request = self._state, self._request
        model, path = self._model_and_path()
        if request.method == "OPTIONS":
            return state.cors.preflight(request, state.router.allowed(path))
        route, path_params = state.router.find(request.method, path)
        self._route = route
        state.keys.check(route.guard, request.header)
        self._context = context = Context(
            state,
            route.api,
            model=model,
            path_params=path_params,
            priority=request_options.priority(request.header),
            timeout_s=request_options.timeout_s(request.header),
        )
        if route.request_type is None:
            answer = await route.handle(context)
        else:
            limit = getattr(state.settings, route.api.body_limit)
            body = await request.body(limit, state.settings.body_timeout_s, self._hold)
            answering = route.handle(context, decode(body, route.request_type))
            answer = await self._while_connected(answering, context.deadline)
        return answer if isinstance(answer, Response) else Response(encode(answer))

    def _model_and_path(self) -> tuple[str | None, str]:
        """Tell the model that the path names from the route behind it."""
        path = self._request.path
        if not path.startswith(_MODELS):
            return None, path
        rest = path[len(_MODELS) :]
        names = [entry.name for entry in self._state.service.models()]
        if rest in names:
            return None, path
        known = [name for name in names if rest.startswith(f"{name}/")]
        if known:
            name = max(known, key=len)
            return name, rest[len(name) :]
        # A name that isn't known may have slashes, too: it ends where a route begins.
        slashes = [match.start() for match in islice(re.finditer("/", rest), _LONGEST_NAME)]
        for slash in slashes:
            if self._state.router.allowed(rest[slash:]):
                return rest[:slash], rest[slash:]
        return None, path

    def _hold(self, size: int) -> None:
        """Count bytes of the body."""
        self._state.hold(size)
        self._received += size

    async def _while_connected(self, answering: Awaitable[Any], deadline: float) -> Any:
        """Wait for an answer while there is somebody who waits for it, and time."""
        this = asyncio.current_task()
        assert this is not None
        watch = asyncio.ensure_future(self._request.disconnected())

        def cancel(done: "asyncio.Future[None]") -> None:
            if not done.cancelled():
                self._disconnected = True
                this.cancel()

        watch.add_done_callback(cancel)
        try:
            with Timeout(max(deadline - time.monotonic(), 0) + _SLACK_S):
                return await answering
        except TimeoutError:
            raise DeadlineExceeded("the time that the request had is over") from None
        except asyncio.CancelledError:
            if self._disconnected:
                raise Disconnected from None
            raise
        finally:
            watch.remove_done_callback(cancel)
            watch.cancel()

    @property
    def _api(self) -> Api:
        """The API that is spoken, which the handler may have found; ours where no route is."""
        spoken = self._context or self._route
        return spoken.api if spoken else BERTIE

    def _error_response(self, error: Exception) -> Response:
        """Say an error in the words of the API that is spoken."""
        info, api = error_info(error), self._api
        self._error = info.kind.name
        if info.kind.name == "internal":
            LOGGER.exception("request %s failed", self._request.id)
        headers = []
        if info.retry_after is not None:
            headers.append(("retry-after", str(max(math.ceil(info.retry_after), 1))))
        if info.kind.status == 401:
            headers.append(("www-authenticate", "Bearer"))
        if isinstance(error, MethodNotAllowed):
            headers.append(("allow", ", ".join(error.allowed)))
        if info.kind.name == "unsupported":
            headers.append(("accept-encoding", ACCEPTED))
        body = encode(api.error_type.of(info))
        return Response(body, info.kind.status_in(api.name), headers=tuple(headers))

    async def _send(self, response: Response, send: Send) -> None:
        """Send a response with the headers that every one has."""
        head = [
            (name.encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in (*response.headers, *self._headers(response))
        ]
        await send({"type": "http.response.start", "status": response.status, "headers": head})
        body = b"" if self._request.method == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body})

    def _headers(self, response: Response) -> Iterator[tuple[str, str]]:
        """Give the headers that every response has."""
        request = self._request
        if response.status != 204:  # which has no body, so HTTP has it that nothing says how long
            yield "content-type", response.media_type
            yield "content-length", str(len(response.body))
        yield "x-request-id", request.id
        yield from self._state.cors.headers(request)
        if self._context is not None and self._error is None:
            yield from compute_headers(
                self._context.responses, time.perf_counter() - request.started
            )
        if not request.read and (
            request.header("transfer-encoding") or request.header("content-length") not in ("", "0")
        ):
            yield "connection", "close"  # what is left of the body would be read to no end

    def _record(self, status: int, sent: int) -> None:
        """Tell the observers what became of the request."""
        request, route, context = self._request, self._route, self._context
        record = AccessRecord(
            id=request.id,
            api=route.api.name if route else BERTIE.name,
            method=request.method,
            route=route.path if route else "",
            status=status,
            error=self._error,
            seconds=time.perf_counter() - request.started,
            task=route.task if route else None,
            model=context.entry.name if context and context.entry else None,
            inputs=context.input_count if context else 0,
            responses=tuple(context.responses) if context else (),
            received=self._received,
            sent=sent,
            traceparent=request.header("traceparent"),
        )
        for observer in self._state.observers:
            observer(record)
