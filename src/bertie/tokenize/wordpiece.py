"""WordPiece alone: words into the longest tokens of a vocabulary."""

from typing import Any

from bertie.tokenize.inputs import check_text
from bertie.tokenize.vocab import Vocab


class WordPieceTokenizer:
    """Splits words greedily: the longest token that starts a word, then the longest after it.

    Attributes:
        vocab: the tokens; those that continue a word begin with ##.
        unknown_token: stands for a word that can't be split.
        max_chars: code points; longer words are unknown. tokenizer.json and transformers have 100,
            Google's code 200.
    """

    def __init__(self, vocab: Vocab, *, unknown_token: str = "[UNK]", max_chars: int = 100) -> None:
        self.vocab = vocab
        self.unknown_token = unknown_token
        self.max_chars = max_chars
        self._made: tuple[int, Any] | None = None

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of words that white space parts.

        Raises: InputError: the text is none.
        """
        check_text(text, "text")
        core = self._core()
        tokens: list[str] = []
        for word in text.split():
            ids = core.split(word)
            tokens += [self.vocab.tokens[id] if id >= 0 else self.unknown_token for id in ids]
        return tokens

    def _core(self) -> Any:
        """Return the core's table of the vocabulary, made anew after tokens were added."""
        if self._made is None or self._made[0] != self.vocab.size:
            from bertie import _core

            made = _core.WordPiece(self.vocab.tokens, "##", self.max_chars)
            self._made = (self.vocab.size, made)
        return self._made[1]
