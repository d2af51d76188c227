"""Whether the server lives, whether it is ready, and what it is."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from bertie.server.http.api import BERTIE, TEI
from bertie.server.http.context import Context
from bertie.server.http.release import release
from bertie.server.http.response import Response
from bertie.server.http.route import Route
from bertie.server.http.serialization import ResponseBody, encode


class Health(ResponseBody, frozen=True, kw_only=True):
    """How the server is."""

    status: Annotated[str, Meta(description="ok, or why it isn't.")]


class Info(ResponseBody, frozen=True, kw_only=True):
    """The server and its default model, as Text Embeddings Inference describes them."""

    model_id: str
    model_sha: str | None
    model_dtype: str
    served_model_name: str
    model_type: dict[str, Any]
    max_concurrent_requests: int
    max_input_length: int
    max_batch_tokens: int
    max_batch_requests: int | None
    max_client_batch_size: int
    auto_truncate: bool
    tokenization_workers: int
    version: str
    sha: str | None
    fingerprint: str
    docker_label: str | UnsetType = UNSET


async def live(context: Context) -> Health:
    """Say that the server's process lives; nothing more."""
    return Health(status="ok")


async def ready(context: Context) -> Health | Response:
    """Say whether every model answers: a real inference, at most a second old."""
    found = await context.service.ready()
    if found.ready:
        return Health(status="ok")
    return Response(encode(Health(status=found.reason)), 503)


async def info(context: Context) -> Info:
    """Describe the server and the default model."""
    entry = context.find_any()
    await context.service.tokenizer(entry.name)
    scheduling = context.state.scheduling_settings
    settings = entry.info["settings"]
    return Info(
        model_id=entry.source,
        model_sha=None,
        model_dtype=entry.info["precision"],
        served_model_name=entry.name,
        model_type=model_type(str(entry.task), settings),
        max_concurrent_requests=scheduling.queue_requests,
        max_input_length=entry.max_length or 0,
        max_batch_tokens=scheduling.batch_tokens,
        max_batch_requests=None,
        max_client_batch_size=context.settings.max_client_batch_size,
        auto_truncate=context.settings.auto_truncate,
        tokenization_workers=1,
        version=release(),
        sha=None,
        fingerprint=entry.fingerprint or "",
    )


def model_type(task: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Describe a model's task in Text Embeddings Inference's words, or its name in ours."""
    if task in ("embed", "sparse", "multivector"):
        pooling = settings["pooling"]["value"] if "pooling" in settings else ["splade"]
        return {"embedding": {"pooling": "+".join(pooling)}}
    labels = settings["labels"]["value"] if "labels" in settings else []
    described = {
        "id2label": {str(i): label for i, label in enumerate(labels)},
        "label2id": {label: i for i, label in enumerate(labels)},
    }
    return {{"classify": "classifier", "rank": "reranker"}.get(task, task): described}


ROUTES = (
    Route("GET", "/health/live", live, BERTIE, None, Health, guard="health"),
    Route("GET", "/ping", live, TEI, None, Health, guard="health"),
    Route("GET", "/health/ready", ready, BERTIE, None, Health, guard="health"),
    Route("GET", "/health", ready, TEI, None, Health, guard="health"),
    Route("GET", "/info", info, TEI, None, Info),
)
