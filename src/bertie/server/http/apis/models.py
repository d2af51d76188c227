"""The models: for clients of OpenAI and of TensorFlow Serving in one object, and ours."""

from typing import Any, Literal

from bertie.server.http.api import BERTIE, OPENAI
from bertie.server.http.context import Context
from bertie.server.http.route import Route
from bertie.server.http.serialization import ResponseBody
from bertie.server.scheduling.registry import ModelEntry


class VersionStatus(ResponseBody, frozen=True, kw_only=True):
    """How TensorFlow Serving says that all is well."""

    error_code: str
    error_message: str


class ModelVersion(ResponseBody, frozen=True, kw_only=True):
    """One version of a model, as TensorFlow Serving has it."""

    version: str
    state: str
    status: VersionStatus


class ModelObject(ResponseBody, frozen=True, kw_only=True):
    """A model."""

    id: str
    created: int
    model_version_status: list[ModelVersion]
    task: str | None
    state: str
    fingerprint: str | None
    max_length: int | None
    dimensions: int | None
    object: Literal["model"] = "model"
    owned_by: str = "bertie"


class ModelList(ResponseBody, frozen=True, kw_only=True):
    """All models."""

    data: list[ModelObject]
    object: Literal["list"] = "list"


# Our states in TensorFlow Serving's words.
_STATES = {"ready": "AVAILABLE", "loading": "LOADING", "unloaded": "START", "failed": "END"}


def version_of(entry: ModelEntry) -> str:
    """Give the version that TensorFlow Serving's clients see: it grows as the model is reloaded."""
    return "1" if entry.loaded is None else str(max(entry.loaded.key.generation, 1))


def model_object(entry: ModelEntry) -> ModelObject:
    """Describe a model."""
    failed = entry.error is not None
    status = VersionStatus(
        error_code="UNAVAILABLE" if failed else "OK",
        error_message=str(entry.error) if failed else "",
    )
    version = ModelVersion(version=version_of(entry), state=_STATES[entry.state], status=status)
    return ModelObject(
        id=entry.name,
        created=int(entry.created),
        model_version_status=[version],
        task=entry.task,
        state=entry.state,
        fingerprint=entry.fingerprint,
        max_length=entry.max_length,
        dimensions=entry.info.get("dimensions"),
    )


async def models(context: Context) -> ModelList:
    """List the models."""
    return ModelList(data=[model_object(entry) for entry in context.service.models()])


async def model(context: Context) -> ModelObject:
    """Describe one model, for OpenAI's and TensorFlow Serving's clients alike."""
    return model_object(context.find_exactly(context.path_params["name"]))


async def model_info(context: Context) -> dict[str, Any]:
    """Say what one model is, and where each of its settings came from."""
    entry = context.find_exactly(context.path_params["name"])
    await context.service.tokenizer(entry.name)
    return dict(entry.info)


ROUTES = (
    Route("GET", "/v1/models", models, OPENAI, None, ModelList),
    Route("GET", "/models", models, OPENAI, None, ModelList),
    Route("GET", "/v1/models/{name:path}/info", model_info, BERTIE, None, dict[str, Any]),
)
LAST_ROUTES = tuple(
    Route("GET", path, model, OPENAI, None, ModelObject)
    for path in ("/v1/models/{name:path}", "/models/{name:path}")
)
