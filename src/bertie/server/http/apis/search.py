"""Search in the indexes that the server has, by models that it serves."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from msgspec import Meta, field

from bertie.errors import UnknownModel
from bertie.search import by_scores
from bertie.server.http.api import BERTIE
from bertie.server.http.apis.own import Work
from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError
from bertie.server.http.route import Route
from bertie.server.http.serialization import ResponseBody, StrictRequestBody

if TYPE_CHECKING:
    from bertie.search import Index, Match

_RERANKED = 100  # rows that a reranker reads, unless more are asked for
Value: TypeAlias = str | int | float | bool | None


class SearchBody(StrictRequestBody, frozen=True, kw_only=True):
    """What to look for, and where."""

    query: str
    index: Annotated[str, Meta(description="An index's name; the first is the default.")] | None = (
        None
    )
    k: Annotated[int, Meta(ge=1, le=1000)] = 10
    mode: Literal["vector", "text", "hybrid"] = "vector"
    where: Annotated[
        dict[str, Value | list[Value]],
        Meta(description="What columns must be: a value, or one of several."),
    ] = field(default_factory=dict)
    rerank: (
        Annotated[str, Meta(description="A cross-encoder's name, which reads the best again.")]
        | None
    ) = None
    exact: Annotated[bool, Meta(description="Whether every row is compared.")] = False


class FoundRow(ResponseBody, frozen=True, kw_only=True):
    """A row, how well it matches, and its columns."""

    key: str
    score: float
    fields: dict[str, Any]


class FoundRows(ResponseBody, frozen=True, kw_only=True):
    """Rows, best first."""

    index: str
    answers: list[FoundRow]
    fingerprint: str
    work: Work


class IndexObject(ResponseBody, frozen=True, kw_only=True):
    """An index."""

    id: str
    rows: int
    columns: list[str]
    column: str
    key: str | None
    source: str
    precision: str
    fingerprint: str
    dimensions: int
    object: Literal["index"] = "index"


class IndexList(ResponseBody, frozen=True, kw_only=True):
    """All indexes."""

    data: list[IndexObject]
    object: Literal["list"] = "list"


async def indexes(context: Context) -> IndexList:
    """List the indexes."""
    found = context.state.indexes
    return IndexList(data=await asyncio.to_thread(_describe, found))


def _describe(found: "Mapping[str, Index]") -> list[IndexObject]:
    """Describe indexes; their rows are counted now."""
    return [
        IndexObject(
            id=name,
            rows=len(index),
            columns=index.columns,
            column=index.settings.column,
            key=index.settings.key,
            source=index.settings.source,
            precision=index.settings.precision,
            fingerprint=index.settings.fingerprint,
            dimensions=index.settings.dimensions,
        )
        for name, index in found.items()
    ]


async def search(context: Context, body: SearchBody) -> FoundRows:
    """Find the rows of an index that match a query, by meaning, by words or both."""
    name, index = _find_index(context, body.index)
    vector = None if body.mode == "text" else await _embed_query(context, name, index, body.query)
    k = body.k if body.rerank is None else max(body.k, _RERANKED)
    matches = await asyncio.to_thread(
        index.search,
        body.query,
        k,
        mode=body.mode,
        where=body.where,
        vector=vector,
        exact=body.exact,
    )
    if body.rerank is not None:
        matches = await _rerank(context, body.rerank, body.query, matches, index)
    return FoundRows(
        index=name,
        answers=[
            FoundRow(key=match.key, score=match.score, fields=_plain(match.fields))
            for match in matches[: body.k]
        ],
        fingerprint=index.settings.fingerprint,
        work=Work(
            tokens=[tokens for one in context.responses for tokens in one.tokens],
            truncated=[tokens for one in context.responses for tokens in one.truncated],
        ),
    )


def _find_index(context: Context, name: str | None) -> "tuple[str, Index]":
    """Find an index: the one that is named, else the first."""
    found = context.state.indexes
    if not found:
        raise RequestError(
            "no_route", "this server has no indexes: start it with --indexes NAME=DIR"
        )
    if name is None:
        name = next(iter(found))
    if name not in found:
        known = ", ".join(found)
        raise RequestError(
            "model_not_found", f"no index {name!r}; there are: {known}", param="index"
        )
    return name, found[name]


async def _embed_query(context: Context, name: str, index: "Index", query: str) -> Any:
    """Embed a query with the model that the index was made with."""
    settings = index.settings
    for entry in context.service.models():
        if entry.fingerprint is None and entry.error is None:
            await context.service.tokenizer(entry.name)  # which loads it
        if entry.fingerprint == settings.fingerprint:
            response = await context.infer(
                "embed", [query], model=entry.name, kind="query", truncate=settings.truncate
            )
            return response.answers[0]
    raise UnknownModel(
        f"index {name!r} was made with {settings.source} in {settings.precision}, which this server"
        " doesn't serve: vectors of different models don't mix"
    )


async def _rerank(
    context: Context, model: str, query: str, matches: "list[Match]", index: "Index"
) -> "list[Match]":
    """Order rows by what a cross-encoder says of them."""
    if not matches:
        return matches
    pairs = [(query, str(match.fields[index.settings.column])) for match in matches]
    response = await context.infer("score", pairs, model=model)
    return by_scores(matches, [float(score) for score in response.answers])


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as JSON knows them: dates and the like as their text."""
    return {
        name: value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
        for name, value in fields.items()
    }


ROUTES = (
    Route("GET", "/v1/indexes", indexes, BERTIE, response_type=IndexList),
    Route("POST", "/v1/search", search, BERTIE, SearchBody, FoundRows, task="search"),
)
