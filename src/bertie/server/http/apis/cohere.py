"""Cohere's reranking, both versions."""

import uuid
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from bertie.server.http.api import COHERE
from bertie.server.http.apis.inputs import AT_LEAST_ONE, Texts, first_tokens
from bertie.server.http.apis.scores import best_first, score_documents
from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError
from bertie.server.http.route import Route
from bertie.server.http.serialization import RequestBody, ResponseBody


class DocumentText(ResponseBody, frozen=True, kw_only=True):
    """A document's text."""

    text: str


class RerankBody(RequestBody, frozen=True, kw_only=True):
    """A query and the documents to rank."""

    query: str
    model: str | None = None
    top_n: Annotated[int, Meta(ge=1)] | None = None
    max_tokens_per_doc: Annotated[int, Meta(ge=1)] | None = None


class RerankV2Body(RerankBody, frozen=True, kw_only=True):
    """The second version's: documents are texts."""

    documents: Texts


class RerankV1Body(RerankBody, frozen=True, kw_only=True):
    """The first version's: documents are texts or records with a text."""

    documents: Annotated[list[str | DocumentText], AT_LEAST_ONE]
    return_documents: bool = False


class Result(ResponseBody, frozen=True, kw_only=True):
    """A document's place among those given."""

    index: int
    relevance_score: float
    document: DocumentText | UnsetType = UNSET


class ApiVersion(ResponseBody, frozen=True, kw_only=True):
    """Which of Cohere's versions was spoken."""

    version: str


class BilledUnits(ResponseBody, frozen=True, kw_only=True):
    """What Cohere would count: searches, and the tokens that were read."""

    search_units: int
    input_tokens: int


class ResponseMeta(ResponseBody, frozen=True, kw_only=True):
    """What else there is to say."""

    api_version: ApiVersion
    billed_units: BilledUnits
    warnings: list[str] | UnsetType = UNSET


class Reranked(ResponseBody, frozen=True, kw_only=True):
    """Documents, best first."""

    id: str
    results: list[Result]
    meta: ResponseMeta


async def rerank_v1(context: Context, body: RerankV1Body) -> Reranked:
    """Rank documents for a query, as Cohere's first version does."""
    texts = [one if isinstance(one, str) else one.text for one in body.documents]
    return await _reranked(context, body, texts, "1", body.return_documents)


async def rerank_v2(context: Context, body: RerankV2Body) -> Reranked:
    """Rank documents for a query, as Cohere's second version does."""
    return await _reranked(context, body, body.documents, "2", False)


async def _reranked(
    context: Context, body: RerankBody, texts: list[str], version: str, with_texts: bool
) -> Reranked:
    """Rank documents."""
    if not texts:
        raise RequestError("empty", "documents is empty, expected some to rank", param="documents")
    context.check_count(len(texts), "documents")
    shortened, cut = await _shortened(context, body, texts)
    scores = await score_documents(
        context, body.query, shortened, model=body.model, truncate="right"
    )
    cut += sum(1 for one in context.responses for tokens in one.truncated if tokens)
    said = [f"{cut} of {len(texts)} documents were cut to what is read of one"]
    return Reranked(
        id=str(uuid.uuid4()),
        results=[
            Result(
                index=i,
                relevance_score=float(scores[i]),
                document=DocumentText(text=texts[i]) if with_texts else UNSET,
            )
            for i in best_first(scores, body.top_n)
        ],
        meta=ResponseMeta(
            api_version=ApiVersion(version=version),
            billed_units=BilledUnits(search_units=1, input_tokens=context.tokens),
            warnings=said if cut else UNSET,
        ),
    )


async def _shortened(context: Context, body: RerankBody, texts: list[str]) -> tuple[list[str], int]:
    """Cut documents to max_tokens_per_doc.

    Returns: the documents, and how many of them were cut.
    """
    most = body.max_tokens_per_doc
    if most is None:
        return texts, 0
    tokenizer = await context.tokenizer("rank", body.model)
    kept = [first_tokens(tokenizer, text, most) for text in texts]
    return kept, sum(1 for old, new in zip(texts, kept, strict=True) if old != new)


def _route(path: str, handle: Any, request_type: Any) -> Route:
    """Make one of the routes."""
    return Route("POST", path, handle, COHERE, request_type, Reranked, task="rank")


ROUTES = (
    _route("/v1/rerank", rerank_v1, RerankV1Body),
    _route("/v2/rerank", rerank_v2, RerankV2Body),
)
