"""The front process: its sockets, its signals, and its end."""

import asyncio
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any
from weakref import ref

from bertie.errors import ExtraMissing, InputError
from bertie.server.scheduling.service import Service
from bertie.server.settings import HttpSettings, Settings
from bertie.server.signals import on_stop_signal

_MISSING = "a server needs more packages: pip install 'bertie[server]'"
_BACKLOG = 2048


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; then finish what was accepted.

    Args:
        settings: everything that the server is told.
    Returns: 0, the exit code of a server that was told to stop.
    Raises: InputError: the address can't be listened on.
    Raises: ExtraMissing: the server's packages aren't installed.
    Raises: whatever bertie.load raises, when a model can't be loaded at the start.
    """
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(_serve(settings))


def _new_loop() -> asyncio.AbstractEventLoop:
    """Make the event loop, the faster one where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def _serve(settings: Settings) -> int:
    """Listen while the models load, and until a signal says to stop."""
    with ExitStack() as stack:
        listener = stack.enter_context(listening(settings.http))
        service = Service(settings)
        application = _make_application(service, settings)
        server = _import("http.serving").server(application)
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()

        # grpc never lets go of the loop, nor the loop of this: it must not hold the models.
        server_ref = ref(server)

        def stop() -> None:
            if (running := server_ref()) is not None:
                running.force_exit = stopped.is_set()  # whoever asks twice is in a hurry
            stopped.set()

        stack.enter_context(on_stop_signal(loop, stop))
        serving = loop.create_task(server.serve([listener]))
        starting = loop.create_task(service.start())
        grpc_server = None
        try:
            if settings.http.grpc_port is not None:
                grpc_server, grpc_port = await _import("grpc.serving").start(application.state)
                _announce(listener, settings, grpc_port)
            else:
                _announce(listener, settings)
            await _until_stopped(starting, loop.create_task(stopped.wait()), serving)
        finally:
            # New connections are refused, the requests of those that there are still answered.
            server.should_exit = True
            deadline = loop.time() + settings.engine.grace_s
            starting.cancel()
            if grpc_server is not None:
                await grpc_server.stop(settings.engine.grace_s)
            await serving
            await service.stop(0 if server.force_exit else max(deadline - loop.time(), 0))
    return 0


async def _until_stopped(starting: Any, stopped: Any, serving: Any) -> None:
    """Wait for a signal. Raises: whatever keeps the models from being loaded."""
    tasks = {starting, stopped, serving}
    while not stopped.done() and not serving.done():
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if starting in done:
            tasks.discard(starting)
            starting.result()
    stopped.cancel()


@contextmanager
def listening(settings: HttpSettings) -> Iterator[socket.socket]:
    """Listen on the address that the settings say. Raises: InputError: it can't be listened on."""
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, *_, address = found[0]
        listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"can't listen on {settings.host}, port {settings.port}: {reason}; take another port"
            " or address"
        ) from error
    with listener:
        yield listener


def _make_application(service: Service, settings: Settings) -> Any:
    """Make what answers, over HTTP and gRPC alike. Raises: ExtraMissing; InputError: a setting."""
    _import("http.log").set_up(settings.http.log_format)
    return _import("http.app").Application(service, settings)


def _import(name: str) -> Any:
    """Import a part that needs more packages. Raises: ExtraMissing."""
    try:
        return import_module(f"bertie.server.{name}")
    except ImportError as error:
        raise ExtraMissing(_MISSING) from error


def _announce(listener: socket.socket, settings: Settings, grpc_port: int | None = None) -> None:
    """Tell whoever started the server where it is."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    scheme = "http" if settings.http.tls_certificate is None else "https"
    also = "" if grpc_port is None else f", gRPC on {shown}:{grpc_port}"
    names = ", ".join(settings.models)
    print(f"bertie: serving {names} on {scheme}://{shown}:{port}{also}", file=sys.stderr)
