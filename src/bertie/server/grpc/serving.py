"""The gRPC server: tei.v1, health and reflection, on the event loop of the HTTP server."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from bertie.errors import InputError
from bertie.server.grpc import tei_pb2 as pb
from bertie.server.grpc.health import Health
from bertie.server.grpc.rpc_handler import RpcHandler, Unreadable, readable
from bertie.server.grpc.rpcs import RPCS, Rpc, rerank_stream

if TYPE_CHECKING:
    from bertie.server.http.app_state import AppState
    from bertie.server.settings import HttpSettings

# Messages of one stream that are worked on at a time.
_WINDOW = 64
_PACKAGE = "tei.v1"


async def start(state: "AppState") -> tuple[Any, int]:
    """Start to serve.

    Args:
        state: what all requests share; grpc_port is given in its settings.
    Returns: the server, whose stop(seconds) is to be awaited, and the port.
    Raises: InputError: the port can't be listened on.
    """
    settings = state.settings
    server = grpc.aio.server(
        options=(
            ("grpc.max_receive_message_length", settings.payload_limit),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        )
    )
    services: dict[str, dict[str, Any]] = {}
    for rpc in RPCS:
        services.setdefault(rpc.service, {}).update(_handlers(state, rpc))
    services["Rerank"]["RerankStream"] = _rerank_stream(state)
    for name, handlers in services.items():
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(f"{_PACKAGE}.{name}", handlers),)
        )
    health_pb2_grpc.add_HealthServicer_to_server(Health(state.service), server)
    names = [f"{_PACKAGE}.{name}" for name in services]
    reflection.enable_server_reflection(
        (
            *names,
            health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
            reflection.SERVICE_NAME,
        ),
        server,
    )
    port = _listen(server, settings)
    await server.start()
    return server, port


def _listen(server: Any, settings: "HttpSettings") -> int:
    """Bind the port. Raises: InputError: it can't be."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.grpc_port}"
    try:
        if settings.tls_certificate is None or settings.tls_key is None:
            return int(server.add_insecure_port(address))
        pair = (settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())
        return int(server.add_secure_port(address, grpc.ssl_server_credentials([pair])))
    except RuntimeError as error:
        raise InputError(f"can't listen on {address} for gRPC: take another port") from error


def _handlers(state: "AppState", rpc: Rpc) -> dict[str, Any]:
    """Make what grpc calls for an RPC, and for the one that streams."""

    async def unary(message: Any, grpc_context: Any) -> Any:
        handler = RpcHandler(state, grpc_context, f"{rpc.service}/{rpc.name}", rpc.task)
        return await handler.run(rpc.handle, message)

    async def streamed(messages: AsyncIterator[Any], grpc_context: Any) -> AsyncIterator[Any]:
        async for answer in _in_order(state, rpc, messages, grpc_context):
            yield answer

    codec = {
        "request_deserializer": partial(_read, rpc.request_type),
        "response_serializer": rpc.response_type.SerializeToString,
    }
    made = {rpc.name: grpc.unary_unary_rpc_method_handler(unary, **codec)}
    if rpc.streamed:
        made[rpc.streamed] = grpc.stream_stream_rpc_method_handler(streamed, **codec)
    return made


def _rerank_stream(state: "AppState") -> Any:
    """Make what grpc calls for the one RPC that takes a stream and gives one message."""

    async def rerank(messages: AsyncIterator[Any], grpc_context: Any) -> Any:
        handler = RpcHandler(state, grpc_context, "Rerank/RerankStream", "rank")
        return await handler.run(rerank_stream, _readable(messages))

    return grpc.stream_unary_rpc_method_handler(
        rerank,
        request_deserializer=partial(_read, pb.RerankStreamRequest),
        response_serializer=pb.RerankResponse.SerializeToString,
    )


def _read(kind: Any, data: bytes) -> Any:
    """Read a message; grpc itself would call one that can't be read an error of the server."""
    try:
        return kind.FromString(data)
    except DecodeError:
        return Unreadable(f"the message is no {kind.DESCRIPTOR.full_name}: its bytes can't be read")


async def _readable(messages: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Pass a stream's messages on. Raises: RequestError: one that can't be read."""
    async for message in messages:
        yield readable(message)


async def _in_order(
    state: "AppState", rpc: Rpc, messages: AsyncIterator[Any], grpc_context: Any
) -> AsyncIterator[Any]:
    """Answer a stream's messages in their order, some at a time; the first error ends it."""
    waiting: asyncio.Queue[asyncio.Task[Any] | None] = asyncio.Queue(_WINDOW)
    tasks: set[asyncio.Task[Any]] = set()

    async def take() -> None:
        try:
            async for message in messages:
                handler = RpcHandler(state, grpc_context, f"{rpc.service}/{rpc.streamed}", rpc.task)
                task = asyncio.ensure_future(handler.run(rpc.handle, message))
                tasks.add(task)
                await waiting.put(task)
        finally:
            await waiting.put(None)

    taking = asyncio.ensure_future(take())
    try:
        while (task := await waiting.get()) is not None:
            yield await task
            tasks.discard(task)
    finally:
        for one in (taking, *tasks):
            one.cancel()
        await asyncio.gather(taking, *tasks, return_exceptions=True)
