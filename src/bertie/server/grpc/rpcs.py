"""The RPCs of tei.v1: a table of the messages of each, and what it does."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bertie.server.grpc import tei_pb2 as pb
from bertie.server.grpc.convert import embed_body, metadata, optional, tokens_body, truncation
from bertie.server.http.apis import health, rerank, tei, tei_tokens
from bertie.server.http.apis import tei_bodies as bodies
from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError


@dataclass(frozen=True)
class Rpc:
    """One RPC, or a pair of them: unary and streamed.

    Attributes:
        service, name: as the .proto has them.
        request_type, response_type: its messages.
        handle: answers one message.
        task: what its model is for, or None.
        streamed: the name of the one that takes and gives streams of the same, or None.
    """

    service: str
    name: str
    request_type: Any
    response_type: Any
    handle: Callable[[Context, Any], Awaitable[Any]]
    task: str | None = None
    streamed: str | None = None


async def _info(context: Context, _: Any) -> Any:
    found = await health.info(context)
    kind = next(iter(found.model_type))
    return pb.InfoResponse(
        version=found.version,
        model_id=found.model_id,
        model_dtype=found.model_dtype,
        model_type=_KINDS.get(kind, pb.MODEL_TYPE_CLASSIFIER),
        max_concurrent_requests=found.max_concurrent_requests,
        max_input_length=found.max_input_length,
        max_batch_tokens=found.max_batch_tokens,
        max_client_batch_size=found.max_client_batch_size,
        tokenization_workers=found.tokenization_workers,
    )


_KINDS: Mapping[str, Any] = {
    "embedding": pb.MODEL_TYPE_EMBEDDING,
    "classifier": pb.MODEL_TYPE_CLASSIFIER,
    "reranker": pb.MODEL_TYPE_RERANKER,
}


async def _embed(context: Context, message: Any) -> Any:
    started = time.perf_counter()
    (vector,) = await tei.embed(context, embed_body(message))
    return pb.EmbedResponse(embeddings=vector, metadata=metadata(context, started))


async def _embed_sparse(context: Context, message: Any) -> Any:
    started = time.perf_counter()
    (values,) = await tei.embed_sparse(context, tokens_body(message))
    return pb.EmbedSparseResponse(
        sparse_embeddings=[pb.SparseValue(index=one.index, value=one.value) for one in values],
        metadata=metadata(context, started),
    )


async def _embed_all(context: Context, message: Any) -> Any:
    started = time.perf_counter()
    (vectors,) = await tei.embed_all(context, tokens_body(message))
    return pb.EmbedAllResponse(
        token_embeddings=[pb.TokenEmbedding(embeddings=vector) for vector in vectors],
        metadata=metadata(context, started),
    )


async def _predict(context: Context, message: Any) -> Any:
    return await _predict_input(context, message, message.inputs)


async def _predict_pair(context: Context, message: Any) -> Any:
    if len(message.inputs) != 2:
        raise RequestError("invalid", f"inputs has {len(message.inputs)} texts, expected a pair")
    return await _predict_input(context, message, tuple(message.inputs))


async def _predict_input(context: Context, message: Any, given: Any) -> Any:
    """Classify a text or a pair."""
    started = time.perf_counter()
    body = bodies.PredictBody(inputs="", raw_scores=message.raw_scores, **truncation(message))
    (labels,) = await tei.predictions(context, [given], body)
    return pb.PredictResponse(
        predictions=[pb.Prediction(score=one.score, label=one.label) for one in labels],
        metadata=metadata(context, started),
    )


async def _rerank(context: Context, message: Any) -> Any:
    return await _rerank_texts(context, message, list(message.texts))


async def _rerank_texts(context: Context, message: Any, texts: list[str]) -> Any:
    """Rank texts as a message says, which may be the first of a stream."""
    started = time.perf_counter()
    body = rerank.RerankBody(
        query=message.query,
        texts=texts,
        raw_scores=message.raw_scores,
        return_text=message.return_text,
        **truncation(message),
    )
    ranks = [
        pb.Rank(index=one.index, score=one.score, **_text(one, message.return_text))
        for one in await rerank.rank_texts(context, body)
    ]
    return pb.RerankResponse(ranks=ranks, metadata=metadata(context, started))


def _text(rank: bodies.Rank, wanted: bool) -> dict[str, Any]:
    """Give a text back where the message asks for it."""
    return {"text": rank.text} if wanted else {}


async def rerank_stream(context: Context, messages: AsyncIterator[Any]) -> Any:
    """Rank the texts of a stream; the flags and the query of its first message count."""
    received = []
    async for message in messages:
        received.append(message)
        context.check_count(len(received), "texts")
    if not received:
        raise RequestError("empty", "the stream is empty, expected some texts to rank")
    return await _rerank_texts(context, received[0], [message.text for message in received])


async def _tokenize(context: Context, message: Any) -> Any:
    body = bodies.TokenizeBody(
        inputs=message.inputs,
        add_special_tokens=message.add_special_tokens,
        prompt_name=optional(message, "prompt_name"),
    )
    (tokens,) = await tei_tokens.tokenize(context, body)
    return pb.EncodeResponse(
        tokens=[
            pb.SimpleToken(
                id=one.id, text=one.text, special=one.special, start=one.start, stop=one.stop
            )
            for one in tokens
        ]
    )


async def _decode(context: Context, message: Any) -> Any:
    body = bodies.DecodeBody(
        ids=[list(message.ids)], skip_special_tokens=message.skip_special_tokens
    )
    (text,) = await tei_tokens.decode(context, body)
    return pb.DecodeResponse(text=text)


RPCS: tuple[Rpc, ...] = (
    Rpc("Info", "Info", pb.InfoRequest, pb.InfoResponse, _info),
    Rpc("Embed", "Embed", pb.EmbedRequest, pb.EmbedResponse, _embed, "embed", "EmbedStream"),
    Rpc(
        "Embed",
        "EmbedSparse",
        pb.EmbedSparseRequest,
        pb.EmbedSparseResponse,
        _embed_sparse,
        "sparse",
        "EmbedSparseStream",
    ),
    Rpc(
        "Embed",
        "EmbedAll",
        pb.EmbedAllRequest,
        pb.EmbedAllResponse,
        _embed_all,
        "embed",
        "EmbedAllStream",
    ),
    Rpc(
        "Predict",
        "Predict",
        pb.PredictRequest,
        pb.PredictResponse,
        _predict,
        "classify",
        "PredictStream",
    ),
    Rpc(
        "Predict",
        "PredictPair",
        pb.PredictPairRequest,
        pb.PredictResponse,
        _predict_pair,
        "classify",
        "PredictPairStream",
    ),
    Rpc("Rerank", "Rerank", pb.RerankRequest, pb.RerankResponse, _rerank, "rank"),
    Rpc(
        "Tokenize",
        "Tokenize",
        pb.EncodeRequest,
        pb.EncodeResponse,
        _tokenize,
        streamed="TokenizeStream",
    ),
    Rpc(
        "Tokenize", "Decode", pb.DecodeRequest, pb.DecodeResponse, _decode, streamed="DecodeStream"
    ),
)
