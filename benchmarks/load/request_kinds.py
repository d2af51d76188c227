"""Kinds of request of every API that the server speaks, good and bad, and the status of each."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bertie.server.grpc import tei_pb2 as pb

# HTTP's status, or the name of gRPC's.
Status: TypeAlias = int | str
Texts: TypeAlias = list[str]

_WORDS = (
    "when does the old library open on friday and may my little boy borrow films or books about"
    " bridges rivers trains and the sea if he has no card yet"
)


@dataclass(frozen=True)
class RequestKind:
    """A kind of request.

    Attributes:
        name: the API's and the route's.
        task: what its models are for; None: any.
        route: where it goes, behind /models/NAME/; of gRPC the method's path.
        body: makes one of some texts.
        long_status: of the response where a text is far too long; 200 and "OK": cut, or in windows.
        response_type: of gRPC, the message that answers; None: it is HTTP.
    """

    name: str
    task: str | None
    route: str
    body: Callable[[Texts], Any]
    long_status: Status = 200
    response_type: Any = None

    @property
    def ok_status(self) -> Status:
        """How a good request is answered."""
        return 200 if self.response_type is None else "OK"


@dataclass(frozen=True)
class BadRequest:
    """A request that no server should take.

    Attributes:
        task, route: as a RequestKind's.
        content: the body as it is sent; of gRPC a message.
        status: how it is to be answered.
        response_type: of gRPC, the message that would answer.
    """

    task: str | None
    route: str
    content: Any
    status: Status
    response_type: Any = None


def some_text(words: int = 0) -> str:
    """Make a text of so many words, else of a number that people write."""
    return " ".join(random.choices(_WORDS.split(), k=words or random.choice((3, 8, 12, 20, 60))))


def some_texts(most: int = 8) -> Texts:
    """Make some texts."""
    return [some_text() for _ in range(random.randint(1, most))]


def _ids(texts: Texts) -> list[int]:
    """Give ids that every vocabulary has, as many as a text has words."""
    return [5 + len(word) for word in texts[0].split()]


def _short(texts: Texts) -> Texts:
    """Cut texts so that every model reads them whole; those that are meant to be too long stay."""
    return [text if len(text) > 2000 else text[:24] for text in texts]


def _tensors(texts: Texts) -> dict[str, Any]:
    """Give what TensorFlow Serving's clients send."""
    ids = _ids(texts)
    row = {"input_ids": ids, "input_mask": [1] * len(ids), "input_type_ids": [0] * len(ids)}
    return {"instances": [row]}


REQUEST_KINDS: Sequence[RequestKind] = (
    RequestKind("openai embeddings", "embed", "v1/embeddings", lambda t: {"input": t}),
    RequestKind(
        "openai base64",
        "embed",
        "v1/embeddings",
        lambda t: {"input": t, "encoding_format": "base64"},
    ),
    RequestKind("openai ids", "embed", "v1/embeddings", lambda t: {"input": _ids(t)}),
    RequestKind("infinity embeddings", "embed", "embeddings", lambda t: {"input": t, "model": "m"}),
    RequestKind("infinity classify", "classify", "classify", lambda t: {"input": t, "model": "m"}),
    RequestKind("infinity rerank", "rank", "rerank", lambda t: {"query": "when", "documents": t}),
    RequestKind("tei embed", "embed", "embed", lambda t: {"inputs": t, "truncate": True}),
    RequestKind(
        "tei embed uncut", "embed", "embed", lambda t: {"inputs": _short(t), "truncate": False}, 422
    ),
    RequestKind(
        "tei embed_all", "embed", "embed_all", lambda t: {"inputs": t[:2], "truncate": True}
    ),
    RequestKind("tei embed_sparse", "sparse", "embed_sparse", lambda t: {"inputs": t[:2]}),
    RequestKind(
        "tei similarity",
        "embed",
        "similarity",
        lambda t: {"inputs": {"source_sentence": t[0], "sentences": t}},
    ),
    RequestKind("tei tokenize", None, "tokenize", lambda t: {"inputs": t}),
    RequestKind("tei decode", None, "decode", lambda t: {"ids": [_ids(t)]}),
    RequestKind("tei predict", "classify", "predict", lambda t: {"inputs": [[one] for one in t]}),
    RequestKind("tei rerank", "rank", "rerank", lambda t: {"query": "when", "texts": t}),
    RequestKind(
        "cohere rerank v1", "rank", "v1/rerank", lambda t: {"query": "when", "documents": t}
    ),
    RequestKind(
        "cohere rerank v2", "rank", "v2/rerank", lambda t: {"query": "when", "documents": t}
    ),
    RequestKind("tensorflow embedding", "embed", "v1/models/{model}:predict", _tensors, 400),
    RequestKind("tensorflow classifier", "classify", "v1/models/{model}:predict", _tensors, 400),
    RequestKind("bertie embed", "embed", "v1/embed", lambda t: {"inputs": t}),
    RequestKind(
        "bertie embed windows", "embed", "v1/embed", lambda t: {"inputs": t, "truncate": "window"}
    ),
    RequestKind(
        "bertie embed uncut",
        "embed",
        "v1/embed",
        lambda t: {"inputs": _short(t), "truncate": "error"},
        422,
    ),
    RequestKind("bertie embed_tokens", "embed", "v1/embed_tokens", lambda t: {"inputs": t[:2]}),
    RequestKind("bertie embed_sparse", "sparse", "v1/embed_sparse", lambda t: {"inputs": t}),
    RequestKind("bertie embed_multi", "multivector", "v1/embed_multi", lambda t: {"inputs": t}),
    RequestKind("bertie classify", "classify", "v1/classify", lambda t: {"inputs": t}),
    RequestKind(
        "bertie zero_shot",
        "zero_shot",
        "v1/zero_shot",
        lambda t: {"inputs": t[:2], "labels": ["a", "b"]},
    ),
    RequestKind(
        "bertie score", "rank", "v1/score", lambda t: {"inputs": [["when", one] for one in t]}
    ),
    RequestKind("bertie rank", "rank", "v1/rank", lambda t: {"query": "when", "documents": t}),
    RequestKind(
        "bertie rank by tokens",
        "multivector",
        "v1/rank",
        lambda t: {"query": "when", "documents": t},
    ),
    RequestKind("bertie tag", "tag", "v1/tag", lambda t: {"inputs": t}),
    RequestKind(
        "bertie answer", "answer", "v1/answer", lambda t: {"inputs": [["when is it open", t[0]]]}
    ),
    RequestKind(
        "bertie fill",
        "fill",
        "v1/fill",
        lambda t: {"inputs": ["[MASK] " + t[0]], "top_k": 3},
    ),
    RequestKind(
        "bertie next_sentence",
        "next_sentence",
        "v1/next_sentence",
        lambda t: {"inputs": [[t[0], t[-1]]]},
    ),
    RequestKind("bertie tokenize", None, "v1/tokenize", lambda t: {"inputs": t}),
    RequestKind("bertie search", "search", "v1/search", lambda t: {"query": t[0], "k": 3}),
    RequestKind(
        "bertie search by words", "search", "v1/search", lambda t: {"query": t[0], "mode": "text"}
    ),
    RequestKind(
        "bertie search by both", "search", "v1/search", lambda t: {"query": t[0], "mode": "hybrid"}
    ),
    RequestKind(
        "grpc embed",
        "embed",
        "Embed/Embed",
        lambda t: pb.EmbedRequest(inputs=t[0], truncate=True),
        "OK",
        pb.EmbedResponse,
    ),
    RequestKind(
        "grpc embed uncut",
        "embed",
        "Embed/Embed",
        lambda t: pb.EmbedRequest(inputs=_short(t)[0], truncate=False),
        "INVALID_ARGUMENT",
        pb.EmbedResponse,
    ),
    RequestKind(
        "grpc embed_all",
        "embed",
        "Embed/EmbedAll",
        lambda t: pb.EmbedAllRequest(inputs=t[0], truncate=True),
        "OK",
        pb.EmbedAllResponse,
    ),
    RequestKind(
        "grpc embed_sparse",
        "sparse",
        "Embed/EmbedSparse",
        lambda t: pb.EmbedSparseRequest(inputs=t[0], truncate=True),
        "OK",
        pb.EmbedSparseResponse,
    ),
    RequestKind(
        "grpc predict",
        "classify",
        "Predict/Predict",
        lambda t: pb.PredictRequest(inputs=t[0], truncate=True),
        "OK",
        pb.PredictResponse,
    ),
    RequestKind(
        "grpc rerank",
        "rank",
        "Rerank/Rerank",
        lambda t: pb.RerankRequest(query="when", texts=t, truncate=True),
        "OK",
        pb.RerankResponse,
    ),
    RequestKind(
        "grpc tokenize",
        None,
        "Tokenize/Tokenize",
        lambda t: pb.EncodeRequest(inputs=t[0], add_special_tokens=True),
        "OK",
        pb.EncodeResponse,
    ),
    RequestKind(
        "grpc decode",
        None,
        "Tokenize/Decode",
        lambda t: pb.DecodeRequest(ids=_ids(t)),
        "OK",
        pb.DecodeResponse,
    ),
)

_DEEP = b"[" * 5000 + b"]" * 5000
_BEYOND = 2**31 - 1  # no vocabulary has that id


def _json(**body: Any) -> bytes:
    return json.dumps(body).encode()


def _beyond() -> bytes:
    row = {"input_ids": [_BEYOND], "input_mask": [1], "input_type_ids": [0]}
    return _json(instances=[row])


# Of every API: what is no JSON, what has a wrong type or value, and what isn't there.
BAD_REQUESTS: Sequence[BadRequest] = (
    BadRequest("embed", "v1/embeddings", b"{", 400),
    BadRequest("embed", "v1/embeddings", _DEEP, 400),
    BadRequest("embed", "v1/embeddings", b'{"input": "\xff"}', 400),
    BadRequest("embed", "v1/embeddings", _json(input=7), 400),
    BadRequest("embed", "v1/embeddings", _json(input=[_BEYOND]), 400),
    BadRequest("embed", "v1/embeddings", _json(input=["a"] * 10_000), 400),
    BadRequest("embed", "embed", b'{"inputs": ', 400),
    BadRequest("embed", "embed", _json(inputs={"a": 1}), 422),
    BadRequest("embed", "embed", _json(inputs=[]), 400),
    BadRequest("embed", "embed", _json(inputs=["a"] * 33), 422),
    BadRequest("tag", "embed", _json(inputs="a"), 424),
    BadRequest("classify", "predict", _json(inputs=[["a", "b", "c"]]), 422),
    BadRequest("rank", "rerank", _json(query="a", texts=[]), 400),
    BadRequest(None, "tokenize", b'{"a": ' + _DEEP + b"}", 400),
    BadRequest(None, "decode", _json(ids=[_BEYOND]), 422),
    BadRequest("rank", "v1/rerank", _json(query="a", documents=[]), 400),
    BadRequest("rank", "v2/rerank", _json(query="a", documents=[1]), 400),
    BadRequest("rank", "v2/rerank", b'"', 400),
    BadRequest("rank", "rerank", _json(query="a", documents=[]), 400),
    BadRequest("classify", "classify", _json(input="a"), 422),
    BadRequest("classify", "classify", b"\xff\xfe", 400),
    BadRequest("embed", "v1/models/{model}:predict", _beyond(), 400),
    BadRequest("embed", "v1/models/{model}:predict", _json(instances=[{}]), 400),
    BadRequest("embed", "v1/models/{model}:predict", b"[", 400),
    BadRequest("embed", "v1/embed", _json(inputs=["a"], truncate="x"), 422),
    BadRequest("embed", "v1/embed", _json(texts=["a"]), 422),
    BadRequest("tag", "v1/tag", b"nothing", 400),
    BadRequest("tag", "v1/classify", _json(inputs=["a"]), 400),
    BadRequest("answer", "v1/answer", _json(inputs=["a"]), 422),
    BadRequest("search", "v1/search", _json(query="a", index="none"), 404),
    BadRequest("search", "v1/search", _json(query="a", where={"none": 1}), 422),
    BadRequest("search", "v1/search", b"{]", 400),
    BadRequest(None, "nowhere", b"{}", 404),
    BadRequest(
        "classify",
        "Predict/PredictPair",
        pb.PredictPairRequest(inputs=["a"]),
        "INVALID_ARGUMENT",
        pb.PredictResponse,
    ),
    BadRequest(
        "rank",
        "Rerank/Rerank",
        pb.RerankRequest(query="a"),
        "INVALID_ARGUMENT",
        pb.RerankResponse,
    ),
    BadRequest(
        "tag", "Embed/Embed", pb.EmbedRequest(inputs="a"), "FAILED_PRECONDITION", pb.EmbedResponse
    ),
    BadRequest(
        None,
        "Tokenize/Decode",
        pb.DecodeRequest(ids=[_BEYOND]),
        "INVALID_ARGUMENT",
        pb.DecodeResponse,
    ),
    BadRequest("embed", "Embed/Nothing", pb.InfoRequest(), "UNIMPLEMENTED", pb.EmbedResponse),
)
