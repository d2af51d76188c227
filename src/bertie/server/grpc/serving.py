"""The gRPC server: tei.v1, health and reflection, on the event loop of the HTTP server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from bertie.errors import InputError
from bertie.server.grpc import tei_pb2 as pb
from bertie.server.grpc.call import Call
from bertie.server.grpc.health import Health
from bertie.server.grpc.methods import METHODS, Method, rerank_stream
from bertie.server.http.faults import Refused

if TYPE_CHECKING:
    from bertie.server.http.app import Application

# Messages of one stream that are worked on at a time.
_WINDOW = 64
_PACKAGE = "tei.v1"


async def start(application: "Application") -> tuple[Any, int]:
    """Start to serve.

    Args:
        application: whose models, settings and figures are used; grpc_port is given.
    Returns: the server, whose stop(seconds) is to be awaited, and the port.
    Raises: InputError: the port can't be listened on.
    """
    settings = application.settings
    server = grpc.aio.server(
        options=(
            ("grpc.max_receive_message_length", settings.payload_limit),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        )
    )
    services: dict[str, dict[str, Any]] = {}
    for method in METHODS:
        services.setdefault(method.service, {}).update(_handlers(application, method))
    services["Rerank"]["RerankStream"] = _rerank_stream(application)
    for name, handlers in services.items():
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(f"{_PACKAGE}.{name}", handlers),)
        )
    health_pb2_grpc.add_HealthServicer_to_server(Health(application.service), server)
    names = [f"{_PACKAGE}.{name}" for name in services]
    reflection.enable_server_reflection(
        (
            *names,
            health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
            reflection.SERVICE_NAME,
        ),
        server,
    )
    port = _listen(server, application)
    await server.start()
    return server, port


def _listen(server: Any, application: "Application") -> int:
    """Bind the port. Raises: InputError: it can't be."""
    settings = application.settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.grpc_port}"
    try:
        if settings.tls_certificate is None or settings.tls_key is None:
            return int(server.add_insecure_port(address))
        pair = (settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())
        return int(server.add_secure_port(address, grpc.ssl_server_credentials([pair])))
    except RuntimeError as error:
        raise InputError(f"can't listen on {address} for gRPC: take another port") from error


def _handlers(app: "Application", method: Method) -> dict[str, Any]:
    """Make what grpc calls for a method, and for the one that streams."""

    async def alone(message: Any, context: Any) -> Any:
        call = Call(app, context, f"{method.service}/{method.name}", method.task)
        return await _answered(call, method.handle, message)

    async def streamed(messages: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for answer in _in_order(app, method, messages, context):
            yield answer

    codec = {
        "request_deserializer": partial(_read, method.takes),
        "response_serializer": method.gives.SerializeToString,
    }
    made = {method.name: grpc.unary_unary_rpc_method_handler(alone, **codec)}
    if method.streamed:
        made[method.streamed] = grpc.stream_stream_rpc_method_handler(streamed, **codec)
    return made


def _rerank_stream(app: "Application") -> Any:
    """Make what grpc calls for the one method that takes a stream and gives one message."""

    async def ranked(messages: AsyncIterator[Any], context: Any) -> Any:
        call = Call(app, context, "Rerank/RerankStream", "rank")
        return await _answered(call, rerank_stream, _readable(messages))

    return grpc.stream_unary_rpc_method_handler(
        ranked,
        request_deserializer=partial(_read, pb.RerankStreamRequest),
        response_serializer=pb.RerankResponse.SerializeToString,
    )


@dataclass(frozen=True)
class Unreadable:
    """A message that isn't what its method takes.

    Attributes:
        why: in words.
    """

    why: str


def _read(kind: Any, data: bytes) -> Any:
    """Read a message; grpc itself would call one that can't be read a fault of the server."""
    try:
        return kind.FromString(data)
    except DecodeError:
        return Unreadable(f"the message is no {kind.DESCRIPTOR.full_name}: its bytes can't be read")


async def _readable(messages: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Pass a stream's messages on. Raises: Refused: one that can't be read."""
    async for message in messages:
        yield _required(message)


def _required(given: Any) -> Any:
    """Give a message that could be read. Raises: Refused: it couldn't."""
    if isinstance(given, Unreadable):
        raise Refused("malformed", given.why)
    return given


async def _answered(call: Call, handle: Callable[..., Awaitable[Any]], given: Any) -> Any:
    """Answer a call; every error becomes its status here and nowhere else."""
    try:
        answer = await handle(call.admit(), _required(given))
    except asyncio.CancelledError:
        call.tell("CANCELLED", "gone")
        raise
    except Exception as error:
        await call.fail(error)
    else:
        call.tell("OK")
        return answer


async def _in_order(
    app: "Application", method: Method, messages: AsyncIterator[Any], context: Any
) -> AsyncIterator[Any]:
    """Answer a stream's messages in their order, some at a time; the first error ends it."""
    waiting: asyncio.Queue[asyncio.Task[Any] | None] = asyncio.Queue(_WINDOW)
    tasks: set[asyncio.Task[Any]] = set()

    async def take() -> None:
        try:
            async for message in messages:
                call = Call(app, context, f"{method.service}/{method.streamed}", method.task)
                task = asyncio.ensure_future(_answered(call, method.handle, message))
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
