"""Limits on what multiplies in a request, checked before anything of that size is made."""

from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError

_FILLINGS = 5  # what the library gives for each mask where nothing is said


def check_label_pairs(context: Context, inputs: int, labels: int, param: str = "labels") -> None:
    """Refuse more pairs of an input and a label than the queue ever holds inputs.

    Raises: RequestError: there are more.
    """
    most = context.state.scheduling_settings.queue_inputs
    if inputs * labels > most:
        raise RequestError(
            "invalid",
            f"{inputs} inputs with {labels} labels are {inputs * labels} pairs, expected at most"
            f" {most} (queue_inputs): send several requests",
            param=param,
        )


def check_fillings(context: Context, size: int, top_k: int | None) -> None:
    """Refuse to write more tokens for the masks of a request than the queue ever holds.

    Args:
        size: what is written where each mask gets one token.
        top_k: tokens for each mask, or None for the library's default.
    Raises: RequestError: there are more.
    """
    wanted = size * (_FILLINGS if top_k is None else top_k)
    most = context.state.scheduling_settings.queue_tokens
    if wanted > most:
        raise RequestError(
            "invalid",
            f"what may stand for the masks takes up to {wanted} tokens, expected at most {most}"
            " (queue_tokens): ask for a smaller top_k",
            param="top_k",
        )


async def answer_length(
    context: Context, length: int | None, model: str | None = None
) -> int | None:
    """Hold an answer's tokens down to those that a model reads: there are no longer ones.

    Raises: UnknownModel, TaskError: no such model.
    """
    await context.tokenizer("answer", model)
    assert context.entry is not None
    longest = context.entry.max_length
    return length if length is None or longest is None else min(length, longest)
