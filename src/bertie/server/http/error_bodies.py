"""The bodies of errors, as each API has them."""

from typing import Annotated

from msgspec import Meta

from bertie.server.http.errors import ErrorInfo
from bertie.server.http.serialization import ResponseBody


class ErrorDetail(ResponseBody, frozen=True, kw_only=True):
    """What went wrong."""

    message: Annotated[str, Meta(description="What was seen, what was expected, what to do.")]
    type: str
    param: str | None
    code: str


class Error(ResponseBody, frozen=True, kw_only=True):
    """An error in OpenAI's form, which is ours, too."""

    error: ErrorDetail

    @classmethod
    def of(cls, error: ErrorInfo) -> "Error":
        """Fill in an error."""
        detail = ErrorDetail(
            message=error.message,
            type=error.kind.type,
            param=error.param,
            code=error.kind.name,
        )
        return cls(error=detail)


class TeiError(ResponseBody, frozen=True, kw_only=True):
    """An error of Text Embeddings Inference."""

    error: str
    error_type: str

    @classmethod
    def of(cls, error: ErrorInfo) -> "TeiError":
        """Fill in an error."""
        return cls(error=error.message, error_type=error.kind.tei)


class CohereError(ResponseBody, frozen=True, kw_only=True):
    """An error of Cohere."""

    message: str

    @classmethod
    def of(cls, error: ErrorInfo) -> "CohereError":
        """Fill in an error."""
        return cls(message=error.message)


class TensorFlowError(ResponseBody, frozen=True, kw_only=True):
    """An error of TensorFlow Serving."""

    error: str

    @classmethod
    def of(cls, error: ErrorInfo) -> "TensorFlowError":
        """Fill in an error."""
        return cls(error=error.message)
