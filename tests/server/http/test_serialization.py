"""A field of null is one that isn't given, in every body of every API."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import inspect

from bertie.server.http.routes import ROUTES
from bertie.server.http.serialization import RequestBody, StrictRequestBody, decode
from tests.server.http.test_limits import INPUTS
from tests.server.running import Running
from tests.timeouts import TIMEOUT

# What changes from one answer to the next though the same is asked.
CHANGES = ("id", "created")


def structs(kind: inspect.Type) -> Iterator[inspect.StructType]:
    """Find the structs of a type, and those in them."""
    if isinstance(kind, inspect.StructType):
        yield kind
        for field in kind.fields:
            yield from structs(field.type)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from structs(one)
    elif isinstance(kind, inspect.CollectionType):
        yield from structs(kind.item_type)
    elif isinstance(kind, inspect.Metadata):
        yield from structs(kind.type)


BODIES = {
    struct.cls: struct
    for route in ROUTES
    if route.request_type not in (None, msgspec.Raw)
    for struct in structs(inspect.type_info(route.request_type))
}
FIELDS = [
    (kind, field)
    for kind, struct in BODIES.items()
    for field in struct.fields
    if not field.required
]


def example(kind: inspect.Type) -> Any:
    """Make a value of a type, as small as it may be."""
    if isinstance(kind, inspect.Metadata):
        return example(kind.type)
    if isinstance(kind, inspect.UnionType):
        return example(kind.types[0])
    if isinstance(kind, inspect.StructType):
        return required(kind)
    if isinstance(kind, inspect.ListType):
        return [example(kind.item_type)] * (kind.min_length or 1)
    return {inspect.StrType: "a", inspect.IntType: 1, inspect.FloatType: 1.0}[type(kind)]


def required(struct: inspect.StructType) -> dict[str, Any]:
    """Make a body that says no more than it must."""
    return {field.name: example(field.type) for field in struct.fields if field.required}


def read(kind: Any, body: Any) -> Any:
    return decode(json.dumps(body).encode(), kind)


def test_there_are_bodies_to_look_at() -> None:
    assert len(BODIES) > 30
    assert len(FIELDS) > 90


@pytest.mark.parametrize("kind", BODIES, ids=lambda kind: kind.__name__)
def test_a_body_of_nulls_is_one_without_those_fields(kind: Any) -> None:
    struct = BODIES[kind]
    optional = [field.name for field in struct.fields if not field.required]
    if optional:
        assert issubclass(kind, (RequestBody, StrictRequestBody))
    least = required(struct)
    expected = read(kind, least)
    assert read(kind, {**least, **dict.fromkeys(optional)}) == expected
    for name in optional:
        assert read(kind, {**least, name: None}) == expected


@pytest.mark.parametrize("kind", BODIES, ids=lambda kind: kind.__name__)
def test_what_is_required_is_so_and_named(kind: Any) -> None:
    least = required(BODIES[kind])
    for name in least:
        for body in ({**least, name: None}, {k: v for k, v in least.items() if k != name}):
            with pytest.raises(msgspec.ValidationError, match=name):
                read(kind, body)


def test_defaults_are_none_but_of_what_takes_none() -> None:
    for kind, field in FIELDS:
        given = getattr(read(kind, required(BODIES[kind])), field.name)
        made = field.default_factory is not msgspec.NODEFAULT
        assert given == (field.default_factory() if made else field.default)


def test_null_among_texts_is_refused_still(everything: Running) -> None:
    for path, body in (
        ("/v1/embeddings", {"input": ["a", None]}),
        ("/embed", {"inputs": [None]}),
        ("/v2/rerank", {"query": "a", "documents": [None]}),
        ("/v1/embed", {"inputs": [None]}),
    ):
        response = httpx.post(everything.url + path, json=body, timeout=TIMEOUT)
        assert response.status_code in (400, 422)


@pytest.mark.parametrize("path", INPUTS)
def test_every_route_answers_the_same_with_every_null(everything: Running, path: str) -> None:
    (route,) = {
        route
        for route in ROUTES
        if route.method == "POST" and route.path.replace("{name:path}", "embed") == path
    }
    body = INPUTS[path](["who [MASK] reads"] * 2)
    nulls: dict[str, Any] = {"user": None, "options": None, "parameters": None}
    if route.request_type is not msgspec.Raw:
        fields = [field.name for field in BODIES[route.request_type].fields if not field.required]
        extra = {} if issubclass(route.request_type, StrictRequestBody) else nulls
        nulls = {**extra, **dict.fromkeys(fields)}
    with httpx.Client(base_url=everything.url, timeout=TIMEOUT) as http:
        nulled = http.post(path, json={**nulls, **body})
        bare = http.post(path, json=body)
    assert bare.status_code == 200, bare.text
    assert same(nulled) == same(bare)


def same(response: httpx.Response) -> Any:
    """Take an answer without what changes."""
    answer = response.json()
    return (
        {name: value for name, value in answer.items() if name not in CHANGES}
        if isinstance(answer, dict)
        else answer
    )


def test_the_document_says_that_null_may_be(everything: Running) -> None:
    document = httpx.get(f"{everything.url}/openapi.json", timeout=TIMEOUT).json()
    schemas = document["components"]["schemas"]
    for name in ("EmbeddingsBody", "RerankV1Body", "SearchBody", "TokenizeBody"):
        found = [schema for key, schema in schemas.items() if key.endswith(name)]
        assert found
        for schema in found:
            for field, said in schema["properties"].items():
                if field not in schema["required"]:
                    assert {"type": "null"} in said.get("anyOf", []), (name, field)
