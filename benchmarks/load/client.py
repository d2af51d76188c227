"""A client of HTTP and gRPC: it sends requests of every kind, and gives status and answer."""

import json
from typing import Any

import grpc
import httpx

from load.request_kinds import BadRequest, RequestKind, Status

# What differs from answer to answer though the work is the same.
_PASSING = {"id", "created"}


class Client:
    """Sends requests over connections that are kept."""

    def __init__(self, http: httpx.AsyncClient, channel: Any) -> None:
        """Use an HTTP client whose base is the server, and a channel to its gRPC."""
        self._http = http
        self._channel = channel

    async def send(
        self, model: str, kind: RequestKind | BadRequest, content: Any
    ) -> tuple[Status, Any]:
        """Send a request to a model.

        Args:
            model: its name.
            kind: says where the content goes.
            content: the body; of gRPC the message.
        Returns: the status, and the answer without what passes, or a few words on a refusal.
        """
        if kind.response_type is not None:
            return await self._call(model, kind, content)
        route = kind.route.format(model=model)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        response = await self._http.post(
            f"/models/{model}/{route}", content=body, headers={"content-type": "application/json"}
        )
        answer = response.json()
        if response.status_code != 200:
            return response.status_code, response.text[:200]
        if isinstance(answer, dict):
            answer = {name: value for name, value in answer.items() if name not in _PASSING}
        return 200, answer

    async def _call(
        self, model: str, kind: RequestKind | BadRequest, message: Any
    ) -> tuple[Status, Any]:
        """Send it over gRPC."""
        method = self._channel.unary_unary(
            f"/tei.v1.{kind.route}",
            request_serializer=lambda one: one.SerializeToString(),
            response_deserializer=kind.response_type.FromString,
        )
        try:
            answer = await method(message, metadata=(("x-model", model),))
        except grpc.aio.AioRpcError as error:
            return error.code().name, error.details()
        if "metadata" in answer.DESCRIPTOR.fields_by_name:
            answer.ClearField("metadata")
        return "OK", answer
