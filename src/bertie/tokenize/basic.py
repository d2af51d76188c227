"""BERT's basic tokenizer: text cleaned and cut into words, without a vocabulary."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any


class BasicTokenizer:
    """Cleans text, spaces Chinese characters, lower-cases, and splits at spaces and punctuation.

    Attributes are the arguments.
    """

    def __init__(
        self,
        lower: bool = True,
        *,
        strip_accents: bool | None = None,
        clean_text: bool = True,
        tokenize_chinese_chars: bool = True,
        never_split: Iterable[str] = (),
    ) -> None:
        """Settle what is done to a text.

        Args:
            lower: make capitals small.
            strip_accents: drop nonspacing marks; None: as lower.
            clean_text: drop control characters and make every white space a space.
            tokenize_chinese_chars: make each Chinese character a word.
            never_split: words that stay as they are, where white space is on both sides.
        """
        self.lower = lower
        self.strip_accents = lower if strip_accents is None else strip_accents
        self.clean_text = clean_text
        self.tokenize_chinese_chars = tokenize_chinese_chars
        self.never_split = frozenset(never_split)

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text. Raises: InputError: the text is none."""
        if not self.never_split:
            return [word for word, _ in self.words(text)]
        tokens: list[str] = []
        for token in self._spacing.normalize(text).split():
            tokens += [token] if token in self.never_split else self._all_words(token)
        return tokens

    def words(self, text: str) -> list[tuple[str, tuple[int, int]]]:
        """Return the words of a text, each with the (start, end) in the text that it comes from.

        never_split is not heeded. Raises: InputError: the text is none.
        """
        found: list[tuple[str, tuple[int, int]]] = self._core.words(text)
        return found

    def normalize(self, text: str) -> str:
        """Return a text as it is before it is split. Raises: InputError: the text is none."""
        normalized: str = self._core.normalize(text)
        return normalized

    def _all_words(self, text: str) -> list[str]:
        return [word for word, _ in self.words(text)]

    @cached_property
    def _core(self) -> Any:
        from bertie import _core

        return _core.Normalizer(
            self.clean_text, self.tokenize_chinese_chars, self.strip_accents, self.lower
        )

    @cached_property
    def _spacing(self) -> Any:
        from bertie import _core

        return _core.Normalizer(self.clean_text, self.tokenize_chinese_chars, False, False)
