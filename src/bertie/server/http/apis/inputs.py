"""Inputs of embeddings: a text, token ids, or several of either."""

from typing import Annotated, Any, TypeAlias

from msgspec import Meta

from bertie.calls.token_ids import TokenIds
from bertie.server.http.errors import RequestError
from bertie.tokenize import Tokenizer

TokenId: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
# Said in the description alone: of none at all each API has words of its own.
AT_LEAST_ONE = Meta(extra_json_schema={"minItems": 1})
Texts: TypeAlias = Annotated[list[str], AT_LEAST_ONE]
# str | [str] | [int] | [[int]]; msgspec can't tell lists apart by what they hold: see input_list.
TextsOrIds: TypeAlias = Annotated[
    str | list[str | TokenId | list[TokenId]],
    Meta(
        description="A text, the token ids of one, or several of either.",
        extra_json_schema={
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
                {
                    "type": "array",
                    "items": {"type": "array", "items": {"type": "integer"}},
                    "minItems": 1,
                },
            ]
        },
    ),
]


def input_list(given: Any, name: str) -> tuple[list[Any], bool]:
    """Make a list of what the library takes.

    Args:
        given: TextsOrIds.
        name: the body's word for it.
    Returns: texts or TokenIds, and whether it was just one.
    Raises: RequestError: none at all, or texts among ids.
    """
    if isinstance(given, str):
        return [given], True
    if not given:
        raise RequestError("empty", f"{name} is empty, expected a text or several", param=name)
    kinds = {type(one) for one in given}
    if kinds == {str}:
        return list(given), False
    if kinds == {int}:
        return [TokenIds(tuple(given))], True
    if kinds == {list} and all(type(id) is int for ids in given for id in ids):
        return [TokenIds(tuple(ids)) for ids in given], False
    raise RequestError(
        "invalid", f"{name} mixes texts and token ids, expected all of one kind", param=name
    )


def first_tokens(tokenizer: Tokenizer, text: str, most: int) -> str:
    """Cut a text behind so many of its tokens."""
    found = tokenizer.encode(text, add_special_tokens=False, max_length=most)
    return text[: found.offsets[-1][1]] if found.truncated else text
