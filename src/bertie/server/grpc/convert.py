"""Messages of tei.v1 to the bodies that HTTP's handlers take, and what those give to messages."""

import time
from typing import Any

from bertie.server.grpc import tei_pb2 as pb
from bertie.server.http.apis import tei_bodies as bodies
from bertie.server.http.context import Context


def metadata(context: Context, started: float) -> pb.Metadata:
    """Say what answering took.

    Args:
        context: the request's.
        started: time.perf_counter when it came in.
    """
    responses = context.responses
    return pb.Metadata(
        compute_chars=sum(one.characters for one in responses),
        compute_tokens=context.tokens,
        total_time_ns=_ns(time.perf_counter() - started),
        tokenization_time_ns=_ns(sum(one.tokenization_s for one in responses)),
        queue_time_ns=_ns(sum(one.queue_s for one in responses)),
        inference_time_ns=_ns(sum(one.inference_s for one in responses)),
    )


def _ns(seconds: float) -> int:
    """Turn seconds into nanoseconds."""
    return round(seconds * 1e9)


def truncation(message: Any) -> dict[str, Any]:
    """Read what becomes of long inputs; a bool of proto3 that isn't there is false."""
    left = message.truncation_direction == pb.TRUNCATION_DIRECTION_LEFT
    return {"truncate": message.truncate, "truncation_direction": "left" if left else "right"}


def optional(message: Any, name: str) -> Any:
    """Give a field that may be missing."""
    return getattr(message, name) if message.HasField(name) else None


def embed_body(message: Any) -> bodies.EmbedBody:
    """Read an EmbedRequest."""
    normalize = optional(message, "normalize")
    return bodies.EmbedBody(
        inputs=message.inputs,
        normalize=True if normalize is None else normalize,
        prompt_name=optional(message, "prompt_name"),
        dimensions=optional(message, "dimensions"),
        **truncation(message),
    )


def tokens_body(message: Any) -> bodies.TokensBody:
    """Read an EmbedSparseRequest or EmbedAllRequest."""
    return bodies.TokensBody(
        inputs=message.inputs, prompt_name=optional(message, "prompt_name"), **truncation(message)
    )
