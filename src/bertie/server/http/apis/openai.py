"""OpenAI's embeddings and models."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bertie.server.http.api import OPENAI
from bertie.server.http.apis.embeddings import embed_inputs
from bertie.server.http.apis.inputs import TextsOrIds, input_list
from bertie.server.http.apis.truncation import truncation
from bertie.server.http.context import Context
from bertie.server.http.route import Route
from bertie.server.http.serialization import Numbers, RequestBody, ResponseBody, format_vector


class EmbeddingsBody(RequestBody, frozen=True, kw_only=True):
    """What to embed."""

    input: TextsOrIds
    model: Annotated[str, Meta(description="A model that is served.")] | None = None
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    output_dimension: (
        Annotated[int, Meta(ge=1, description="The same, as LiteLLM says it to infinity.")] | None
    ) = None
    user: str | None = None


class Embedding(ResponseBody, frozen=True, kw_only=True):
    """One vector: numbers, or little-endian float32 in base64."""

    index: int
    embedding: Numbers
    object: Literal["embedding"] = "embedding"
    truncated: Annotated[int, Meta(description="Tokens left out, where any were.")] | (
        msgspec.UnsetType
    ) = msgspec.UNSET


class Usage(ResponseBody, frozen=True, kw_only=True):
    """Tokens that were read, special ones included."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(ResponseBody, frozen=True, kw_only=True):
    """A vector for each input, in order."""

    data: list[Embedding]
    model: str
    usage: Usage
    object: Literal["list"] = "list"


async def embeddings(context: Context, body: EmbeddingsBody) -> Embeddings:
    """Embed texts or token ids."""
    inputs, _ = input_list(body.input, "input")
    context.check_count(len(inputs))
    vectors, response = await embed_inputs(
        context,
        inputs,
        model=body.model,
        dimensions=body.output_dimension if body.dimensions is None else body.dimensions,
        truncate=truncation(context),
    )
    data = [
        Embedding(
            index=i,
            embedding=format_vector(vector, body.encoding_format),
            truncated=cut or msgspec.UNSET,
        )
        for i, (vector, cut) in enumerate(zip(vectors, response.truncated, strict=True))
    ]
    return Embeddings(data=data, model=context.model_name, usage=usage(context))


def usage(context: Context) -> Usage:
    """Count the tokens of all that was asked."""
    return Usage(prompt_tokens=context.tokens, total_tokens=context.tokens)


ROUTES = tuple(
    Route("POST", path, embeddings, OPENAI, EmbeddingsBody, Embeddings, task="embed")
    for path in ("/v1/embeddings", "/embeddings")
)
