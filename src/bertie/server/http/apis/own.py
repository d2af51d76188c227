"""Our own APIs: a route for each of the library's methods, answering what the method does."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import numpy as np

from bertie.server.http.apis import own_bodies as bodies
from bertie.server.http.apis.bounds import answer_length, check_crossed, check_fillings
from bertie.server.http.apis.ranked import best_first
from bertie.server.http.apis.speakers import BERTIE
from bertie.server.http.asker import Asker
from bertie.server.http.encoding import Answer, Matrix, Numbers, base64_of
from bertie.server.http.faults import Refused
from bertie.server.http.route import Route
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


class Work(Answer, frozen=True, kw_only=True):
    """Tokens of each input: those that were read, special ones included, and those left out."""

    tokens: list[int]
    truncated: list[int]


class Answers(Answer, Generic[T], frozen=True, kw_only=True):
    """An answer for each input; answers of different fingerprints don't mix."""

    answers: list[T]
    model: str
    fingerprint: str
    work: Work


def _answers(asker: Asker, answers: list[Any]) -> Answers[Any]:
    """Put answers with what is to be said of them."""
    asked = asker.answered
    return Answers(
        answers=answers,
        model=asker.model_name,
        fingerprint=asked[-1].fingerprint,
        work=Work(
            tokens=[tokens for one in asked for tokens in one.tokens],
            truncated=[tokens for one in asked for tokens in one.truncated],
        ),
    )


def _inputs(asker: Asker, body: Any) -> list[Any]:
    """Make a list of inputs as the library takes them: a text, its words, or a tuple of two."""
    several = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    asker.check_count(len(several), "inputs")
    worded = getattr(body, "split_words", False)
    return [tuple(one) if _is_pair(one, worded) else one for one in several]


def _is_pair(given: Any, worded: bool | None) -> bool:
    """Tell a pair from a text: where texts are words, its texts are lists as well."""
    if worded:
        return bool(given) and isinstance(given[0], list)
    return isinstance(given, list)


# What a body says beside the library's own options.
_NOT_OPTIONS = ("inputs", "model", "encoding_format")


def _options(body: bodies.Asked) -> dict[str, Any]:
    """Take the library's options out of a body."""
    return {
        name: getattr(body, name) for name in body.__struct_fields__ if name not in _NOT_OPTIONS
    }


def _method(call: str, says: str) -> Callable[[Asker, Any], Awaitable[Any]]:
    """Make the handler of a route that is one call of the engine."""

    async def handle(asker: Asker, body: Any) -> Answers[Any]:
        inputs = _inputs(asker, body)
        answered = await asker.ask(call, inputs, model=body.model, **_options(body))
        return _answers(asker, list(answered.answers))

    handle.__doc__ = says
    handle.__name__ = call
    return handle


async def embed(asker: Asker, body: bodies.EmbedBody) -> Answers[Any]:
    """Embed texts, with all of the library's options."""
    inputs = _inputs(asker, body)
    answered = await asker.ask("embed", inputs, model=body.model, **_options(body))
    write = base64_of if body.encoding_format == "base64" else _as_it_is
    return _answers(asker, [write(vector) for vector in answered.answers])


def _as_it_is(value: Any) -> Any:
    """Leave a value as it is."""
    return value


async def answer(asker: Asker, body: bodies.AnswerBody) -> Answers[Any]:
    """Answer questions, each from a text: a list of answers for each question, best first."""
    inputs = _inputs(asker, body)
    options = _options(body)
    options["max_answer_length"] = await answer_length(asker, body.max_answer_length, body.model)
    answered = await asker.ask("answer", inputs, model=body.model, **options)
    # The method gives one answer instead of a list of one where top_k is 1.
    return _answers(asker, [one if isinstance(one, list) else [one] for one in answered.answers])


async def zero_shot(asker: Asker, body: bodies.ZeroShotBody) -> Answers[Any]:
    """Say which of the labels given fit texts, best first."""
    inputs = _inputs(asker, body)
    check_crossed(asker, len(inputs), len(body.labels))
    answered = await asker.ask("zero_shot", inputs, model=body.model, **_options(body))
    return _answers(asker, list(answered.answers))


async def fill(asker: Asker, body: bodies.FillBody) -> Answers[Any]:
    """Say what may stand for the masks of texts, best first."""
    inputs = _inputs(asker, body)
    tokenizer = await asker.tokenizer("fill", body.model)
    if mask := asker.setting("mask_token"):
        top_k = None if body.top_k is None else min(body.top_k, tokenizer.vocab_size)
        check_fillings(asker, sum(text.count(mask) for text in inputs), top_k)
    answered = await asker.ask("fill", inputs, model=body.model, **_options(body))
    return _answers(asker, list(answered.answers))


async def rank(asker: Asker, body: bodies.RankBody) -> Answers[Any]:
    """Rank documents by how well they answer a query, best first."""
    asker.check_count(len(body.documents), "documents")
    named = asker.model or body.model
    several = asker.any(body.model).task == "multivector" if named else False
    scores = await (_by_tokens(asker, body) if several else _by_pairs(asker, body))
    order = best_first(scores, body.top_k)
    return _answers(asker, [Ranked(i, float(scores[i])) for i in order])


async def _by_pairs(asker: Asker, body: bodies.RankBody) -> Any:
    """Score documents with a cross-encoder."""
    answered = await asker.ask(
        "score",
        [(body.query, document) for document in body.documents],
        model=body.model,
        label=body.label,
        raw=body.raw,
        truncate=body.truncate,
        split_words=body.split_words,
    )
    return np.array(answered.answers, np.float64)


async def _by_tokens(asker: Asker, body: bodies.RankBody) -> Any:
    """Score documents by their tokens' vectors, as the library's rank_multi does."""
    if body.split_words:
        raise Refused(
            "invalid",
            "split_words is for cross-encoders; this model's queries and documents are texts",
            param="split_words",
        )
    (query,) = (
        await asker.ask(
            "embed_multi", [body.query], model=body.model, kind="query", truncate=body.truncate
        )
    ).answers
    documents = await asker.ask(
        "embed_multi", body.documents, model=body.model, truncate=body.truncate
    )
    return np.array([maxsim(query, document) for document in documents.answers])


async def tokenize(asker: Asker, body: bodies.TokenizeBody) -> Answers[Any]:
    """Tokenize texts or pairs of texts, with every token's place in characters."""
    inputs = _inputs(asker, body)
    tokenizer = await asker.tokenizer(model=body.model)
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
    assert asker.entry is not None
    return Answers(
        answers=found,
        model=asker.model_name,
        fingerprint=asker.entry.fingerprint or "",
        work=Work(
            tokens=[len(one.ids) for one in found], truncated=[one.truncated for one in found]
        ),
    )


def _route(path: str, handle: Any, takes: Any, gives: Any, task: str | None) -> Route:
    """Make one of the routes."""
    return Route("POST", f"/v1/{path}", handle, BERTIE, takes, Answers[gives], task=task)


def _one_call(call: str, takes: Any, gives: Any, task: str, says: str) -> Route:
    """Make a route that is one call of the engine."""
    return _route(call, _method(call, says), takes, gives, task)


ROUTES = (
    _route("embed", embed, bodies.EmbedBody, Numbers, "embed"),
    _one_call(
        "embed_tokens",
        bodies.EmbedTokensBody,
        TokenVectors,
        "embed",
        "Give every token of texts its hidden state.",
    ),
    _one_call(
        "embed_sparse",
        bodies.EmbedSparseBody,
        SparseVector,
        "sparse",
        "Embed texts over the vocabulary, as SPLADE does.",
    ),
    _one_call(
        "embed_multi",
        bodies.EmbedMultiBody,
        Matrix,
        "multivector",
        "Embed texts with a vector for each token, as ColBERT does.",
    ),
    _one_call(
        "classify",
        bodies.ClassifyBody,
        list[Label],
        "classify",
        "Classify texts and pairs of texts: labels with scores, best first.",
    ),
    _route("zero_shot", zero_shot, bodies.ZeroShotBody, list[Label], "zero_shot"),
    _one_call(
        "tag",
        bodies.TagBody,
        list[Span],
        "tag",
        "Find entities in texts, with their places in characters.",
    ),
    _route("answer", answer, bodies.AnswerBody, list[Found], "answer"),
    _route("fill", fill, bodies.FillBody, list[list[Filling]], "fill"),
    _one_call(
        "next_sentence",
        bodies.NextSentenceBody,
        float,
        "next_sentence",
        "Say how probable it is that one text follows another.",
    ),
    _one_call(
        "score",
        bodies.ScoreBody,
        float,
        "rank",
        "Score pairs of a query and a document, in the order given.",
    ),
    _route("rank", rank, bodies.RankBody, Ranked, "rank"),
    _route("tokenize", tokenize, bodies.TokenizeBody, Encoding, None),
)
