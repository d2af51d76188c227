"""Text Embeddings Inference over HTTP: texts to tokens and back."""

from typing import Any

from bertie.server.http.api import TEI
from bertie.server.http.apis import tei_bodies as bodies
from bertie.server.http.apis.tei import find_prompt
from bertie.server.http.context import Context
from bertie.server.http.errors import RequestError
from bertie.server.http.route import Route
from bertie.tokenize import Tokenizer


async def tokenize(context: Context, body: bodies.TokenizeBody) -> list[list[bodies.SimpleToken]]:
    """Tokenize texts, with every token's place in bytes."""
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    if not texts:
        raise RequestError("empty", "inputs is empty, expected a text or several", param="inputs")
    context.check_count(len(texts), "inputs", limit="max_inputs")
    tokenizer = await context.tokenizer()
    prompt = await find_prompt(context, None, body.prompt_name)
    return [_simple_tokens(tokenizer, prompt + text, body.add_special_tokens) for text in texts]


def _simple_tokens(tokenizer: Tokenizer, text: str, special: bool) -> list[bodies.SimpleToken]:
    """Tokenize one text."""
    found = tokenizer.encode(text, add_special_tokens=special)
    places = _byte_places(text)
    tokens = []
    for id, token, (start, end), framing in zip(
        found.ids, found.tokens, found.offsets, found.special_mask, strict=True
    ):
        tokens.append(
            bodies.SimpleToken(
                id=id,
                text=token if framing else text[start:end],
                special=bool(framing),
                start=None if framing else places[start],
                stop=None if framing else places[end],
            )
        )
    return tokens


def _byte_places(text: str) -> "range | list[int]":
    """Say where each character begins in UTF-8, and where the text ends."""
    if text.isascii():
        return range(len(text) + 1)
    places = [0]
    for character in text:
        places.append(places[-1] + len(character.encode()))
    return places


async def decode(context: Context, body: bodies.DecodeBody) -> list[str]:
    """Join the tokens of ids into texts."""
    if not body.ids:
        raise RequestError(
            "empty", "ids is empty, expected the ids of a text or several", param="ids"
        )
    several: list[Any] = body.ids if isinstance(body.ids[0], list) else [body.ids]
    if not all(isinstance(ids, list) and all(type(id) is int for id in ids) for ids in several):
        raise RequestError(
            "invalid", "ids mixes ids and lists of them, expected all of one kind", param="ids"
        )
    context.check_count(len(several), "ids", limit="max_inputs")
    tokenizer = await context.tokenizer()
    return [tokenizer.decode(ids, skip_special_tokens=body.skip_special_tokens) for ids in several]


ROUTES = (
    Route("POST", "/tokenize", tokenize, TEI, bodies.TokenizeBody, list[list[bodies.SimpleToken]]),
    Route("POST", "/decode", decode, TEI, bodies.DecodeBody, list[str]),
)
