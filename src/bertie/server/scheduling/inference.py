"""An inference: what a request wants of a model, and the response."""

from dataclasses import dataclass, replace
from typing import Any

from bertie.calls.token_ids import TokenIds
from bertie.errors import InputError
from bertie.tasks.methods import Method


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """Some inputs for one method of one model.

    Attributes:
        model: a name in the registry.
        method: a key of bertie.server.methods.METHODS.
        inputs: what the library's method takes for one input each: a text, a tuple of two texts,
            or a TokenIds or Tensors where the method takes them.
        options: the method's keyword arguments, sorted by name and hashable: lists as tuples.
        priority: the higher is computed first.
        deadline: when the answer is of no use any more, in seconds of time.monotonic.
    """

    model: str
    method: str
    inputs: tuple[Any, ...]
    options: tuple[tuple[str, Any], ...] = ()
    priority: int = 0
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class InferenceResponse:
    """The answers to an InferenceRequest.

    Attributes:
        answers: one for each input, as the library gives them: rows of an array, frozen records.
        tokens: of each input, special ones included, after truncation.
        truncated: of each input, tokens left out; 0 where none were.
        characters: of all inputs, in code points.
        tokenization_s: seconds that counting tokens took.
        queue_s: seconds of waiting.
        inference_s: seconds that the batch with the last of the answers took.
        fingerprint: of the model that answered.
    """

    answers: tuple[Any, ...]
    tokens: tuple[int, ...]
    truncated: tuple[int, ...]
    characters: int
    tokenization_s: float
    queue_s: float
    inference_s: float
    fingerprint: str


def unwrap_token_ids(request: InferenceRequest, method: Method) -> InferenceRequest:
    """Turn TokenIds into what the library's methods take, lists of ids and an option that says so.

    Raises: InputError: texts among them, or a method that takes none.
    """
    kinds = {isinstance(one, TokenIds) for one in request.inputs}
    if True not in kinds:
        return request
    if False in kinds or not method.token_ids:
        raise InputError(
            "inputs are token ids among texts, expected one or the other"
            if method.token_ids
            else f"inputs are token ids, which {request.method} doesn't take: expected texts"
        )
    ids = tuple(one.ids for one in request.inputs)
    return replace(request, inputs=ids, options=(*request.options, ("token_ids", True)))


def as_tuples(value: Any) -> Any:
    """Turn lists into tuples, which can be hashed."""
    return tuple(map(as_tuples, value)) if isinstance(value, (list, tuple)) else value


def as_lists(words: Any) -> Any:
    """Turn words, or a pair of such, from tuples into the lists that the methods take."""
    if isinstance(words, tuple) and words and isinstance(words[0], tuple):
        return tuple(map(list, words))
    return list(words) if isinstance(words, tuple) else words
