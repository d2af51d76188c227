"""The server's figures: of this moment for its page, and as Prometheus reads them."""

from typing import Any

from bertie.server.http.apis.speakers import BERTIE, TEI
from bertie.server.http.asker import Asker
from bertie.server.http.response import Response
from bertie.server.http.route import Route

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


async def status(asker: Asker) -> dict[str, Any]:
    """Give the queue, the batches, the workers and what requests took of late."""
    return asker.app.figures.status()


async def metrics(asker: Asker) -> Response:
    """Give all counts since the start, in Prometheus' text format."""
    return Response(asker.app.figures.exposition(), media_type=_PROMETHEUS)


ROUTES = (
    Route("GET", "/v1/status", status, BERTIE, None, dict[str, Any]),
    Route("GET", "/metrics", metrics, TEI, None, str, guard="metrics", media="text/plain"),
)
