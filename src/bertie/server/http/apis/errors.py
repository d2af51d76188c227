"""The bodies of errors, as each API has them; faults.BODIES fills them in."""

from typing import Annotated

from msgspec import Meta

from bertie.server.http.encoding import Answer


class ErrorDetail(Answer, frozen=True, kw_only=True):
    """What went wrong."""

    message: Annotated[str, Meta(description="What was seen, what was expected, what to do.")]
    type: str
    param: str | None
    code: str


class Error(Answer, frozen=True, kw_only=True):
    """An error in OpenAI's form, which is ours, too."""

    error: ErrorDetail


class TeiError(Answer, frozen=True, kw_only=True):
    """An error of Text Embeddings Inference."""

    error: str
    error_type: str


class CohereError(Answer, frozen=True, kw_only=True):
    """An error of Cohere."""

    message: str


class TensorFlowError(Answer, frozen=True, kw_only=True):
    """An error of TensorFlow Serving."""

    error: str
