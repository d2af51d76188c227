"""Our own APIs: a route for each of the library's methods, answering what the method does."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import numpy as np

from bertie.server.http.api import BERTIE
from bertie.server.http.apis import own_bodies as bodies
from bertie.server.http.apis.limits import answer_length, check_fillings, check_label_pairs
from bertie.server.http.apis.scores import best_first
from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError
from bertie.server.http.route import Route
from bertie.server.http.serialization import Matrix, Numbers, ResponseBody, format_vector
from bertie.tasks.answer import Answer as Found
from bertie.tasks.classify import Label
from bertie.tasks.embed import TokenVectors
from bertie.tasks.fill import Filling
from bertie.tasks.multivector import maxsim
from bertie.tasks.rank import Ranked
from bertie.tasks.sparse import SparseVector
from bertie.tasks.tag import Span
from bertie.tokenize import Encoding

T = TypeVar("T")


class Work(ResponseBody, frozen=True, kw_only=True):
    """Tokens of each input: those that were read, special ones included, and those left out."""

    tokens: list[int]
    truncated: list[int]


class Answers(ResponseBody, Generic[T], frozen=True, kw_only=True):
    """An answer for each input; answers of different fingerprints don't mix."""

    answers: list[T]
    model: str
    fingerprint: str
    work: Work


def _answers(context: Context, answers: list[Any]) -> Answers[Any]:
    """Put answers with what is to be said of them."""
    responses = context.responses
    return Answers(
        answers=answers,
        model=context.model_name,
        fingerprint=responses[-1].fingerprint,
        work=Work(
            tokens=[tokens for one in responses for tokens in one.tokens],
            truncated=[tokens for one in responses for tokens in one.truncated],
        ),
    )


def _inputs(context: Context, body: Any) -> list[Any]:
    """Make a list of inputs as the library takes them: a text, its words, or a tuple of two."""
    several = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    context.check_count(len(several), "inputs")
    worded = getattr(body, "split_words", False)
    return [tuple(one) if _is_pair(one, worded) else one for one in several]


def _is_pair(given: Any, worded: bool | None) -> bool:
    """Tell a pair from a text: where texts are words, its texts are lists as well."""
    if worded:
        return bool(given) and isinstance(given[0], list)
    return isinstance(given, list)


# What a body says beside the library's own options.
_NOT_OPTIONS = ("inputs", "model", "encoding_format")


def _options(body: bodies.OwnBody) -> dict[str, Any]:
    """Take the library's options out of a body."""
    return {
        name: getattr(body, name) for name in body.__struct_fields__ if name not in _NOT_OPTIONS
    }


def _handler(method: str, says: str) -> Callable[[Context, Any], Awaitable[Any]]:
    """Make the handler of a route that calls one of the library's methods."""

    async def handle(context: Context, body: Any) -> Answers[Any]:
        inputs = _inputs(context, body)
        response = await context.infer(method, inputs, model=body.model, **_options(body))
        return _answers(context, list(response.answers))

    handle.__doc__ = says
    handle.__name__ = method
    return handle


async def embed(context: Context, body: bodies.EmbedBody) -> Answers[Any]:
    """Embed texts, with all of the library's options."""
    inputs = _inputs(context, body)
    response = await context.infer("embed", inputs, model=body.model, **_options(body))
    vectors = [format_vector(vector, body.encoding_format) for vector in response.answers]
    return _answers(context, vectors)


async def answer(context: Context, body: bodies.AnswerBody) -> Answers[Any]:
    """Answer questions, each from a text: a list of answers for each question, best first."""
    inputs = _inputs(context, body)
    options = _options(body)
    options["max_answer_length"] = await answer_length(context, body.max_answer_length, body.model)
    response = await context.infer("answer", inputs, model=body.model, **options)
    # The method gives one answer instead of a list of one where top_k is 1.
    return _answers(context, [one if isinstance(one, list) else [one] for one in response.answers])


async def zero_shot(context: Context, body: bodies.ZeroShotBody) -> Answers[Any]:
    """Say which of the labels given fit texts, best first."""
    inputs = _inputs(context, body)
    check_label_pairs(context, len(inputs), len(body.labels))
    response = await context.infer("zero_shot", inputs, model=body.model, **_options(body))
    return _answers(context, list(response.answers))


async def fill(context: Context, body: bodies.FillBody) -> Answers[Any]:
    """Say what may stand for the masks of texts, best first."""
    inputs = _inputs(context, body)
    tokenizer = await context.tokenizer("fill", body.model)
    if mask := context.model_setting("mask_token"):
        top_k = None if body.top_k is None else min(body.top_k, tokenizer.vocab_size)
        check_fillings(context, sum(text.count(mask) for text in inputs), top_k)
    response = await context.infer("fill", inputs, model=body.model, **_options(body))
    return _answers(context, list(response.answers))


async def rank(context: Context, body: bodies.RankBody) -> Answers[Any]:
    """Rank documents by how well they answer a query, best first."""
    context.check_count(len(body.documents), "documents")
    named = context.model or body.model
    several = context.find_any(body.model).task == "multivector" if named else False
    scores = await (_multivector_scores(context, body) if several else _pair_scores(context, body))
    order = best_first(scores, body.top_k)
    return _answers(context, [Ranked(i, float(scores[i])) for i in order])


async def _pair_scores(context: Context, body: bodies.RankBody) -> Any:
    """Score documents with a cross-encoder."""
    response = await context.infer(
        "score",
        [(body.query, document) for document in body.documents],
        model=body.model,
        label=body.label,
        raw=body.raw,
        truncate=body.truncate,
        split_words=body.split_words,
    )
    return np.array(response.answers, np.float64)


async def _multivector_scores(context: Context, body: bodies.RankBody) -> Any:
    """Score documents by their tokens' vectors, as the library's rank_multi does."""
    if body.split_words:
        raise RequestError(
            "invalid",
            "split_words is for cross-encoders; this model's queries and documents are texts",
            param="split_words",
        )
    (query,) = (
        await context.infer(
            "embed_multi", [body.query], model=body.model, kind="query", truncate=body.truncate
        )
    ).answers
    documents = await context.infer(
        "embed_multi", body.documents, model=body.model, truncate=body.truncate
    )
    return np.array([maxsim(query, document) for document in documents.answers])


async def tokenize(context: Context, body: bodies.TokenizeBody) -> Answers[Any]:
    """Tokenize texts or pairs of texts, with every token's place in characters."""
    inputs = _inputs(context, body)
    tokenizer = await context.tokenizer(model=body.model)
    found = []
    for one in inputs:
        text, pair = one if isinstance(one, tuple) and len(one) == 2 else (one, None)
        encoding = tokenizer.encode(
            text,
            pair,
            split_words=body.split_words,
            add_special_tokens=body.add_special_tokens,
            max_length=body.max_length,
            truncate=body.truncate,
        )
        found.append(encoding)
    assert context.entry is not None
    return Answers(
        answers=found,
        model=context.model_name,
        fingerprint=context.entry.fingerprint or "",
        work=Work(
            tokens=[len(one.ids) for one in found], truncated=[one.truncated for one in found]
        ),
    )


def _route(path: str, handle: Any, request_type: Any, answer_type: Any, task: str | None) -> Route:
    """Make one of the routes."""
    return Route(
        "POST", f"/v1/{path}", handle, BERTIE, request_type, Answers[answer_type], task=task
    )


def _method_route(method: str, request_type: Any, answer_type: Any, task: str, says: str) -> Route:
    """Make a route that calls one of the library's methods."""
    return _route(method, _handler(method, says), request_type, answer_type, task)


ROUTES = (
    _route("embed", embed, bodies.EmbedBody, Numbers, "embed"),
    _method_route(
        "embed_tokens",
        bodies.EmbedTokensBody,
        TokenVectors,
        "embed",
        "Give every token of texts its hidden state.",
    ),
    _method_route(
        "embed_sparse",
        bodies.EmbedSparseBody,
        SparseVector,
        "sparse",
        "Embed texts over the vocabulary, as SPLADE does.",
    ),
    _method_route(
        "embed_multi",
        bodies.EmbedMultiBody,
        Matrix,
        "multivector",
        "Embed texts with a vector for each token, as ColBERT does.",
    ),
    _method_route(
        "classify",
        bodies.ClassifyBody,
        list[Label],
        "classify",
        "Classify texts and pairs of texts: labels with scores, best first.",
    ),
    _route("zero_shot", zero_shot, bodies.ZeroShotBody, list[Label], "zero_shot"),
    _method_route(
        "tag",
        bodies.TagBody,
        list[Span],
        "tag",
        "Find entities in texts, with their places in characters.",
    ),
    _route("answer", answer, bodies.AnswerBody, list[Found], "answer"),
    _route("fill", fill, bodies.FillBody, list[list[Filling]], "fill"),
    _method_route(
        "next_sentence",
        bodies.NextSentenceBody,
        float,
        "next_sentence",
        "Say how probable it is that one text follows another.",
    ),
    _method_route(
        "score",
        bodies.ScoreBody,
        float,
        "rank",
        "Score pairs of a query and a document, in the order given.",
    ),
    _route("rank", rank, bodies.RankBody, Ranked, "rank"),
    _route("tokenize", tokenize, bodies.TokenizeBody, Encoding, None),
)
