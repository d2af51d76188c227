"""Text Embeddings Inference over HTTP: what its models compute."""

from typing import Any

import numpy as np

from bertie.engine.similarity import similarity as compared
from bertie.server.http.apis import tei_bodies as bodies
from bertie.server.http.apis.inputs import listed
from bertie.server.http.apis.speakers import TEI
from bertie.server.http.apis.vectors import embedded
from bertie.server.http.asker import Asker
from bertie.server.http.faults import Refused
from bertie.server.http.route import Route
from bertie.server.scheduling.inference import TokenIds


def policy(asker: Asker, body: bodies.Truncated) -> str:
    """Say what becomes of long inputs."""
    cut = asker.settings.auto_truncate if body.truncate is None else body.truncate
    return body.truncation_direction.lower() if cut else "error"


async def embed(asker: Asker, body: bodies.EmbedBody) -> bodies.Vectors:
    """Embed texts or token ids."""
    inputs, _ = listed(body.inputs, "inputs")
    asker.check_count(len(inputs), "inputs")
    vectors, _ = await embedded(
        asker,
        inputs,
        dimensions=body.dimensions,
        normalize=body.normalize,
        prompt_name=body.prompt_name,
        truncate=policy(asker, body),
    )
    return vectors


async def embed_all(asker: Asker, body: bodies.TokensBody) -> bodies.Matrices:
    """Give every token of texts or token ids a vector."""
    inputs = await _prompted(asker, "embed", body)
    answered = await asker.ask("embed_tokens", inputs, truncate=policy(asker, body))
    return [one.vectors for one in answered.answers]


async def embed_sparse(asker: Asker, body: bodies.TokensBody) -> list[list[bodies.SparseValue]]:
    """Embed texts or token ids sparsely, over the vocabulary."""
    inputs = await _prompted(asker, "sparse", body)
    answered = await asker.ask("embed_sparse", inputs, truncate=policy(asker, body))
    return [sparse_values(one) for one in answered.answers]


def sparse_values(vector: Any) -> list[bodies.SparseValue]:
    """Write a sparse vector."""
    pairs = zip(vector.indices.tolist(), vector.weights, strict=True)
    return [bodies.SparseValue(index=index, value=value) for index, value in pairs]


async def predict(asker: Asker, body: bodies.PredictBody) -> bodies.Predictions:
    """Classify a text, a pair, or several of either."""
    inputs, single = _to_classify(body.inputs)
    asker.check_count(len(inputs), "inputs")
    found = await predictions(asker, inputs, body)
    return found[0] if single else found


async def predictions(
    asker: Asker, inputs: list[Any], body: bodies.PredictBody
) -> list[list[bodies.Prediction]]:
    """Classify texts and pairs."""
    answered = await asker.ask(
        "classify", inputs, raw=body.raw_scores or None, truncate=policy(asker, body)
    )
    return [
        [bodies.Prediction(score=one.score, label=one.label) for one in labels]
        for labels in answered.answers
    ]


def _to_classify(given: Any) -> tuple[list[Any], bool]:
    """Tell a text and a pair, which may stand in a flat list, from several."""
    if isinstance(given, str):
        return [given], True
    if not given:
        raise Refused("empty", "inputs is empty, expected a text or several", param="inputs")
    if all(isinstance(one, str) for one in given):
        return [_text_or_pair(given, "inputs")], True
    several = [_text_or_pair(one, f"inputs[{i}]") for i, one in enumerate(given)]
    return several, False


def _text_or_pair(parts: Any, where: str) -> Any:
    """Take one text or two."""
    if isinstance(parts, str) or len(parts) not in (1, 2):
        what = "a text" if isinstance(parts, str) else f"a list of {len(parts)} texts"
        raise Refused(
            "invalid", f"{where} is {what}, expected a list of one text or two", param="inputs"
        )
    return parts[0] if len(parts) == 1 else tuple(parts)


async def similarity(asker: Asker, body: bodies.SimilarityBody) -> list[float]:
    """Compare a sentence with others."""
    sentences = body.inputs.sentences
    if not sentences:
        raise Refused("empty", "inputs.sentences is empty, expected some", param="inputs")
    asker.check_count(len(sentences) + 1, "inputs.sentences")
    how = body.parameters or bodies.Parameters()
    answered = await asker.ask(
        "embed",
        [body.inputs.source_sentence, *sentences],
        prompt_name=how.prompt_name,
        truncate=policy(asker, how),
    )
    vectors = np.stack(answered.answers)
    by = asker.setting("similarity")
    return [float(score) for score in compared(vectors[:1], vectors[1:], by)[0]]


async def _prompted(asker: Asker, task: str, body: bodies.TokensBody) -> list[Any]:
    """Put the prompt that is named before texts; the calls for tokens know no prompts."""
    inputs, _ = listed(body.inputs, "inputs")
    asker.check_count(len(inputs), "inputs")
    prompt = await prompt_named(asker, task, body.prompt_name)
    if prompt and any(isinstance(one, TokenIds) for one in inputs):
        raise Refused(
            "invalid", "prompt_name goes with texts, but inputs are token ids", param="prompt_name"
        )
    return [prompt + one for one in inputs] if prompt else inputs


async def prompt_named(asker: Asker, task: str | None, name: str | None) -> str:
    """Find a prompt of the model, "" where none is named.

    Args:
        task: what the model is for; None is whatever it is for.
        name: the prompt's, or None.
    Raises: Refused: the model has no such one.
    """
    if name is None:
        return ""
    await asker.tokenizer(task)
    known = asker.setting("prompts") or {}
    if name not in known:
        raise Refused(
            "invalid",
            f"prompt_name is {name!r}, but the model's prompts are: {', '.join(known) or 'none'}",
            param="prompt_name",
        )
    return str(known[name])


def route(path: str, handle: Any, takes: Any, gives: Any, task: str) -> Route:
    """Make one of the routes."""
    return Route("POST", path, handle, TEI, takes, gives, task=task)


ROUTES = (
    route("/embed", embed, bodies.EmbedBody, bodies.Vectors, "embed"),
    route("/embed_all", embed_all, bodies.TokensBody, bodies.Matrices, "embed"),
    route(
        "/embed_sparse", embed_sparse, bodies.TokensBody, list[list[bodies.SparseValue]], "sparse"
    ),
    route("/predict", predict, bodies.PredictBody, bodies.Predictions, "classify"),
    route("/similarity", similarity, bodies.SimilarityBody, list[float], "embed"),
)
