"""infinity's classification; its reranking is in rerank.py, its embeddings are OpenAI's."""

import time
import uuid
from typing import Literal

from bertie.server.http.api import INFINITY
from bertie.server.http.apis.inputs import Texts
from bertie.server.http.apis.openai import Usage, usage
from bertie.server.http.apis.tei_bodies import Prediction
from bertie.server.http.apis.truncation import truncation
from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError
from bertie.server.http.route import Route
from bertie.server.http.serialization import RequestBody, ResponseBody


class ClassifyBody(RequestBody, frozen=True, kw_only=True):
    """What to classify."""

    input: Texts
    model: str | None = None
    raw_scores: bool = False


class Classified(ResponseBody, frozen=True, kw_only=True):
    """Each input's labels, best first."""

    id: str
    model: str
    created: int
    usage: Usage
    data: list[list[Prediction]]
    object: Literal["classify"] = "classify"


async def classify(context: Context, body: ClassifyBody) -> Classified:
    """Classify texts."""
    if not body.input:
        raise RequestError("empty", "input is empty, expected texts", param="input")
    context.check_count(len(body.input))
    response = await context.infer(
        "classify",
        body.input,
        model=body.model,
        raw=body.raw_scores or None,
        truncate=truncation(context),
    )
    data = [
        [Prediction(score=one.score, label=one.label) for one in labels]
        for labels in response.answers
    ]
    return Classified(
        id=f"classify-{uuid.uuid4().hex}",
        model=context.model_name,
        created=int(time.time()),
        usage=usage(context),
        data=data,
    )


ROUTES = (
    Route("POST", "/classify", classify, INFINITY, ClassifyBody, Classified, task="classify"),
)
