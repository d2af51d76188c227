"""What multiplies in a request, refused or held down before anything of that size is made."""

from bertie.server.http.asker import Asker
from bertie.server.http.faults import Refused

_FILLINGS = 5  # what the library gives for each mask where nothing is said


def check_crossed(asker: Asker, inputs: int, labels: int, param: str = "labels") -> None:
    """Refuse more pairs of an input and a label than the engine would ever hold inputs.

    Raises: Refused: there are more.
    """
    most = asker.app.engine.queue_inputs
    if inputs * labels > most:
        raise Refused(
            "invalid",
            f"{inputs} inputs with {labels} labels are {inputs * labels} pairs, expected at most"
            f" {most} (queue_inputs): send several requests",
            param=param,
        )


def check_fillings(asker: Asker, size: int, top_k: int | None) -> None:
    """Refuse to write more tokens for the masks of a request than the engine would ever hold.

    Args:
        size: what is written where each mask gets one token.
        top_k: tokens for each mask, or None for the library's default.
    Raises: Refused: there are more.
    """
    wanted = size * (_FILLINGS if top_k is None else top_k)
    most = asker.app.engine.queue_tokens
    if wanted > most:
        raise Refused(
            "invalid",
            f"what may stand for the masks takes up to {wanted} tokens, expected at most {most}"
            " (queue_tokens): ask for a smaller top_k",
            param="top_k",
        )


async def answer_length(asker: Asker, asked: int | None, model: str | None = None) -> int | None:
    """Hold an answer's tokens down to those that a model reads: there are no longer ones.

    Raises: UnknownModel, TaskError: no such model.
    """
    await asker.tokenizer("answer", model)
    assert asker.entry is not None
    longest = asker.entry.max_length
    return asked if asked is None or longest is None else min(asked, longest)
