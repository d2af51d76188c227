"""The OpenAPI document names every route and every body, and its page needs no other network."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bertie.server.http.routes import ROUTES
from tests.server.running import Running
from tests.timeouts import TIMEOUT


@pytest.fixture(scope="module")
def document(everything: Running) -> Any:
    return httpx.get(f"{everything.url}/openapi.json", timeout=TIMEOUT).json()


def references(value: Any) -> Iterator[str]:
    """Find every reference in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_every_route_is_in_the_document(document: Any) -> None:
    told = {(path, method.upper()) for path, ways in document["paths"].items() for method in ways}
    routes = {(re.sub(r":path\}", "}", route.path), route.method) for route in ROUTES}
    assert told == routes


def test_every_reference_leads_somewhere_and_every_operation_has_a_name(document: Any) -> None:
    schemas = document["components"]["schemas"]
    found = set(references(document))
    assert found
    assert {one.removeprefix("#/components/schemas/") for one in found} <= set(schemas)
    operations = [one for ways in document["paths"].values() for one in ways.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    assert all(one["summary"].endswith(".") for one in operations)


def test_bodies_are_described_by_the_types_that_read_them(document: Any) -> None:
    body = document["paths"]["/v1/tag"]["post"]["requestBody"]
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schema = document["components"]["schemas"][name]
    assert schema["required"] == ["inputs"]
    assert schema["additionalProperties"] is False
    kinds = schema["properties"]["aggregation"]["anyOf"]
    (named,) = (one["enum"] for one in kinds if "enum" in one)
    assert set(named) == {"none", "simple", "first", "average", "max"}


def test_the_page_and_all_it_names_are_here(everything: Running) -> None:
    with httpx.Client(base_url=everything.url, timeout=TIMEOUT) as client:
        page = client.get("/docs")
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'self'" in page.headers["content-security-policy"]
        names = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert "docs/page.js" in names
        for name in names:
            assert "//" not in name
            assert client.get(f"/{name}").status_code == 200


def test_the_document_is_json_that_any_reader_takes(everything: Running) -> None:
    raw = httpx.get(f"{everything.url}/openapi.json", timeout=TIMEOUT).content
    assert json.loads(raw)["openapi"] == "3.1.0"
