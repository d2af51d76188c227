"""From tokens back to text, as WordPiece's decoder does it."""

from collections.abc import Sequence

# What the decoder of `tokenizers` tidies, in its order, one token at a time.
_TIDIED = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" do not", " don't"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


def join(tokens: Sequence[str], prefix: str | None, cleanup: bool) -> str:
    """Join tokens into text.

    Args:
        prefix: of tokens that continue a word, dropped with the space before them; None keeps
            every token as it is, with spaces between.
        cleanup: also drop the spaces before punctuation and English contractions.
    """
    if prefix is None:
        return " ".join(tokens)
    parts = []
    for i, token in enumerate(tokens):
        part = token
        if i > 0:
            part = token.removeprefix(prefix) if token.startswith(prefix) else f" {token}"
        if cleanup:
            for spaced, tidy in _TIDIED:
                part = part.replace(spaced, tidy)
        parts.append(part)
    return "".join(parts)
