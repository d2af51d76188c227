"""One request on its way through: found, let in, read, answered, sent, told of."""

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from bertie.errors import DeadlineExceeded
from bertie.server.http import wishes
from bertie.server.http.asker import Asker
from bertie.server.http.encoding import decoded, encoded
from bertie.server.http.faults import BODIES, Fault, fault_of
from bertie.server.http.finished import Finished
from bertie.server.http.inflating import ACCEPTED
from bertie.server.http.log import LOGGER
from bertie.server.http.patience import Patience
from bertie.server.http.request import Disconnected, Request, Send
from bertie.server.http.response import Response, work_headers
from bertie.server.http.route import NoMethod, Route
from bertie.server.http.routes import UNROUTED

if TYPE_CHECKING:
    from bertie.server.http.app import Application

_MODELS = "/models/"
_LONGEST_NAME = 4  # parts of the name of a model
_GONE = 499  # what nginx logs for callers that didn't wait
# The engine drops late work itself; this is for whatever isn't the engine's.
_SLACK_S = 0.2


class Exchange:
    """A request and what becomes of it."""

    def __init__(self, app: "Application", request: Request) -> None:
        """Start with the head."""
        self._app = app
        self._request = request
        self._route: Route | None = None
        self._asker: Asker | None = None
        self._fault: str | None = None
        self._left = False
        self._received = 0

    async def run(self, send: Send) -> None:
        """Answer, whatever happens; a caller that is gone is answered nothing."""
        status, sent = _GONE, 0
        try:
            response = await self._responded()
            status = response.status
            sent = len(response.body)
            await self._send(response, send)
        except Disconnected:
            self._fault = "gone"
        except asyncio.CancelledError:
            self._fault = "gone"
            if not self._left:  # whoever runs the server ends it
                raise
        finally:
            self._app.release(self._received)
            self._tell(status, sent)

    async def _responded(self) -> Response:
        """Answer; every error becomes a response here and nowhere else."""
        try:
            return await self._answered()
        except Disconnected:
            raise
        except Exception as error:
            fault = fault_of(error)
            if fault.kind.name == "internal":
                LOGGER.exception("request %s failed", self._request.id)
            self._fault = fault.kind.name
            await self._request.drain()
            return self._refusal(fault, error)

    async def _answered(self) -> Response:
        """Answer a request that is all right."""
        app, request = self._app, self._request
        if request.method == "OPTIONS":
            return app.cors.preflight(request, app.router.allowed(self._place()[1]))
        model, path = self._place()
        route, parts = app.router.find(request.method, path)
        self._route = route
        app.keys.check(route.guard, request.header)
        self._asker = asker = Asker(
            app,
            route.api,
            model=model,
            parts=parts,
            priority=wishes.priority(request.header),
            timeout_s=wishes.timeout_s(request.header),
        )
        if route.takes is None:
            answer = await route.handle(asker)
        else:
            limit = getattr(app.settings, route.api.payload)
            raw = await request.body(limit, app.settings.body_timeout_s, self._hold)
            answer = await self._watched(route.handle(asker, decoded(raw, route.takes)), asker)
        return answer if isinstance(answer, Response) else Response(encoded(answer))

    def _place(self) -> tuple[str | None, str]:
        """Tell the model that the path names from the route behind it."""
        path = self._request.path
        if not path.startswith(_MODELS):
            return None, path
        rest = path[len(_MODELS) :]
        names = [entry.name for entry in self._app.service.models()]
        if rest in names:
            return None, path
        known = [name for name in names if rest.startswith(f"{name}/")]
        if known:
            name = max(known, key=len)
            return name, rest[len(name) :]
        # A name that isn't known may have slashes, too: it ends where a route begins.
        places = [match.start() for match in islice(re.finditer("/", rest), _LONGEST_NAME)]
        for place in places:
            if self._app.router.allowed(rest[place:]):
                return rest[:place], rest[place:]
        return None, path

    def _hold(self, size: int) -> None:
        """Count bytes of the body."""
        self._app.hold(size)
        self._received += size

    async def _watched(self, answering: Awaitable[Any], asker: Asker) -> Any:
        """Wait for an answer while there is somebody who waits for it, and time."""
        own = asyncio.current_task()
        assert own is not None
        watch = asyncio.ensure_future(self._request.gone())

        def left(done: "asyncio.Future[None]") -> None:
            if not done.cancelled():
                self._left = True
                own.cancel()

        watch.add_done_callback(left)
        try:
            with Patience(max(asker.deadline - time.monotonic(), 0) + _SLACK_S):
                return await answering
        except TimeoutError:
            raise DeadlineExceeded("the time that the request had is over") from None
        except asyncio.CancelledError:
            if self._left:
                raise Disconnected from None
            raise
        finally:
            watch.remove_done_callback(left)
            watch.cancel()

    def _refusal(self, fault: Fault, error: Exception) -> Response:
        """Say a fault in the words of the API that was spoken."""
        spoken = self._asker or self._route
        api = spoken.api.name if spoken else UNROUTED.name
        headers = []
        if fault.retry_after is not None:
            headers.append(("retry-after", str(max(math.ceil(fault.retry_after), 1))))
        if fault.kind.status == 401:
            headers.append(("www-authenticate", "Bearer"))
        if isinstance(error, NoMethod):
            headers.append(("allow", ", ".join(error.allowed)))
        if fault.kind.name == "unsupported":
            headers.append(("accept-encoding", ACCEPTED))
        return Response(
            encoded(BODIES[api](fault)), fault.kind.status_in(api), headers=tuple(headers)
        )

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
        yield from self._app.cors.headers(request)
        if self._asker is not None and self._fault is None:
            yield from work_headers(self._asker.answered, time.perf_counter() - request.started)
        if not request.read and (
            request.header("transfer-encoding") or request.header("content-length") not in ("", "0")
        ):
            yield "connection", "close"  # what is left of the body would be read to no end

    def _tell(self, status: int, sent: int) -> None:
        """Tell whoever counts, logs and traces."""
        request, route, asker = self._request, self._route, self._asker
        finished = Finished(
            id=request.id,
            api=route.api.name if route else UNROUTED.name,
            method=request.method,
            route=route.path if route else "",
            status=status,
            fault=self._fault,
            seconds=time.perf_counter() - request.started,
            task=route.task if route else None,
            model=asker.entry.name if asker and asker.entry else None,
            inputs=asker.count if asker else 0,
            answered=tuple(asker.answered) if asker else (),
            received=self._received,
            sent=sent,
            traceparent=request.header("traceparent"),
        )
        for observer in self._app.observers:
            observer(finished)
