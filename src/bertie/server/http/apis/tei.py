"""Text Embeddings Inference over HTTP: what its models compute."""

from typing import Any

import numpy as np

from bertie.calls.token_ids import TokenIds
from bertie.engine.similarity import similarity as compared
from bertie.server.http.api import TEI
from bertie.server.http.apis import tei_bodies as bodies
from bertie.server.http.apis.embeddings import embed_inputs
from bertie.server.http.apis.inputs import input_list
from bertie.server.http.apis.truncation import truncation
from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError
from bertie.server.http.route import Route


async def embed(context: Context, body: bodies.EmbedBody) -> bodies.Vectors:
    """Embed texts or token ids."""
    inputs, _ = input_list(body.inputs, "inputs")
    context.check_count(len(inputs), "inputs")
    vectors, _ = await embed_inputs(
        context,
        inputs,
        dimensions=body.dimensions,
        normalize=body.normalize,
        prompt_name=body.prompt_name,
        truncate=truncation(context, body),
    )
    return vectors


async def embed_all(context: Context, body: bodies.TokensBody) -> bodies.Matrices:
    """Give every token of texts or token ids a vector."""
    inputs = await _with_prompt(context, "embed", body)
    response = await context.infer("embed_tokens", inputs, truncate=truncation(context, body))
    return [one.vectors for one in response.answers]


async def embed_sparse(context: Context, body: bodies.TokensBody) -> list[list[bodies.SparseValue]]:
    """Embed texts or token ids sparsely, over the vocabulary."""
    inputs = await _with_prompt(context, "sparse", body)
    response = await context.infer("embed_sparse", inputs, truncate=truncation(context, body))
    return [sparse_values(one) for one in response.answers]


def sparse_values(vector: Any) -> list[bodies.SparseValue]:
    """Write a sparse vector."""
    pairs = zip(vector.indices.tolist(), vector.weights, strict=True)
    return [bodies.SparseValue(index=index, value=value) for index, value in pairs]


async def predict(context: Context, body: bodies.PredictBody) -> bodies.Predictions:
    """Classify a text, a pair, or several of either."""
    inputs, single = _to_classify(body.inputs)
    context.check_count(len(inputs), "inputs")
    found = await predictions(context, inputs, body)
    return found[0] if single else found


async def predictions(
    context: Context, inputs: list[Any], body: bodies.PredictBody
) -> list[list[bodies.Prediction]]:
    """Classify texts and pairs."""
    response = await context.infer(
        "classify", inputs, raw=body.raw_scores or None, truncate=truncation(context, body)
    )
    return [
        [bodies.Prediction(score=one.score, label=one.label) for one in labels]
        for labels in response.answers
    ]


def _to_classify(given: Any) -> tuple[list[Any], bool]:
    """Tell a text and a pair, which may stand in a flat list, from several."""
    if isinstance(given, str):
        return [given], True
    if not given:
        raise RequestError("empty", "inputs is empty, expected a text or several", param="inputs")
    if all(isinstance(one, str) for one in given):
        return [_text_or_pair(given, "inputs")], True
    several = [_text_or_pair(one, f"inputs[{i}]") for i, one in enumerate(given)]
    return several, False


def _text_or_pair(parts: Any, where: str) -> Any:
    """Take one text or two."""
    if isinstance(parts, str) or len(parts) not in (1, 2):
        what = "a text" if isinstance(parts, str) else f"a list of {len(parts)} texts"
        raise RequestError(
            "invalid", f"{where} is {what}, expected a list of one text or two", param="inputs"
        )
    return parts[0] if len(parts) == 1 else tuple(parts)


async def similarity(context: Context, body: bodies.SimilarityBody) -> list[float]:
    """Compare a sentence with others."""
    sentences = body.inputs.sentences
    if not sentences:
        raise RequestError("empty", "inputs.sentences is empty, expected some", param="inputs")
    context.check_count(len(sentences) + 1, "inputs.sentences")
    parameters = body.parameters or bodies.Parameters()
    response = await context.infer(
        "embed",
        [body.inputs.source_sentence, *sentences],
        prompt_name=parameters.prompt_name,
        truncate=truncation(context, parameters),
    )
    vectors = np.stack(response.answers)
    by = context.model_setting("similarity")
    return [float(score) for score in compared(vectors[:1], vectors[1:], by)[0]]


async def _with_prompt(context: Context, task: str, body: bodies.TokensBody) -> list[Any]:
    """Put the prompt that is named before texts; the methods for tokens know no prompts."""
    inputs, _ = input_list(body.inputs, "inputs")
    context.check_count(len(inputs), "inputs")
    prompt = await find_prompt(context, task, body.prompt_name)
    if prompt and any(isinstance(one, TokenIds) for one in inputs):
        raise RequestError(
            "invalid", "prompt_name goes with texts, but inputs are token ids", param="prompt_name"
        )
    return [prompt + one for one in inputs] if prompt else inputs


async def find_prompt(context: Context, task: str | None, name: str | None) -> str:
    """Find a prompt of the model, "" where none is named.

    Args:
        task: what the model is for; None is whatever it is for.
        name: the prompt's, or None.
    Raises: RequestError: the model has no such one.
    """
    if name is None:
        return ""
    await context.tokenizer(task)
    known = context.model_setting("prompts") or {}
    if name not in known:
        raise RequestError(
            "invalid",
            f"prompt_name is {name!r}, but the model's prompts are: {', '.join(known) or 'none'}",
            param="prompt_name",
        )
    return str(known[name])


def _route(path: str, handle: Any, request_type: Any, response_type: Any, task: str) -> Route:
    """Make one of the routes."""
    return Route("POST", path, handle, TEI, request_type, response_type, task=task)


ROUTES = (
    _route("/embed", embed, bodies.EmbedBody, bodies.Vectors, "embed"),
    _route("/embed_all", embed_all, bodies.TokensBody, bodies.Matrices, "embed"),
    _route(
        "/embed_sparse", embed_sparse, bodies.TokensBody, list[list[bodies.SparseValue]], "sparse"
    ),
    _route("/predict", predict, bodies.PredictBody, bodies.Predictions, "classify"),
    _route("/similarity", similarity, bodies.SimilarityBody, list[float], "embed"),
)
