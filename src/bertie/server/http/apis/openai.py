"""OpenAI's embeddings and models."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from bertie.server.http.apis.inputs import TextsOrIds, listed
from bertie.server.http.apis.speakers import OPENAI
from bertie.server.http.apis.vectors import cut_policy, embedded
from bertie.server.http.asker import Asker
from bertie.server.http.encoding import Answer, Body, Numbers, base64_of
from bertie.server.http.route import Route


class EmbeddingsBody(Body, frozen=True, kw_only=True):
    """What to embed."""

    input: TextsOrIds
    model: Annotated[str, Meta(description="A model that is served.")] | None = None
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    output_dimension: (
        Annotated[int, Meta(ge=1, description="The same, as LiteLLM says it to infinity.")] | None
    ) = None
    user: str | None = None


class Embedding(Answer, frozen=True, kw_only=True):
    """One vector: numbers, or little-endian float32 in base64."""

    index: int
    embedding: Numbers
    object: Literal["embedding"] = "embedding"
    truncated: Annotated[int, Meta(description="Tokens left out, where any were.")] | (
        msgspec.UnsetType
    ) = msgspec.UNSET


class Usage(Answer, frozen=True, kw_only=True):
    """Tokens that were read, special ones included."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(Answer, frozen=True, kw_only=True):
    """A vector for each input, in order."""

    data: list[Embedding]
    model: str
    usage: Usage
    object: Literal["list"] = "list"


async def embeddings(asker: Asker, body: EmbeddingsBody) -> Embeddings:
    """Embed texts or token ids."""
    inputs, _ = listed(body.input, "input")
    asker.check_count(len(inputs))
    vectors, answered = await embedded(
        asker,
        inputs,
        model=body.model,
        dimensions=body.output_dimension if body.dimensions is None else body.dimensions,
        truncate=cut_policy(asker),
    )
    write = base64_of if body.encoding_format == "base64" else _as_numbers
    data = [
        Embedding(index=i, embedding=write(vector), truncated=cut or msgspec.UNSET)
        for i, (vector, cut) in enumerate(zip(vectors, answered.truncated, strict=True))
    ]
    return Embeddings(data=data, model=asker.model_name, usage=usage(asker))


def _as_numbers(vector: Any) -> Any:
    """Leave a vector as it is."""
    return vector


def usage(asker: Asker) -> Usage:
    """Count the tokens of all that was asked."""
    return Usage(prompt_tokens=asker.tokens, total_tokens=asker.tokens)


ROUTES = tuple(
    Route("POST", path, embeddings, OPENAI, EmbeddingsBody, Embeddings, task="embed")
    for path in ("/v1/embeddings", "/embeddings")
)
