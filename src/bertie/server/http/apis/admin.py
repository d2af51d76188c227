"""Models loaded, reloaded and unloaded while the server runs; for those with an admin's key."""

from typing import Any

from msgspec import field

from bertie.server.http.api import BERTIE
from bertie.server.http.apis.models import ModelObject, model_object
from bertie.server.http.context import Context
from bertie.server.http.route import Route
from bertie.server.http.serialization import ResponseBody, StrictRequestBody


class LoadBody(StrictRequestBody, frozen=True, kw_only=True):
    """What to load: whatever bertie.load takes."""

    source: str
    options: dict[str, Any] = field(default_factory=dict)


class Unloaded(ResponseBody, frozen=True, kw_only=True):
    """A model is gone."""

    unloaded: str


async def load(context: Context, body: LoadBody) -> ModelObject:
    """Add a model under a new name, and load it."""
    return model_object(
        await context.service.load(context.path_params["name"], body.source, body.options)
    )


async def reload(context: Context) -> ModelObject:
    """Load a model again from what its source is now; requests go on being answered."""
    return model_object(await context.service.reload(context.path_params["name"]))


async def unload(context: Context) -> Unloaded:
    """Forget a model; requests that are admitted are answered still."""
    name = context.path_params["name"]
    await context.service.unload(name)
    return Unloaded(unloaded=name)


def _route(verb: str, handle: Any, request_type: Any, response_type: Any) -> Route:
    """Make one of the routes."""
    path = f"/admin/models/{{name:path}}/{verb}"
    return Route("POST", path, handle, BERTIE, request_type, response_type, guard="admin")


ROUTES = (
    _route("load", load, LoadBody, ModelObject),
    _route("reload", reload, None, ModelObject),
    _route("unload", unload, None, Unloaded),
)
