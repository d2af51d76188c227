"""Hugging Face's inference, as its InferenceClient asks for it: a pipeline for each task."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bertie.calls.lower_casing import lower_caser
from bertie.calls.probabilities import ACTIVATIONS
from bertie.server.http.api import HUGGINGFACE
from bertie.server.http.apis import huggingface_bodies as bodies
from bertie.server.http.apis import tei
from bertie.server.http.apis.inputs import first_tokens
from bertie.server.http.apis.limits import answer_length, check_fillings, check_label_pairs
from bertie.server.http.apis.tei_bodies import EmbedBody, Prediction, SimilarityBody, Vectors
from bertie.server.http.apis.truncation import truncation
from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError
from bertie.server.http.route import Route
from bertie.tasks.classify import Label
from bertie.tasks.tag import Span
from bertie.tokenize import Tokenizer


def _input_list(context: Context, given: Any) -> list[Any]:
    """Make a list of inputs, as many as may be."""
    several: list[Any] = given if isinstance(given, list) else [given]
    if not several:
        raise RequestError("empty", "inputs is empty, expected one or several", param="inputs")
    context.check_count(len(several), "inputs")
    return several


def _like_inputs(inputs: Any, answers: list[Any]) -> Any:
    """Give one answer for one input, a list for a list."""
    return answers if isinstance(inputs, list) else answers[0]


async def feature_extraction(context: Context, body: bodies.FeatureBody) -> Vectors:
    """Embed texts or token ids, as Text Embeddings Inference does."""
    parameters = body.parameters or bodies.EmbedParameters()
    given = {name: getattr(parameters, name) for name in parameters.__struct_fields__}
    fields = {name: getattr(body, name) for name in EmbedBody.__struct_fields__}
    fields.update((name, value) for name, value in given.items() if value is not None)
    return await tei.embed(context, EmbedBody(**fields))


async def sentence_similarity(context: Context, body: SimilarityBody) -> list[float]:
    """Compare a sentence with others."""
    return await tei.similarity(context, body)


async def text_classification(context: Context, body: bodies.ClassifyBody) -> bodies.Classified:
    """Classify texts and pairs of texts: a list of labels for each, best first."""
    parameters = body.parameters or bodies.ClassifyParameters()
    function = parameters.function_to_apply
    response = await context.infer(
        "classify",
        [_text_or_pair(one) for one in _input_list(context, body.inputs)],
        raw=True if function else None,
        top_k=None if function else parameters.top_k,
        truncate=truncation(context),
    )
    several = [_applied(labels, function)[: parameters.top_k] for labels in response.answers]
    return [_predictions(labels) for labels in several]


def _text_or_pair(given: Any) -> Any:
    """Take a text or two, which may stand in a list or by name."""
    if isinstance(given, bodies.TextPair):
        return given.text if given.text_pair is None else (given.text, given.text_pair)
    if isinstance(given, list):
        return given[0] if len(given) == 1 else tuple(given)
    return given


def _applied(labels: list[Label], function: str | None) -> list[Label]:
    """Turn logits into scores by the caller's function; their order stays."""
    if function in (None, "none"):
        return labels
    scores = ACTIVATIONS[str(function)](np.array([[one.score for one in labels]]))[0]
    return [Label(one.label, float(score)) for one, score in zip(labels, scores, strict=True)]


def _predictions(labels: Iterable[Label]) -> list[Prediction]:
    """Write labels."""
    return [Prediction(score=one.score, label=one.label) for one in labels]


async def zero_shot_classification(context: Context, body: bodies.ZeroShotBody) -> Any:
    """Say which of the labels given fit texts, best first."""
    parameters, inputs = body.parameters, _input_list(context, body.inputs)
    labels = parameters.candidate_labels
    if isinstance(labels, str):
        labels = [label.strip() for label in labels.split(",") if label.strip()]
    if not labels:
        raise RequestError(
            "empty", "candidate_labels is empty, expected some", param="candidate_labels"
        )
    check_label_pairs(context, len(inputs), len(labels), "candidate_labels")
    response = await context.infer(
        "zero_shot",
        inputs,
        labels=labels,
        hypothesis=parameters.hypothesis_template,
        multi_label=parameters.multi_label,
        truncate=truncation(context),
    )
    return _like_inputs(body.inputs, [_predictions(one) for one in response.answers])


async def token_classification(context: Context, body: bodies.TagBody) -> Any:
    """Find entities in texts, with their places in characters."""
    parameters = body.parameters or bodies.TagParameters()
    aggregation = parameters.aggregation_strategy
    response = await context.infer(
        "tag",
        _input_list(context, body.inputs),
        aggregation=aggregation,
        ignore=parameters.ignore_labels,
    )
    kind = "entity" if aggregation == "none" else "entity_group"
    found = [[_entity(span, kind) for span in spans] for spans in response.answers]
    return _like_inputs(body.inputs, found)


def _entity(span: Span, kind: str) -> bodies.Entity:
    """Write an entity, its label under the word that says whether it is a group."""
    label: Any = {kind: span.label}
    return bodies.Entity(score=span.score, word=span.text, start=span.start, end=span.end, **label)


async def question_answering(context: Context, body: bodies.AnswerBody) -> Any:
    """Answer questions, each from a text: with top_k above 1 a list of answers, best first."""
    parameters = body.parameters or bodies.AnswerParameters()
    inputs = _input_list(context, body.inputs)
    longest = await answer_length(context, parameters.max_answer_len)
    questions = [one.question for one in inputs]
    if parameters.max_question_len is not None:
        tokenizer = await context.tokenizer("answer")
        most = parameters.max_question_len
        questions = await asyncio.to_thread(
            lambda: [first_tokens(tokenizer, one, most) for one in questions]
        )
    response = await context.infer(
        "answer",
        [(question, one.context) for question, one in zip(questions, inputs, strict=True)],
        top_k=parameters.top_k,
        max_answer_length=longest,
        no_answer=parameters.handle_impossible_answer,
        whole_words=parameters.align_to_words,
    )
    return _like_inputs(body.inputs, [_found(one) for one in response.answers])


def _found(answer: Any) -> Any:
    """Write an answer, or a list of them."""
    if isinstance(answer, list):
        return [_found(one) for one in answer]
    return bodies.Found(answer=answer.text, score=answer.score, start=answer.start, end=answer.end)


async def fill_mask(context: Context, body: bodies.FillBody) -> Any:
    """Say what may stand for the masks of texts, best first, and write the texts with it."""
    parameters = body.parameters or bodies.FillParameters()
    texts = _input_list(context, body.inputs)
    tokenizer = await context.tokenizer("fill")
    mask, longest = context.model_setting("mask_token"), context.model_setting("max_length")
    top_k = None if parameters.top_k is None else min(parameters.top_k, tokenizer.vocab_size)
    if mask:
        size = sum(text.count(mask) * min(len(text) + 2, longest) for text in texts)
        check_fillings(context, size, top_k)
    response = await context.infer(
        "fill", texts, top_k=top_k, targets=parameters.targets, truncate=truncation(context)
    )
    lower = lower_caser(tokenizer) if context.model_setting("lower_first") else str

    def write() -> list[Any]:
        found = []
        for text, masks in zip(texts, response.answers, strict=True):
            read = tokenizer.encode(lower(text), max_length=longest)
            found.append(_filled(tokenizer, read.ids, tokenizer.id_of(mask), masks))
        return found

    return _like_inputs(body.inputs, await asyncio.to_thread(write))


def _filled(tokenizer: Tokenizer, ids: list[int], mask: int, masks: list[Any]) -> Any:
    """Write what stands for the masks of a text: of one alone no list of lists."""
    places = [i for i, id in enumerate(ids) if id == mask]
    alone = len(places) == 1
    found = [
        [
            bodies.Filled(
                # The frame shows where there are other masks, as transformers has it.
                sequence=tokenizer.decode(
                    [*ids[:place], one.id, *ids[place + 1 :]], skip_special_tokens=alone
                ),
                score=one.score,
                token=one.id,
                token_str=tokenizer.decode([one.id], skip_special_tokens=False),
            )
            for one in fillings
        ]
        for place, fillings in zip(places, masks, strict=True)
    ]
    return found[0] if alone else found


@dataclass(frozen=True)
class Pipeline:
    """A task as Hugging Face names it.

    Attributes:
        name: theirs.
        task: ours.
        request_type: the type of its body.
        handle: answers.
        response_type: the type of the response's body.
    """

    name: str
    task: str
    request_type: Any
    handle: Any
    response_type: Any


PIPELINES: Mapping[str, Pipeline] = {
    one.name: one
    for one in (
        Pipeline("feature-extraction", "embed", bodies.FeatureBody, feature_extraction, Vectors),
        Pipeline("sentence-similarity", "embed", SimilarityBody, sentence_similarity, list[float]),
        Pipeline(
            "text-classification",
            "classify",
            bodies.ClassifyBody,
            text_classification,
            bodies.Classified,
        ),
        Pipeline(
            "zero-shot-classification",
            "zero_shot",
            bodies.ZeroShotBody,
            zero_shot_classification,
            bodies.Chosen,
        ),
        Pipeline(
            "token-classification", "tag", bodies.TagBody, token_classification, bodies.Tagged
        ),
        Pipeline(
            "question-answering", "answer", bodies.AnswerBody, question_answering, bodies.Read
        ),
        Pipeline("fill-mask", "fill", bodies.FillBody, fill_mask, bodies.Fillings),
    )
}

ROUTES = tuple(
    Route(
        "POST",
        f"/pipeline/{one.name}",
        one.handle,
        HUGGINGFACE,
        one.request_type,
        one.response_type,
        task=one.task,
    )
    for one in PIPELINES.values()
)
