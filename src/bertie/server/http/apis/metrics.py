"""The server's metrics: of this moment for its page, and as Prometheus reads them."""

from typing import Any

from bertie.server.http.api import BERTIE, TEI
from bertie.server.http.context import Context
from bertie.server.http.response import Response
from bertie.server.http.route import Route

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


async def status(context: Context) -> dict[str, Any]:
    """Give the queue, the batches, the workers and what requests took of late."""
    return context.state.metrics.status()


async def metrics(context: Context) -> Response:
    """Give all counts since the start, in Prometheus' text format."""
    # Prometheus' client library takes a while to import, which the server's start needn't wait for.
    from bertie.server.http.prometheus import exposition

    return Response(exposition(context.state.metrics, context.service), media_type=_PROMETHEUS)


ROUTES = (
    Route("GET", "/v1/status", status, BERTIE, None, dict[str, Any]),
    Route("GET", "/metrics", metrics, TEI, None, str, guard="metrics", media_type="text/plain"),
)
