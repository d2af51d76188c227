"""gRPC's health service: what a real inference says, not what was once set."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bertie.server.grpc.rpcs import RPCS

if TYPE_CHECKING:
    from bertie.server.scheduling.service import Service

_SERVICES = frozenset({"", *(f"tei.v1.{rpc.service}" for rpc in RPCS)})
_EVERY_S = 1.0


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """Says whether every model answers."""

    def __init__(self, service: "Service") -> None:
        """Watch a service."""
        self._service = service

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Say how the server is now."""
        if request.service not in _SERVICES:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service")
        return await self._response()

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: N802
        """Say how the server is, now and whenever it changes."""
        said = None
        while True:
            if request.service not in _SERVICES:
                status = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
                response = health_pb2.HealthCheckResponse(status=status)
            else:
                response = await self._response()
            if response.status != said:
                said = response.status
                yield response
            await asyncio.sleep(_EVERY_S)

    async def _response(self) -> Any:
        """Ask the service."""
        ready = (await self._service.ready()).ready
        kinds = health_pb2.HealthCheckResponse
        return kinds(status=kinds.SERVING if ready else kinds.NOT_SERVING)
