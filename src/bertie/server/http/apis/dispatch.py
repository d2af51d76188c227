"""POST / and /models/NAME: dispatched by what the body is for, or else by what the model is."""

from typing import Any

import msgspec

from bertie.errors import TaskError
from bertie.server.http.api import HUGGINGFACE, TEI
from bertie.server.http.apis import rerank, tei, tei_bodies
from bertie.server.http.apis.huggingface import PIPELINES, Pipeline
from bertie.server.http.context import Context
from bertie.server.http.route import Route
from bertie.server.http.serialization import decode

# A model's task → the body and the handler of its route in Text Embeddings Inference's words.
_BY_TASK: dict[str, tuple[Any, Any]] = {
    "embed": (tei_bodies.EmbedBody, tei.embed),
    "sparse": (tei_bodies.TokensBody, tei.embed_sparse),
    "classify": (tei_bodies.PredictBody, tei.predict),
    "rank": (rerank.RerankBody, rerank.rerank),
}
# What is in the inputs or the parameters of no other pipeline.
_BY_INPUT = {
    "source_sentence": "sentence-similarity",
    "question": "question-answering",
    "context": "question-answering",
    "text": "text-classification",
}
_BY_PARAMETER = {
    "candidate_labels": "zero-shot-classification",
    "hypothesis_template": "zero-shot-classification",
    "multi_label": "zero-shot-classification",
    "aggregation_strategy": "token-classification",
    "ignore_labels": "token-classification",
    "stride": "token-classification",
    "targets": "fill-mask",
    "function_to_apply": "text-classification",
    "max_answer_len": "question-answering",
    "handle_impossible_answer": "question-answering",
}
_NOTHING = msgspec.Raw(b"null")


class _Shape(msgspec.Struct, frozen=True):
    """What tells the pipeline that a body is for."""

    inputs: msgspec.Raw = _NOTHING
    parameters: msgspec.Raw = _NOTHING


async def default_model(context: Context, body: msgspec.Raw) -> Any:
    """Do what the default model is for, or what the body tells: embed, classify, rerank and more.

    Text Embeddings Inference has no `parameters`, Hugging Face's InferenceClient always sends them
    but with features, which both have alike.
    """
    return await _dispatch(context, bytes(body), huggingface=False)


async def named_model(context: Context, body: msgspec.Raw) -> Any:
    """Do what the model that is named is for, or what the body tells, in Hugging Face's words."""
    context.model = context.path_params["name"]
    return await _dispatch(context, bytes(body), huggingface=True)


async def _dispatch(context: Context, body: bytes, *, huggingface: bool) -> Any:
    """Find what a request is for, and answer.

    Args:
        huggingface: whether Hugging Face's words are spoken where the body leaves it open.
    """
    shape = decode(body, _Shape)
    inputs, parameters = _keys(shape.inputs), _keys(shape.parameters)
    pipeline = _pipeline(inputs or {}, _BY_INPUT) or _pipeline(parameters or {}, _BY_PARAMETER)
    if pipeline is not None:
        context.api = HUGGINGFACE
        return await pipeline.handle(context, decode(body, pipeline.request_type))
    await context.tokenizer()
    context.model = context.model_name
    task = context.entry.task if context.entry else None
    pipeline = next((one for one in PIPELINES.values() if one.task == task), None)
    if pipeline and (huggingface or parameters is not None or task not in _BY_TASK):
        context.api = HUGGINGFACE
        return await pipeline.handle(context, decode(body, pipeline.request_type))
    if task not in _BY_TASK:
        raise TaskError(
            f"the model {context.model_name!r} is for {task!r}, which has no place here: see /docs"
        )
    request_type, handle = _BY_TASK[task]
    return await handle(context, decode(body, request_type))


def _keys(raw: msgspec.Raw) -> dict[str, Any] | None:
    """Read what is given in an object, or in the first of several; None where it is neither."""
    text = bytes(raw).lstrip()
    if text.startswith(b"{"):
        found = decode(text, dict[str, Any])
    elif text.startswith(b"[") and text[1:].lstrip().startswith(b"{"):
        found = decode(text, list[Any])[0]
    else:
        return None
    return {key: value for key, value in found.items() if value is not None}


def _pipeline(keys: dict[str, Any], names: dict[str, str]) -> Pipeline | None:
    """Find the pipeline that one of some keys belongs to."""
    return next((PIPELINES[name] for key, name in names.items() if key in keys), None)


ROUTES = (Route("POST", "/", default_model, TEI, msgspec.Raw, Any),)
LAST_ROUTES = (Route("POST", "/models/{name:path}", named_model, HUGGINGFACE, msgspec.Raw, Any),)
