"""Models loaded, reloaded and unloaded while the server runs; for those with an admin's key."""

from typing import Any

from msgspec import field

from bertie.server.http.apis.models import ModelObject, model_object
from bertie.server.http.apis.speakers import BERTIE
from bertie.server.http.asker import Asker
from bertie.server.http.encoding import Answer, StrictBody
from bertie.server.http.route import Route


class LoadBody(StrictBody, frozen=True, kw_only=True):
    """What to load: whatever bertie.load takes."""

    source: str
    options: dict[str, Any] = field(default_factory=dict)


class Unloaded(Answer, frozen=True, kw_only=True):
    """A model is gone."""

    unloaded: str


async def load(asker: Asker, body: LoadBody) -> ModelObject:
    """Add a model under a new name, and load it."""
    return model_object(await asker.service.load(asker.parts["name"], body.source, body.options))


async def reload(asker: Asker) -> ModelObject:
    """Load a model again from what its source is now; requests go on being answered."""
    return model_object(await asker.service.reload(asker.parts["name"]))


async def unload(asker: Asker) -> Unloaded:
    """Forget a model; requests that are admitted are answered still."""
    name = asker.parts["name"]
    await asker.service.unload(name)
    return Unloaded(unloaded=name)


def _route(verb: str, handle: Any, takes: Any, gives: Any) -> Route:
    """Make one of the routes."""
    path = f"/admin/models/{{name:path}}/{verb}"
    return Route("POST", path, handle, BERTIE, takes, gives, guard="admin")


ROUTES = (
    _route("load", load, LoadBody, ModelObject),
    _route("reload", reload, None, ModelObject),
    _route("unload", unload, None, Unloaded),
)
