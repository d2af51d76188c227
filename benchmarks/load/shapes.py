"""Requests of every API that the server speaks, good and bad, and what each is to be answered."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bertie.server.grpc import tei_pb2 as pb

# HTTP's status, or the name of gRPC's.
Status: TypeAlias = int | str
Texts: TypeAlias = list[str]

_SAID = (
    "when does the old library open on friday and may my little boy borrow films or books about"
    " bridges rivers trains and the sea if he has no card yet"
)


@dataclass(frozen=True)
class Shape:
    """A kind of request.

    Attributes:
        name: the API's and the route's.
        task: what its models are for; None: any.
        route: where it goes, behind /models/NAME/; of gRPC the method's path.
        body: makes one of some texts.
        long: how it is answered where a text is far too long; 200 and "OK": cut, or in windows.
        gives: of gRPC, the message that answers; None: it is HTTP.
    """

    name: str
    task: str | None
    route: str
    body: Callable[[Texts], Any]
    long: Status = 200
    gives: Any = None

    @property
    def fine(self) -> Status:
        """How a good request is answered."""
        return 200 if self.gives is None else "OK"


@dataclass(frozen=True)
class Wrong:
    """A request that no server should take.

    Attributes:
        task, route: as a shape's.
        content: the body as it is sent; of gRPC a message.
        status: how it is to be answered.
        gives: of gRPC, the message that would answer.
    """

    task: str | None
    route: str
    content: Any
    status: Status
    gives: Any = None


def some_text(words: int = 0) -> str:
    """Make a text of so many words, else of a number that people write."""
    return " ".join(random.choices(_SAID.split(), k=words or random.choice((3, 8, 12, 20, 60))))


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


SHAPES: Sequence[Shape] = (
    Shape("openai embeddings", "embed", "v1/embeddings", lambda t: {"input": t}),
    Shape(
        "openai base64",
        "embed",
        "v1/embeddings",
        lambda t: {"input": t, "encoding_format": "base64"},
    ),
    Shape("openai ids", "embed", "v1/embeddings", lambda t: {"input": _ids(t)}),
    Shape("infinity embeddings", "embed", "embeddings", lambda t: {"input": t, "model": "m"}),
    Shape("infinity classify", "classify", "classify", lambda t: {"input": t, "model": "m"}),
    Shape("infinity rerank", "rank", "rerank", lambda t: {"query": "when", "documents": t}),
    Shape("tei embed", "embed", "embed", lambda t: {"inputs": t, "truncate": True}),
    Shape(
        "tei embed uncut", "embed", "embed", lambda t: {"inputs": _short(t), "truncate": False}, 422
    ),
    Shape("tei embed_all", "embed", "embed_all", lambda t: {"inputs": t[:2], "truncate": True}),
    Shape("tei embed_sparse", "sparse", "embed_sparse", lambda t: {"inputs": t[:2]}),
    Shape(
        "tei similarity",
        "embed",
        "similarity",
        lambda t: {"inputs": {"source_sentence": t[0], "sentences": t}},
    ),
    Shape("tei tokenize", None, "tokenize", lambda t: {"inputs": t}),
    Shape("tei decode", None, "decode", lambda t: {"ids": [_ids(t)]}),
    Shape("tei predict", "classify", "predict", lambda t: {"inputs": [[one] for one in t]}),
    Shape("tei rerank", "rank", "rerank", lambda t: {"query": "when", "texts": t}),
    Shape("cohere rerank v1", "rank", "v1/rerank", lambda t: {"query": "when", "documents": t}),
    Shape("cohere rerank v2", "rank", "v2/rerank", lambda t: {"query": "when", "documents": t}),
    Shape("tensorflow embedding", "embed", "v1/models/{model}:predict", _tensors, 400),
    Shape("tensorflow classifier", "classify", "v1/models/{model}:predict", _tensors, 400),
    Shape("bertie embed", "embed", "v1/embed", lambda t: {"inputs": t}),
    Shape(
        "bertie embed windows", "embed", "v1/embed", lambda t: {"inputs": t, "truncate": "window"}
    ),
    Shape(
        "bertie embed uncut",
        "embed",
        "v1/embed",
        lambda t: {"inputs": _short(t), "truncate": "error"},
        422,
    ),
    Shape("bertie embed_tokens", "embed", "v1/embed_tokens", lambda t: {"inputs": t[:2]}),
    Shape("bertie embed_sparse", "sparse", "v1/embed_sparse", lambda t: {"inputs": t}),
    Shape("bertie embed_multi", "multivector", "v1/embed_multi", lambda t: {"inputs": t}),
    Shape("bertie classify", "classify", "v1/classify", lambda t: {"inputs": t}),
    Shape(
        "bertie zero_shot",
        "zero_shot",
        "v1/zero_shot",
        lambda t: {"inputs": t[:2], "labels": ["a", "b"]},
    ),
    Shape("bertie score", "rank", "v1/score", lambda t: {"inputs": [["when", one] for one in t]}),
    Shape("bertie rank", "rank", "v1/rank", lambda t: {"query": "when", "documents": t}),
    Shape(
        "bertie rank by tokens",
        "multivector",
        "v1/rank",
        lambda t: {"query": "when", "documents": t},
    ),
    Shape("bertie tag", "tag", "v1/tag", lambda t: {"inputs": t}),
    Shape(
        "bertie answer", "answer", "v1/answer", lambda t: {"inputs": [["when is it open", t[0]]]}
    ),
    Shape(
        "bertie fill",
        "fill",
        "v1/fill",
        lambda t: {"inputs": ["[MASK] " + t[0]], "top_k": 3},
    ),
    Shape(
        "bertie next_sentence",
        "next_sentence",
        "v1/next_sentence",
        lambda t: {"inputs": [[t[0], t[-1]]]},
    ),
    Shape("bertie tokenize", None, "v1/tokenize", lambda t: {"inputs": t}),
    Shape("bertie search", "search", "v1/search", lambda t: {"query": t[0], "k": 3}),
    Shape(
        "bertie search by words", "search", "v1/search", lambda t: {"query": t[0], "mode": "text"}
    ),
    Shape(
        "bertie search by both", "search", "v1/search", lambda t: {"query": t[0], "mode": "hybrid"}
    ),
    Shape(
        "grpc embed",
        "embed",
        "Embed/Embed",
        lambda t: pb.EmbedRequest(inputs=t[0], truncate=True),
        "OK",
        pb.EmbedResponse,
    ),
    Shape(
        "grpc embed uncut",
        "embed",
        "Embed/Embed",
        lambda t: pb.EmbedRequest(inputs=_short(t)[0], truncate=False),
        "INVALID_ARGUMENT",
        pb.EmbedResponse,
    ),
    Shape(
        "grpc embed_all",
        "embed",
        "Embed/EmbedAll",
        lambda t: pb.EmbedAllRequest(inputs=t[0], truncate=True),
        "OK",
        pb.EmbedAllResponse,
    ),
    Shape(
        "grpc embed_sparse",
        "sparse",
        "Embed/EmbedSparse",
        lambda t: pb.EmbedSparseRequest(inputs=t[0], truncate=True),
        "OK",
        pb.EmbedSparseResponse,
    ),
    Shape(
        "grpc predict",
        "classify",
        "Predict/Predict",
        lambda t: pb.PredictRequest(inputs=t[0], truncate=True),
        "OK",
        pb.PredictResponse,
    ),
    Shape(
        "grpc rerank",
        "rank",
        "Rerank/Rerank",
        lambda t: pb.RerankRequest(query="when", texts=t, truncate=True),
        "OK",
        pb.RerankResponse,
    ),
    Shape(
        "grpc tokenize",
        None,
        "Tokenize/Tokenize",
        lambda t: pb.EncodeRequest(inputs=t[0], add_special_tokens=True),
        "OK",
        pb.EncodeResponse,
    ),
    Shape(
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
WRONG: Sequence[Wrong] = (
    Wrong("embed", "v1/embeddings", b"{", 400),
    Wrong("embed", "v1/embeddings", _DEEP, 400),
    Wrong("embed", "v1/embeddings", b'{"input": "\xff"}', 400),
    Wrong("embed", "v1/embeddings", _json(input=7), 400),
    Wrong("embed", "v1/embeddings", _json(input=[_BEYOND]), 400),
    Wrong("embed", "v1/embeddings", _json(input=["a"] * 10_000), 400),
    Wrong("embed", "embed", b'{"inputs": ', 400),
    Wrong("embed", "embed", _json(inputs={"a": 1}), 422),
    Wrong("embed", "embed", _json(inputs=[]), 400),
    Wrong("embed", "embed", _json(inputs=["a"] * 33), 422),
    Wrong("tag", "embed", _json(inputs="a"), 424),
    Wrong("classify", "predict", _json(inputs=[["a", "b", "c"]]), 422),
    Wrong("rank", "rerank", _json(query="a", texts=[]), 400),
    Wrong(None, "tokenize", b'{"a": ' + _DEEP + b"}", 400),
    Wrong(None, "decode", _json(ids=[_BEYOND]), 422),
    Wrong("rank", "v1/rerank", _json(query="a", documents=[]), 400),
    Wrong("rank", "v2/rerank", _json(query="a", documents=[1]), 400),
    Wrong("rank", "v2/rerank", b'"', 400),
    Wrong("rank", "rerank", _json(query="a", documents=[]), 400),
    Wrong("classify", "classify", _json(input="a"), 422),
    Wrong("classify", "classify", b"\xff\xfe", 400),
    Wrong("embed", "v1/models/{model}:predict", _beyond(), 400),
    Wrong("embed", "v1/models/{model}:predict", _json(instances=[{}]), 400),
    Wrong("embed", "v1/models/{model}:predict", b"[", 400),
    Wrong("embed", "v1/embed", _json(inputs=["a"], truncate="x"), 422),
    Wrong("embed", "v1/embed", _json(texts=["a"]), 422),
    Wrong("tag", "v1/tag", b"nothing", 400),
    Wrong("tag", "v1/classify", _json(inputs=["a"]), 400),
    Wrong("answer", "v1/answer", _json(inputs=["a"]), 422),
    Wrong("search", "v1/search", _json(query="a", index="none"), 404),
    Wrong("search", "v1/search", _json(query="a", where={"none": 1}), 422),
    Wrong("search", "v1/search", b"{]", 400),
    Wrong(None, "nowhere", b"{}", 404),
    Wrong(
        "classify",
        "Predict/PredictPair",
        pb.PredictPairRequest(inputs=["a"]),
        "INVALID_ARGUMENT",
        pb.PredictResponse,
    ),
    Wrong(
        "rank",
        "Rerank/Rerank",
        pb.RerankRequest(query="a"),
        "INVALID_ARGUMENT",
        pb.RerankResponse,
    ),
    Wrong(
        "tag", "Embed/Embed", pb.EmbedRequest(inputs="a"), "FAILED_PRECONDITION", pb.EmbedResponse
    ),
    Wrong(
        None,
        "Tokenize/Decode",
        pb.DecodeRequest(ids=[_BEYOND]),
        "INVALID_ARGUMENT",
        pb.DecodeResponse,
    ),
    Wrong("embed", "Embed/Nothing", pb.InfoRequest(), "UNIMPLEMENTED", pb.EmbedResponse),
)
