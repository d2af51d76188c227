"""infinity's classification; its reranking is in rerank.py, its embeddings are OpenAI's."""

import time
import uuid
from typing import Literal

from bertie.server.http.apis.inputs import Texts
from bertie.server.http.apis.openai import Usage, usage
from bertie.server.http.apis.speakers import INFINITY
from bertie.server.http.apis.tei_bodies import Prediction
from bertie.server.http.apis.vectors import cut_policy
from bertie.server.http.asker import Asker
from bertie.server.http.encoding import Answer, Body
from bertie.server.http.faults import Refused
from bertie.server.http.route import Route


class ClassifyBody(Body, frozen=True, kw_only=True):
    """What to classify."""

    input: Texts
    model: str | None = None
    raw_scores: bool = False


class Classified(Answer, frozen=True, kw_only=True):
    """Each input's labels, best first."""

    id: str
    model: str
    created: int
    usage: Usage
    data: list[list[Prediction]]
    object: Literal["classify"] = "classify"


async def classify(asker: Asker, body: ClassifyBody) -> Classified:
    """Classify texts."""
    if not body.input:
        raise Refused("empty", "input is empty, expected texts", param="input")
    asker.check_count(len(body.input))
    answered = await asker.ask(
        "classify",
        body.input,
        model=body.model,
        raw=body.raw_scores or None,
        truncate=cut_policy(asker),
    )
    data = [
        [Prediction(score=one.score, label=one.label) for one in labels]
        for labels in answered.answers
    ]
    return Classified(
        id=f"classify-{uuid.uuid4().hex}",
        model=asker.model_name,
        created=int(time.time()),
        usage=usage(asker),
        data=data,
    )


ROUTES = (
    Route("POST", "/classify", classify, INFINITY, ClassifyBody, Classified, task="classify"),
)
