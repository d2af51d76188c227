"""The methods of tei.v1: a table of what each takes, gives and does."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bertie.server.grpc import tei_pb2 as pb
from bertie.server.grpc.convert import cutting, embed_body, metadata, optional, tokens_body
from bertie.server.http.apis import health, rerank, tei, tei_tokens
from bertie.server.http.apis import tei_bodies as bodies
from bertie.server.http.asker import Asker
from bertie.server.http.faults import Refused


@dataclass(frozen=True)
class Method:
    """One method, or a pair of them: alone and streamed.

    Attributes:
        service, name: as the .proto has them.
        takes, gives: its messages.
        handle: answers one message.
        task: what its model is for, or None.
        streamed: the name of the method that takes and gives streams of the same, or None.
    """

    service: str
    name: str
    takes: Any
    gives: Any
    handle: Callable[[Asker, Any], Awaitable[Any]]
    task: str | None = None
    streamed: str | None = None


async def _info(asker: Asker, _: Any) -> Any:
    found = await health.info(asker)
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


async def _embed(asker: Asker, message: Any) -> Any:
    started = time.perf_counter()
    (vector,) = await tei.embed(asker, embed_body(message))
    return pb.EmbedResponse(embeddings=vector, metadata=metadata(asker, started))


async def _embed_sparse(asker: Asker, message: Any) -> Any:
    started = time.perf_counter()
    (values,) = await tei.embed_sparse(asker, tokens_body(message))
    return pb.EmbedSparseResponse(
        sparse_embeddings=[pb.SparseValue(index=one.index, value=one.value) for one in values],
        metadata=metadata(asker, started),
    )


async def _embed_all(asker: Asker, message: Any) -> Any:
    started = time.perf_counter()
    (vectors,) = await tei.embed_all(asker, tokens_body(message))
    return pb.EmbedAllResponse(
        token_embeddings=[pb.TokenEmbedding(embeddings=vector) for vector in vectors],
        metadata=metadata(asker, started),
    )


async def _predict(asker: Asker, message: Any) -> Any:
    return await _predicted(asker, message, message.inputs)


async def _predict_pair(asker: Asker, message: Any) -> Any:
    if len(message.inputs) != 2:
        raise Refused("invalid", f"inputs has {len(message.inputs)} texts, expected a pair")
    return await _predicted(asker, message, tuple(message.inputs))


async def _predicted(asker: Asker, message: Any, given: Any) -> Any:
    """Classify a text or a pair."""
    started = time.perf_counter()
    body = bodies.PredictBody(inputs="", raw_scores=message.raw_scores, **cutting(message))
    (labels,) = await tei.predictions(asker, [given], body)
    return pb.PredictResponse(
        predictions=[pb.Prediction(score=one.score, label=one.label) for one in labels],
        metadata=metadata(asker, started),
    )


async def _rerank(asker: Asker, message: Any) -> Any:
    return await reranked(asker, message, list(message.texts))


async def reranked(asker: Asker, message: Any, texts: list[str]) -> Any:
    """Rank texts as a message says, which may be the first of a stream."""
    started = time.perf_counter()
    body = rerank.RerankBody(
        query=message.query,
        texts=texts,
        raw_scores=message.raw_scores,
        return_text=message.return_text,
        **cutting(message),
    )
    ranks = [
        pb.Rank(index=one.index, score=one.score, **_text(one, message.return_text))
        for one in await rerank.rank_texts(asker, body)
    ]
    return pb.RerankResponse(ranks=ranks, metadata=metadata(asker, started))


def _text(rank: bodies.Rank, wanted: bool) -> dict[str, Any]:
    """Give a text back where the message asks for it."""
    return {"text": rank.text} if wanted else {}


async def rerank_stream(asker: Asker, messages: AsyncIterator[Any]) -> Any:
    """Rank the texts of a stream; the flags and the query of its first message count."""
    received = []
    async for message in messages:
        received.append(message)
        asker.check_count(len(received), "texts")
    if not received:
        raise Refused("empty", "the stream is empty, expected some texts to rank")
    return await reranked(asker, received[0], [message.text for message in received])


async def _tokenize(asker: Asker, message: Any) -> Any:
    body = bodies.TokenizeBody(
        inputs=message.inputs,
        add_special_tokens=message.add_special_tokens,
        prompt_name=optional(message, "prompt_name"),
    )
    (tokens,) = await tei_tokens.tokenize(asker, body)
    return pb.EncodeResponse(
        tokens=[
            pb.SimpleToken(
                id=one.id, text=one.text, special=one.special, start=one.start, stop=one.stop
            )
            for one in tokens
        ]
    )


async def _decode(asker: Asker, message: Any) -> Any:
    body = bodies.DecodeBody(
        ids=[list(message.ids)], skip_special_tokens=message.skip_special_tokens
    )
    (text,) = await tei_tokens.decode(asker, body)
    return pb.DecodeResponse(text=text)


METHODS: tuple[Method, ...] = (
    Method("Info", "Info", pb.InfoRequest, pb.InfoResponse, _info),
    Method("Embed", "Embed", pb.EmbedRequest, pb.EmbedResponse, _embed, "embed", "EmbedStream"),
    Method(
        "Embed",
        "EmbedSparse",
        pb.EmbedSparseRequest,
        pb.EmbedSparseResponse,
        _embed_sparse,
        "sparse",
        "EmbedSparseStream",
    ),
    Method(
        "Embed",
        "EmbedAll",
        pb.EmbedAllRequest,
        pb.EmbedAllResponse,
        _embed_all,
        "embed",
        "EmbedAllStream",
    ),
    Method(
        "Predict",
        "Predict",
        pb.PredictRequest,
        pb.PredictResponse,
        _predict,
        "classify",
        "PredictStream",
    ),
    Method(
        "Predict",
        "PredictPair",
        pb.PredictPairRequest,
        pb.PredictResponse,
        _predict_pair,
        "classify",
        "PredictPairStream",
    ),
    Method("Rerank", "Rerank", pb.RerankRequest, pb.RerankResponse, _rerank, "rank"),
    Method(
        "Tokenize",
        "Tokenize",
        pb.EncodeRequest,
        pb.EncodeResponse,
        _tokenize,
        streamed="TokenizeStream",
    ),
    Method(
        "Tokenize", "Decode", pb.DecodeRequest, pb.DecodeResponse, _decode, streamed="DecodeStream"
    ),
)
