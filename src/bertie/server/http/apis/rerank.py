"""Reranking at the one path that Text Embeddings Inference and infinity share."""

import time
import uuid
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from bertie.server.http.api import INFINITY, TEI
from bertie.server.http.apis.inputs import Texts
from bertie.server.http.apis.openai import Usage, usage
from bertie.server.http.apis.scores import best_first, score_documents
from bertie.server.http.apis.tei_bodies import Rank, Truncated
from bertie.server.http.apis.truncation import truncation
from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError
from bertie.server.http.route import Route
from bertie.server.http.serialization import ResponseBody


class RerankBody(Truncated, frozen=True, kw_only=True):
    """A query with texts, as Text Embeddings Inference has it, or documents, as infinity does."""

    query: str
    texts: Texts | None = None
    documents: Texts | None = None
    raw_scores: bool = False
    return_text: bool = False
    return_documents: bool = False
    model: str | None = None
    top_n: Annotated[int, Meta(ge=1)] | None = None


class RankedDocument(ResponseBody, frozen=True, kw_only=True):
    """A document's place among those given."""

    index: int
    relevance_score: float
    document: str | UnsetType = UNSET


class Reranked(ResponseBody, frozen=True, kw_only=True):
    """Documents, best first, as infinity gives them."""

    id: str
    model: str
    created: int
    usage: Usage
    results: list[RankedDocument]
    object: Literal["rerank"] = "rerank"


async def rerank(context: Context, body: RerankBody) -> list[Rank] | Reranked:
    """Rank texts (Text Embeddings Inference) or documents (infinity) for a query."""
    if (body.texts is None) == (body.documents is None):
        raise RequestError("invalid", "expected either texts or documents", param="texts")
    return await (
        rank_texts(context, body) if body.documents is None else _documents(context, body)
    )


async def rank_texts(context: Context, body: RerankBody) -> list[Rank]:
    """Rank as Text Embeddings Inference does."""
    texts = body.texts or []
    if not texts:
        raise RequestError("empty", "texts is empty, expected some to rank", param="texts")
    context.check_count(len(texts), "texts")
    scores = await score_documents(
        context, body.query, texts, raw=body.raw_scores, truncate=truncation(context, body)
    )
    return [
        Rank(index=i, score=float(scores[i]), text=texts[i] if body.return_text else UNSET)
        for i in best_first(scores)
    ]


async def _documents(context: Context, body: RerankBody) -> Reranked:
    """Rank as infinity does."""
    context.api = INFINITY
    documents = body.documents or []
    if not documents:
        raise RequestError("empty", "documents is empty, expected some to rank", param="documents")
    context.check_count(len(documents), "documents")
    scores = await score_documents(
        context,
        body.query,
        documents,
        model=body.model,
        raw=body.raw_scores,
        truncate=truncation(context, body),
    )
    results = [
        RankedDocument(
            index=i,
            relevance_score=float(scores[i]),
            document=documents[i] if body.return_documents else UNSET,
        )
        for i in best_first(scores, body.top_n)
    ]
    return Reranked(
        id=f"rerank-{uuid.uuid4().hex}",
        model=context.model_name,
        created=int(time.time()),
        usage=usage(context),
        results=results,
    )


ROUTES = (
    Route(
        "POST",
        "/rerank",
        rerank,
        TEI,
        RerankBody,
        list[Rank] | Reranked,
        task="rank",
        other_error_type=TEI.error_type | INFINITY.error_type,
    ),
)
