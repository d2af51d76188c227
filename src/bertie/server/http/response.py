"""Responses, and the headers that tell of the work behind them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bertie.server.scheduling.inference import InferenceResponse

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Response:
    """What is sent back.

    Attributes:
        body: bytes.
        status: HTTP's.
        media_type: of the body.
        headers: beside those that every response has.
    """

    body: bytes
    status: int = 200
    media_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def compute_headers(
    responses: Iterable[InferenceResponse], total_s: float
) -> Iterator[tuple[str, str]]:
    """Tell what computing took, as Text Embeddings Inference does, and what was left out.

    Args:
        responses: all that the service gave.
        total_s: seconds since it came in.
    """
    several = list(responses)
    if not several:
        return
    yield "x-compute-type", "cpu"
    yield "x-compute-time", _ms(total_s)
    yield "x-compute-characters", str(sum(one.characters for one in several))
    yield "x-compute-tokens", str(sum(sum(one.tokens) for one in several))
    yield "x-total-time", _ms(total_s)
    yield "x-tokenization-time", _ms(sum(one.tokenization_s for one in several))
    yield "x-queue-time", _ms(sum(one.queue_s for one in several))
    yield "x-inference-time", _ms(sum(one.inference_s for one in several))
    yield "x-bertie-fingerprint", several[-1].fingerprint
    cut = [tokens for one in several for tokens in one.truncated if tokens]
    if cut:
        yield "x-truncated-inputs", str(len(cut))
        yield "x-truncated-tokens", str(sum(cut))


def _ms(seconds: float) -> str:
    """Write whole milliseconds."""
    return str(round(seconds * 1000))
