"""Bisection: inputs that fail are found, and fail alone."""

import re
from collections.abc import Callable
from typing import Any

from bertie.errors import BertieError, InputError, ServerError

# How the library's messages begin that name one of the inputs.
_POSITION = re.compile(r"^(text|question|instance) 0\b")


def bisect(
    compute: Callable[[list[Any]], Any], inputs: list[Any]
) -> tuple[Any, dict[int, BaseException]]:
    """Answer all inputs that can be answered.

    Args:
        compute: gives one answer for each of some inputs, or raises.
        inputs: any number.
    Returns: an array or a list, with None for each input that fails; the errors by position.
    """
    try:
        return compute(inputs), {}
    except Exception as error:
        if len(inputs) == 1:
            return [None], {0: _picklable(error)}
    try:
        compute([])
    except Exception as error:  # the call itself can't be, whatever its inputs
        return [None] * len(inputs), dict.fromkeys(range(len(inputs)), _picklable(error))
    middle = len(inputs) // 2
    first, errors = bisect(compute, inputs[:middle])
    second, others = bisect(compute, inputs[middle:])
    return [*first, *second], errors | {middle + i: error for i, error in others.items()}


def _picklable(error: Exception) -> BertieError:
    """Give an error that the front process can unpickle and knows how to answer."""
    if isinstance(error, BertieError):
        return error
    return ServerError(f"computing failed: {type(error).__name__}: {error}")


def with_position(error: BaseException, position: int) -> BaseException:
    """Let an error of one input alone name its position among those of its request."""
    if not isinstance(error, InputError) or not _POSITION.match(str(error)):
        return error
    return type(error)(_POSITION.sub(rf"\g<1> {position}", str(error)))
