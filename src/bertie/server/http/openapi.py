"""The OpenAPI document, made of the routes and of the types that their bodies are read by."""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Any, get_args

import msgspec
import numpy as np

from bertie.server.http.errors import KINDS
from bertie.server.http.release import release
from bertie.server.http.route import Route

_REF = "#/components/schemas/{name}"
_ABOUT = (
    "One server for every head of BERT-family encoders. A route asks the default model of its"
    " task; the same route behind /models/NAME asks that model."
)
_HEADERS = (
    ("x-priority", {"type": "integer", "minimum": -100, "maximum": 100}, "The higher goes first."),
    ("x-timeout-ms", {"type": "integer", "minimum": 1}, "What an answer may take."),
    ("x-request-id", {"type": "string"}, "Comes back, and is in the log."),
)
# How every route may fail, those with a body, and those that ask a model.
_ALWAYS = ("internal",)
_OF_GUARDS = {
    "key": ("unauthorized",),
    "health": ("unauthorized",),
    "metrics": ("unauthorized",),
    "admin": ("unauthorized", "forbidden", "model_not_found", "failed", "invalid"),
}
_OF_BODIES = ("malformed", "invalid", "empty", "slow", "too_large", "unsupported", "overloaded")
_OF_MODELS = ("model_not_found", "wrong_task", "failed", "engine_failed", "late")


def openapi(routes: Iterable[Route]) -> bytes:
    """Write the document of some routes."""
    listed = list(routes)
    types = {str(kind): kind for route in listed for kind in _types(route)}
    # Where two types have one name, both are named with their modules, whose names users see then.
    schemas, components = msgspec.json.schema_components(
        list(types.values()), schema_hook=_schema_of, ref_template=_REF
    )
    known = dict(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in listed:
        path = re.sub(r"\{(\w+):path\}", r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, known)
    titles = dict.fromkeys(route.api.title for route in listed)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Bertie", "version": release(), "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": title} for title in titles],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    }
    return msgspec.json.encode(document)


def _types(route: Route) -> Iterator[Any]:
    """Give the types of a route's bodies, those that say something."""
    for kind in (route.request_type, route.response_type, route.error_type):
        for one in _members(kind):
            if one not in (None, str, Any, msgspec.Raw):
                yield one


def _members(kind: Any) -> tuple[Any, ...]:
    """Take a union apart; msgspec describes none of several lists."""
    return get_args(kind) if isinstance(kind, UnionType) else (kind,)


def _schema(kind: Any, known: Mapping[str, Any]) -> Any:
    """Give the schema of a type; of one that says nothing the one that takes everything."""
    schemas = [known.get(str(one), {}) for one in _members(kind)]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _schema_of(kind: Any) -> dict[str, Any]:
    """Describe what msgspec doesn't know: arrays, of which the answers have numbers."""
    if kind is np.ndarray:
        return {"type": "array"}
    raise NotImplementedError(str(kind))


def _operation(route: Route, known: Mapping[str, Any]) -> dict[str, Any]:
    """Describe one route."""
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{re.sub(r'[^a-z0-9]+', '_', route.path.lower())}",
        "tags": [route.api.title],
        "summary": route.summary,
        "parameters": list(_parameters(route)),
        "responses": dict(_responses(route, known)),
    }
    if route.request_type is not None:
        schema = _schema(route.request_type, known)
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    """Describe the parts of the path, and the headers of those that ask a model."""
    for name in re.findall(r"\{(\w+)", route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    if route.task is not None:
        for name, schema, says in _HEADERS:
            yield {"name": name, "in": "header", "schema": schema, "description": says}


def _responses(route: Route, known: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Describe how a route answers, and how it fails."""
    yield "200", _response("As asked.", _schema(route.response_type, known), route.media_type)
    kinds = [*_ALWAYS, *_OF_GUARDS.get(route.guard, ())]
    if route.request_type is not None:
        kinds += _OF_BODIES
    if route.request_type is not None or route.guard == "key":
        kinds += _OF_MODELS
    if route.guard == "health":
        yield "503", _response("Not ready.", _schema(route.response_type, known))
    by_status: dict[int, list[str]] = {}
    for name in dict.fromkeys(kinds):
        by_status.setdefault(KINDS[name].status_in(route.api.name), []).append(name)
    for status, names in sorted(by_status.items()):
        if status != 200:
            said = " or ".join(name.replace("_", " ") for name in names)
            yield str(status), _response(f"{said.capitalize()}.", _schema(route.error_type, known))


def _response(says: str, schema: Any, media: str = "application/json") -> dict[str, Any]:
    """Describe one response."""
    return {"description": says, "content": {media: {"schema": schema}}}
