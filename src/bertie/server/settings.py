"""Every setting of the server, declared once: flags, BERTIE_* variables and the file follow it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bertie.server.option import option


@dataclass(frozen=True)
class SchedulingSettings:
    """How models are loaded, and how requests become batches: [engine] in the file."""

    workers: int = option(
        1,
        "Processes that compute; 0 computes in the server's own, which then dies with the core.",
        minimum=0,
    )
    threads: int | None = option(
        None,
        "The most cores that all workers use together; every core where it isn't given.",
        minimum=1,
    )
    default: str | None = option(
        None, "The model for requests that name none, where it can do their task."
    )
    load: str = option(
        "start",
        "When models are loaded: at the start, or at their first use.",
        choices=("start", "use"),
    )
    max_memory: int | None = option(
        None,
        "What loaded models may take together; the least recently used is unloaded beyond.",
        unit="bytes",
        minimum=1,
    )
    batch_tokens: int = option(2048, "The most of one batch.", unit="tokens", minimum=1)
    batch_s: float = option(
        0.05,
        "What a batch should take at most while little waits: those of slow models are smaller,"
        " down to a quarter.",
        unit="seconds",
        minimum=0.001,
    )
    queue_s: float = option(
        10.0,
        "How long what waits may take to compute, by the rate of late; more is refused.",
        unit="seconds",
        minimum=0.001,
    )
    queue_requests: int = option(512, "The most that wait or are computed.", minimum=1)
    queue_inputs: int = option(32_768, "The most inputs that wait or are computed.", minimum=1)
    queue_characters: int = option(
        16_000_000, "The most characters that wait or are computed.", minimum=1
    )
    queue_tokens: int = option(
        262_144, "The most that wait or are computed.", unit="tokens", minimum=1
    )
    cache_bytes: int = option(
        0, "What remembered answers may take; 0 remembers none.", unit="bytes", minimum=0
    )
    ready_s: float = option(
        5.0, "What an inference may take for the server to be ready.", unit="seconds", minimum=0.001
    )
    stall_s: float = option(
        30.0,
        "What a worker may stay silent beyond its work's time before it is replaced.",
        unit="seconds",
        minimum=0.1,
    )
    grace_s: float = option(
        30.0, "What finishing may take, once the server is told to stop.", unit="seconds", minimum=0
    )


@dataclass(frozen=True)
class HttpSettings:
    """Where the server listens, and whom it answers: [http] in the file."""

    host: str = option("127.0.0.1", "The address to listen on; 0.0.0.0 is every one.")
    port: int = option(8080, "The port to listen on; 0 takes a free one.", minimum=0)
    grpc_port: int | None = option(
        None, "The port of gRPC on the same address; without it there is no gRPC.", minimum=0
    )
    tls_certificate: Path | None = option(
        None, "The certificate chain (PEM) for HTTPS and gRPC; its key goes with it."
    )
    tls_key: Path | None = option(None, "The private key (PEM) of the certificate.")
    api_keys: tuple[str, ...] = option(
        (), "Who may ask: sha256:HEX of each key; without any, everybody."
    )
    admin_keys: tuple[str, ...] = option(
        (), "Who may also load and unload models: sha256:HEX of each key; without any, nobody."
    )
    health_open: bool = option(True, "Whether health asks for no key.")
    metrics_open: bool = option(True, "Whether metrics ask for no key.")
    cors_origins: tuple[str, ...] = option((), "Origins whose pages may ask; * is every one.")
    body_limit: int = option(
        32_000_000, "The longest body of a request, once it is inflated.", unit="bytes", minimum=1
    )
    payload_limit: int = option(
        2_000_000,
        "The longest body on routes of Text Embeddings Inference, once it is inflated.",
        unit="bytes",
        minimum=1,
    )
    held_bytes: int = option(
        256_000_000,
        "What inflated bodies of all requests may take together.",
        unit="bytes",
        minimum=1,
    )
    max_inputs: int = option(2048, "The most inputs of one request.", minimum=1)
    max_client_batch_size: int = option(
        32, "The most inputs on routes of Text Embeddings Inference.", minimum=1
    )
    max_documents: int = option(1000, "The most documents on Cohere's routes.", minimum=1)
    auto_truncate: bool = option(
        True, "Whether other servers' routes cut long inputs where a request doesn't say."
    )
    header_timeout_s: float = option(
        10.0, "What sending a request's head may take.", unit="seconds", minimum=0.001
    )
    body_timeout_s: float = option(
        30.0, "What sending a request's body may take.", unit="seconds", minimum=0.001
    )
    idle_timeout_s: float = option(
        75.0,
        "How long a connection may stay open without a request.",
        unit="seconds",
        minimum=0.001,
    )
    request_timeout_s: float = option(
        120.0, "What answering may take; x-timeout-ms asks for less.", unit="seconds", minimum=0.001
    )
    log_format: str = option(
        "json", "How requests are logged; never with their texts.", choices=("json", "text", "none")
    )
    indexes: tuple[str, ...] = option(
        (), "What /v1/search searches in: NAME=DIRECTORY of each index."
    )
    traces: str | None = option(
        None, "Where OpenTelemetry's traces go: the URL of an OTLP collector over HTTP."
    )


@dataclass(frozen=True)
class ModelSettings:
    """A model to serve.

    Attributes:
        source: whatever bertie.load takes.
        options: keyword arguments of bertie.load.
    """

    source: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """Everything that the server is told.

    Attributes:
        engine, http: each group by its table's name in the file.
        models: of [models.NAME], by name, in the order given.
    """

    engine: SchedulingSettings = SchedulingSettings()
    http: HttpSettings = HttpSettings()
    models: Mapping[str, ModelSettings] = field(default_factory=dict)


# By the group's name in the file and in Settings.
GROUPS: Mapping[str, type[Any]] = {
    "engine": SchedulingSettings,
    "http": HttpSettings,
}
