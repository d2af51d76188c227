"""POST / and /models/NAME: whatever the request says that it is about, or the model is for."""

from typing import Any

import msgspec

from bertie.errors import TaskError
from bertie.server.http.apis import rerank, tei, tei_bodies
from bertie.server.http.apis.huggingface import PIPELINES, Pipeline
from bertie.server.http.apis.speakers import HUGGINGFACE, TEI
from bertie.server.http.asker import Asker
from bertie.server.http.encoding import decoded
from bertie.server.http.route import Route

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


async def main(asker: Asker, body: msgspec.Raw) -> Any:
    """Do what the default model is for, or what the body tells: embed, classify, rerank and more.

    Text Embeddings Inference has no `parameters`, Hugging Face's InferenceClient always sends them
    but with features, which both have alike.
    """
    return await _answered(asker, bytes(body), theirs=False)


async def infer(asker: Asker, body: msgspec.Raw) -> Any:
    """Do what the model that is named is for, or what the body tells, in Hugging Face's words."""
    asker.model = asker.parts["name"]
    return await _answered(asker, bytes(body), theirs=True)


async def _answered(asker: Asker, body: bytes, *, theirs: bool) -> Any:
    """Find what a body is for, and answer.

    Args:
        theirs: whether Hugging Face's words are spoken where the body leaves it open.
    """
    shape = decoded(body, _Shape)
    said = _keys(shape.parameters)
    told = _told(_keys(shape.inputs) or {}, _BY_INPUT) or _told(said or {}, _BY_PARAMETER)
    if told is not None:
        asker.api = HUGGINGFACE
        return await told.handle(asker, decoded(body, told.takes))
    await asker.tokenizer()
    asker.model = asker.model_name
    task = asker.entry.task if asker.entry else None
    of_task = next((one for one in PIPELINES.values() if one.task == task), None)
    if of_task and (theirs or said is not None or task not in _BY_TASK):
        asker.api = HUGGINGFACE
        return await of_task.handle(asker, decoded(body, of_task.takes))
    if task not in _BY_TASK:
        raise TaskError(
            f"the model {asker.model_name!r} is for {task!r}, which has no place here: see /docs"
        )
    takes, handle = _BY_TASK[task]
    return await handle(asker, decoded(body, takes))


def _keys(raw: msgspec.Raw) -> dict[str, Any] | None:
    """Read what is given in an object, or in the first of several; None where it is neither."""
    text = bytes(raw).lstrip()
    if text.startswith(b"{"):
        found = decoded(text, dict[str, Any])
    elif text.startswith(b"[") and text[1:].lstrip().startswith(b"{"):
        found = decoded(text, list[Any])[0]
    else:
        return None
    return {key: value for key, value in found.items() if value is not None}


def _told(keys: dict[str, Any], names: dict[str, str]) -> Pipeline | None:
    """Find the pipeline that one of some keys belongs to."""
    return next((PIPELINES[name] for key, name in names.items() if key in keys), None)


ROUTES = (Route("POST", "/", main, TEI, msgspec.Raw, Any),)
LAST_ROUTES = (Route("POST", "/models/{name:path}", infer, HUGGINGFACE, msgspec.Raw, Any),)
