"""Lower-casing before a tokenizer that doesn't: sentence-transformers' do_lower_case."""

import re
from collections.abc import Callable

from bertie.tokenize import Tokenizer


def lower_caser(tokenizer: Tokenizer, *, in_place: bool = False) -> Callable[[str], str]:
    """Make what lower-cases texts, each character by itself, and leaves special tokens as they are.

    Args:
        tokenizer: whose special tokens a text may hold.
        in_place: whether no character may move, as places in the caller's text need it: one that
            would become two is then left as it is.
    """
    special = {
        setting.value
        for name, setting in tokenizer.settings.items()
        if name.endswith("_token") and isinstance(setting.value, str) and setting.value
    }
    tokens = re.compile("|".join(f"({re.escape(token)})" for token in sorted(special)) or "(?!)")
    lower = _lower_in_place if in_place else _lower

    def lowered(text: str) -> str:
        parts, end = [], 0
        for found in tokens.finditer(text):
            parts += [lower(text[end : found.start()]), found[0]]
            end = found.end()
        return "".join([*parts, lower(text[end:])]) if parts else lower(text)

    return lowered


def _lower(text: str) -> str:
    """Lower-case each character, also a sigma at a word's end, which str.lower writes otherwise."""
    return text.replace("Σ", "σ").lower()


def _lower_in_place(text: str) -> str:
    """Lower-case without moving a character."""
    lowered = _lower(text)
    if len(lowered) == len(text):
        return lowered
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
