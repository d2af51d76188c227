"""Words by a text's own characters, the same whatever tokenizer cuts it into tokens.

What BERT's pre-tokenizer calls words, but that symbols outside of ASCII don't join letters.
"""

import re
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]

# Chinese characters as BERT has them, with the extensions that came later.
_CHINESE = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))

# The code points whose kinds are kept.
_KEPT = 0x10000

# Letters and digits; a Chinese character; a punctuation mark; symbols. Marks stay with what they
# stand on; controls divide nothing and belong to a word only inside one.
_WORD = re.compile(r"c[mi]*m|c|pm*|sm*(?:i*sm*)*|[lm]+(?:i+[lm]+)*")


def _kind(code: int) -> str:
    """Say what kind a character is, by one letter as in the pattern of a word."""
    character = chr(code)
    if character.isspace():
        return " "
    if code < 128 and not character.isalnum():
        return "p" if character.isprintable() else "i"
    if any(first <= code <= last for first, last in _CHINESE):
        return "c"
    found = category(character)
    if found in ("Cc", "Cf"):
        return "i"
    # An unassigned character may be a letter of a later Unicode.
    return {"P": "p", "S": "s", "M": "m", "Z": " "}.get(found[0], "l")


class _Kinds(dict[int, str]):
    """The kinds of characters, those of most scripts kept once they are met."""

    def __missing__(self, code: int) -> str:
        kind = _kind(code)
        if code < _KEPT:
            self[code] = kind
        return kind


_KINDS = _Kinds()


class Words:
    """Where the words of a text are."""

    def __init__(self, text: str) -> None:
        """Find them."""
        size = len(text)
        spans = [found.span() for found in _WORD.finditer(text.translate(_KINDS))]
        edges = np.array(spans, np.int32).reshape(-1, 2)
        steps = np.zeros(size + 1, np.int32)
        steps[edges[:, 0]] += 1
        inside = steps.copy()
        np.subtract.at(inside, edges[:, 1], 1)
        blank = np.cumsum(inside) == 0
        places = np.arange(size + 1, dtype=np.int32)
        self._of = np.cumsum(steps, dtype=np.int32) - 1
        # The first character of a word from each place on, and the last one before it.
        following = np.where(blank, size, places)[::-1]
        self._next = np.minimum.accumulate(following)[::-1]
        preceding = np.where(blank, -1, places)[:-1]
        self._last = np.maximum.accumulate(np.concatenate([[-1], preceding]))
        self._leads = np.arange(len(spans), dtype=np.int32)

    def trimmed(self, offsets: Ints) -> Ints:
        """Leave out what is in no word at either end of spans; (spans, 2), both int32."""
        starts, ends = self._next[offsets[:, 0]], self._last[offsets[:, 1]] + 1
        return np.stack([starts, np.maximum(starts, ends)], axis=1).astype(np.int32)

    def join(self, offsets: Ints) -> None:
        """Make one word of those that any of a text's tokens reaches over; no token is divided.

        Args:
            offsets: (tokens, 2), of all the text's tokens.
        """
        starts, ends = self.trimmed(offsets).T
        some = starts < ends
        firsts, lasts = self._of[starts[some]], self._of[ends[some] - 1]
        wide = firsts < lasts
        steps = np.zeros(len(self._leads) + 1, np.int32)
        np.add.at(steps, firsts[wide] + 1, 1)
        np.subtract.at(steps, lasts[wide] + 1, 1)
        glued = np.cumsum(steps)[:-1] > 0
        self._leads = np.maximum.accumulate(np.where(glued, 0, self._leads))

    def ids(self, offsets: Ints, splits: list[int]) -> Ints:
        """Find the word of each token, the first of those joined; -1 for one of no characters.

        A token of white space alone is in the word that it touches, if the tokenizer cut both
        from one piece of text: a Unigram's mark of a word's beginning may be a token.

        Args:
            offsets: (tokens, 2), of tokens that stand side by side.
            splits: which piece of text the tokenizer cut each from.
        """
        starts, ends = self.trimmed(offsets).T
        found = np.full(len(offsets), -1, np.int32)
        some = starts < ends
        found[some] = self._leads[self._of[starts[some]]]
        for i in np.flatnonzero(~some)[::-1].tolist():
            touches = i + 1 < len(found) and starts[i + 1] == max(offsets[i])
            if touches and splits[i] == splits[i + 1]:
                found[i] = found[i + 1]
        return found


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out the white space and the controls at either end of a span of a text."""
    while start < end and _KINDS[ord(text[start])] in " i":
        start += 1
    while start < end and _KINDS[ord(text[end - 1])] in " i":
        end -= 1
    return start, end


def after_marks(text: str, end: int, limit: int) -> int:
    """Find the end of the marks that stand on a span's last character.

    A tokenizer that drops accents has no token for them: `cafe` of a decomposed `café`, and words
    of Arabic and Hindi without their last vowel.

    Args:
        end: of a span that isn't empty.
        limit: where the next token begins.
    """
    while end < limit and _KINDS[ord(text[end])] == "m":
        end += 1
    return end


def count_solid(text: str) -> Ints:
    """Count the characters before each place that are no white space and no controls.

    Returns: (characters + 1,) int32.
    """
    kinds = np.frombuffer(text.translate(_KINDS).encode("ascii"), np.uint8)
    solid = (kinds != ord(" ")) & (kinds != ord("i"))
    return np.concatenate([[0], np.cumsum(solid)]).astype(np.int32)
