"""Reranking at the one path that Text Embeddings Inference and infinity share."""

import time
import uuid
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from bertie.server.http.apis.inputs import Texts
from bertie.server.http.apis.openai import Usage, usage
from bertie.server.http.apis.ranked import best_first, scored
from bertie.server.http.apis.speakers import INFINITY, TEI
from bertie.server.http.apis.tei import policy
from bertie.server.http.apis.tei_bodies import Rank, Truncated
from bertie.server.http.asker import Asker
from bertie.server.http.encoding import Answer
from bertie.server.http.faults import Refused
from bertie.server.http.route import Route


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


class RankedDocument(Answer, frozen=True, kw_only=True):
    """A document's place among those given."""

    index: int
    relevance_score: float
    document: str | UnsetType = UNSET


class Reranked(Answer, frozen=True, kw_only=True):
    """Documents, best first, as infinity gives them."""

    id: str
    model: str
    created: int
    usage: Usage
    results: list[RankedDocument]
    object: Literal["rerank"] = "rerank"


async def rerank(asker: Asker, body: RerankBody) -> list[Rank] | Reranked:
    """Rank texts (Text Embeddings Inference) or documents (infinity) for a query."""
    if (body.texts is None) == (body.documents is None):
        raise Refused("invalid", "expected either texts or documents", param="texts")
    return await (rank_texts(asker, body) if body.documents is None else _documents(asker, body))


async def rank_texts(asker: Asker, body: RerankBody) -> list[Rank]:
    """Rank as Text Embeddings Inference does."""
    texts = body.texts or []
    if not texts:
        raise Refused("empty", "texts is empty, expected some to rank", param="texts")
    asker.check_count(len(texts), "texts")
    scores = await scored(
        asker, body.query, texts, raw=body.raw_scores, truncate=policy(asker, body)
    )
    return [
        Rank(index=i, score=float(scores[i]), text=texts[i] if body.return_text else UNSET)
        for i in best_first(scores)
    ]


async def _documents(asker: Asker, body: RerankBody) -> Reranked:
    """Rank as infinity does."""
    asker.api = INFINITY
    documents = body.documents or []
    if not documents:
        raise Refused("empty", "documents is empty, expected some to rank", param="documents")
    asker.check_count(len(documents), "documents")
    scores = await scored(
        asker,
        body.query,
        documents,
        model=body.model,
        raw=body.raw_scores,
        truncate=policy(asker, body),
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
        model=asker.model_name,
        created=int(time.time()),
        usage=usage(asker),
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
        errors=TEI.error | INFINITY.error,
    ),
)
