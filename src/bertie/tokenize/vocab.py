"""The tokens of a model and their ids."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from bertie.errors import InputError, TokenizerError

# Rust's char::is_whitespace, which `tokenizers` trims from the ends of a vocabulary's lines.
_WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


class Vocab:
    """Tokens by id and ids by token. Of two equal tokens, the later one's id is the token's."""

    def __init__(self, tokens: Iterable[str] = ()) -> None:
        self._tokens = list(tokens)
        self._ids: dict[str, int] | None = None

    @classmethod
    def from_file(cls, path: str | Path) -> "Vocab":
        """Read a vocab.txt: one token a line, the line's number (from 0) its id.

        Raises: TokenizerError: the file can't be read, or isn't UTF-8.
        """
        path = Path(path)
        try:
            text = path.read_bytes().decode()
        except OSError as error:
            raise TokenizerError(f"{path}: {error.strerror}, expected a vocabulary file") from error
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            raise TokenizerError(
                f"{path}: line {line} is not UTF-8 ({error.reason}); a vocabulary is UTF-8 text "
                "with one token a line: convert it, or give another with vocab="
            ) from error
        lines = text.split("\n")
        if not lines[-1]:
            lines.pop()
        return cls(line.rstrip(_WHITE_SPACE) for line in lines)

    @classmethod
    def from_ids(cls, ids: dict[str, int]) -> "Vocab":
        """Take over tokens whose ids are 0, 1, 2, … in that order."""
        vocab = cls(ids)
        vocab._ids = ids
        return vocab

    @classmethod
    def with_holes(cls, ids: dict[str, int]) -> "Vocab":
        """Take over tokens with ids of their own; one that none has is blank, and no token's."""
        tokens = [""] * (max(ids.values(), default=-1) + 1)
        for token, id in ids.items():
            tokens[id] = token
        vocab = cls(tokens)
        vocab._ids = ids
        return vocab

    @property
    def ids(self) -> dict[str, int]:
        """From token to id; made on first need."""
        if self._ids is None:
            self._ids = dict(zip(self._tokens, range(len(self._tokens)), strict=True))
        return self._ids

    @property
    def tokens(self) -> list[str]:
        """From id to token; not to be changed."""
        return self._tokens

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about the tokens: blank ones and duplicates."""
        if "" not in self.ids and len(self.ids) == len(self._tokens) and "" not in self._tokens:
            return ()
        notes = []
        blank = [i for i, token in enumerate(self._tokens) if not token]
        if blank:
            notes.append(f"{len(blank)} blank, the first with id {blank[0]}")
        ids = self.ids
        repeated = [i for i, token in enumerate(self._tokens) if token and ids[token] != i]
        if repeated:
            token = self._tokens[repeated[0]]
            notes.append(
                f"{len(repeated)} repeated, the first {token!r}: its id is {self.ids[token]}, the "
                f"later one, and {repeated[0]} is never used"
            )
        return tuple(notes)

    @property
    def size(self) -> int:
        """Ids, whether a token is found under each or not."""
        return len(self._tokens)

    def one(self, token: str) -> int | None:
        """Find one token's id, None where there is none, without the table for all of them."""
        if self._ids is not None:
            return self._ids.get(token)
        try:
            return len(self._tokens) - 1 - self._tokens[::-1].index(token)
        except ValueError:
            return None

    def add(self, token: str) -> int:
        """Add a token after the others and return its id; one that is there keeps its own."""
        if token not in self.ids:
            self.ids[token] = len(self._tokens)
            self._tokens.append(token)
        return self.ids[token]

    def longest_prefix(self, text: str) -> str:
        """Return the longest token that the text begins with; "" where there is none."""
        longest = min(len(text), self._longest())
        return next((text[:n] for n in range(longest, 0, -1) if text[:n] in self.ids), "")

    def ids_of(self, tokens: Iterable[str]) -> list[int]:
        """Return the tokens' ids. Raises: InputError: one is not in the vocabulary."""
        return [self.id_of(token) for token in tokens]

    def tokens_of(self, ids: Iterable[int]) -> list[str]:
        """Return the ids' tokens. Raises: InputError: one is outside the vocabulary."""
        return [self.token_of(id) for id in ids]

    def _longest(self) -> int:
        return max(map(len, self._tokens), default=0)

    def id_of(self, token: str) -> int:
        """Return the token's id. Raises: InputError: there is no such token."""
        try:
            return self.ids[token]
        except KeyError:
            raise InputError(
                f"{token!r} is not in the vocabulary of {len(self)} tokens: look for the token as "
                "the vocabulary writes it, '##' before pieces inside a word"
            ) from None

    def token_of(self, id: int) -> str:
        """Return the id's token. Raises: InputError: the id is outside the vocabulary."""
        if not 0 <= id < len(self._tokens):
            raise InputError(
                f"id {id} is outside the vocabulary, expected 0 to {len(self) - 1}: an id beyond it"
                " comes from another model's tokenizer"
            )
        if not self._tokens[id]:
            raise InputError(
                f"id {id} is a hole in the vocabulary, which has no token for it: it comes from"
                " another model's tokenizer"
            )
        return self._tokens[id]

    def __len__(self) -> int:
        return len(self._tokens)

    def __contains__(self, token: object) -> bool:
        return token in self.ids

    def __iter__(self) -> Iterator[str]:
        return iter(self._tokens)
