"""The tokenizer of a model: text to ids, with everything the model's files say about it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from bertie.config import Setting
from bertie.errors import InputError, SourceError
from bertie.tokenize import decode
from bertie.tokenize.definition import Definition, FrameItem
from bertie.tokenize.encoding import Encoding, PackedEncodings
from bertie.tokenize.vocab import Vocab

Truncate = Literal["right", "left", "error"]
_TRUNCATE = ("right", "left", "error")


class Tokenizer:
    """A WordPiece tokenizer, giving what Hugging Face's `tokenizers` gives for the same files.

    Safe to share between threads; pickled by value.

    Attributes:
        settings: by name, each with where it came from: lower, strip_accents, clean_text,
            tokenize_chinese_chars, max_length (tokens; None: no limit known) and the special
            tokens unk_token, cls_token, sep_token, pad_token, mask_token.
        notes: what is odd about the files, and which of two that differ won.
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.settings: Mapping[str, Setting] = definition.settings
        self.notes: tuple[str, ...] = definition.notes

    @classmethod
    def load(
        cls,
        source: str | Path,
        *,
        lower: bool | None = None,
        max_length: int | None = None,
        vocab: str | Path | None = None,
    ) -> "Tokenizer":
        """Read the tokenizer of a model.

        Args:
            source: a directory with tokenizer.json or vocab.txt.
            lower: lower-case the text or don't, whatever the files say.
            max_length: tokens, special ones included, that `encode` and `encode_batch` keep.
            vocab: a vocab.txt to use instead of the source's.
        Raises:
            SourceError: nothing is there to tokenize with.
            TokenizerError: a file is broken, or lacks a token that BERT needs.
        """
        from bertie.tokenize.directory import read

        directory = Path(source)
        if not directory.is_dir():
            raise SourceError(f"{directory}: no such directory, expected a model's")
        _check_length(max_length)
        given = None if vocab is None else Path(vocab)
        return cls(read(directory, lower=lower, max_length=max_length, vocab=given))

    @cached_property
    def vocab(self) -> Vocab:
        """Every token, the added ones included."""
        added = {t.id: t.content for t in self.definition.added}
        model = self.definition.vocab.tokens
        return Vocab([*model, *(added[i] for i in sorted(added) if i >= len(model))])

    @property
    def vocab_size(self) -> int:
        """Ids, those of added tokens included."""
        return len(self.vocab)

    def token_of(self, id: int) -> str:
        """Return the id's token. Raises: InputError: the id is outside the vocabulary."""
        return self.vocab.token_of(id)

    def id_of(self, token: str) -> int:
        """Return the token's id. Raises: InputError: there is no such token."""
        return self.vocab.id_of(token)

    def encode(
        self,
        text: str,
        pair: str | None = None,
        *,
        add_special_tokens: bool = True,
        max_length: int | None = None,
        truncate: Truncate = "right",
    ) -> Encoding:
        """Tokenize one text, or a pair, with everything there is to know about each token.

        Args:
            add_special_tokens: frame the text, as by [CLS] and [SEP].
            max_length: tokens to keep, special ones included; None is what was given to `load`,
                and without that there is no limit.
            truncate: where tokens are left out: "right" or "left"; of a pair, the longer text
                loses first. "error" refuses.
        Raises: InputError: a text is no str or has a lone surrogate, or is too long for "error".
        """
        limit = self._limit(max_length, truncate)
        ids, type_ids, offsets, word_ids, special, truncated = self._core.encode(
            text, pair, add_special_tokens, limit, truncate == "left"
        )
        if truncated and truncate == "error":
            raise _too_long("text", len(ids), truncated, limit)
        tokens = [self.vocab.tokens[id] for id in ids]
        return Encoding(ids, type_ids, tokens, offsets, word_ids, special, truncated)

    def encode_batch(
        self,
        texts: Iterable[str],
        pairs: Iterable[str] | None = None,
        *,
        add_special_tokens: bool = True,
        max_length: int | None = None,
        truncate: Truncate = "right",
        threads: int | None = None,
    ) -> PackedEncodings:
        """Tokenize many texts in parallel into packed ids.

        Args:
            pairs: the second text of each, as many as there are texts.
            threads: to use; None: one for each core. The result is the same for any count.
        Raises: InputError: as `encode`, naming the text's position; nothing is computed then.
        """
        limit = self._limit(max_length, truncate)
        if threads is not None and threads < 1:
            raise InputError(f"threads is {threads}, expected at least 1, or None for all cores")
        first = _listed(texts, "texts")
        second = None if pairs is None else _listed(pairs, "pairs")
        if second is not None and len(second) != len(first):
            raise InputError(f"{len(first)} texts and {len(second)} pairs, expected as many")
        packed = PackedEncodings(
            *self._core.encode_batch(
                first, second, add_special_tokens, limit, truncate == "left", threads or 0
            )
        )
        if truncate == "error" and packed.truncated.any():
            over = packed.truncated.nonzero()[0]
            i = int(over[0])
            more = f" (and {len(over) - 1} more)" if len(over) > 1 else ""
            kept, left_out = int(packed.lengths[i]), int(packed.truncated[i])
            raise _too_long(f"texts[{i}]{more}", kept, left_out, limit)
        return packed

    def decode(self, ids: Iterable[int], *, skip_special_tokens: bool = True) -> str:
        """Join the tokens of ids into text, tidied as WordPiece's decoder does.

        Raises: InputError: an id is outside the vocabulary.
        """
        tokens = [self.vocab.token_of(int(id)) for id in ids]
        if skip_special_tokens:
            special = {t.content for t in self.definition.added if t.special}
            tokens = [token for token in tokens if token not in special]
        return decode.join(tokens, self.definition.decoder_prefix, self.definition.cleanup)

    def normalize(self, text: str) -> str:
        """Return the text as its words are looked up: cleaned, in lower case and so on."""
        normalized: str = self._core.normalize(text)
        return normalized

    def words(self, text: str) -> list[tuple[str, tuple[int, int]]]:
        """Return the normalized words of a text, each with its (start, end) in the text.

        Added tokens are not looked for.
        """
        return [(word, (start, end)) for word, start, end in self._core.words(text)]

    def identity(self) -> dict[str, Any]:
        """Return everything that decides the ids, as plain JSON values."""
        d = self.definition
        names = ("clean_text", "tokenize_chinese_chars", "strip_accents", "lower")
        return {
            "vocab": list(d.vocab),
            "added": [asdict(token) for token in d.added],
            "unknown": d.unknown,
            "prefix": d.prefix,
            "max_chars": d.max_chars,
            "single": [[i.item, i.type_id] for i in d.single],
            "pair": [[i.item, i.type_id] for i in d.pair],
            **{name: self.settings[name].value for name in names},
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.definition,)

    @cached_property
    def _core(self) -> Any:
        from bertie import _core

        d = self.definition
        return _core.TextTokenizer(
            tokens=d.vocab.tokens,
            added=[
                (t.content, t.id, t.single_word, t.lstrip, t.rstrip, t.normalized) for t in d.added
            ],
            clean_text=self.settings["clean_text"].value,
            cjk_spacing=self.settings["tokenize_chinese_chars"].value,
            strip_accents=self.settings["strip_accents"].value,
            lower=self.settings["lower"].value,
            prefix=d.prefix,
            unknown=d.vocab.ids[d.unknown],
            max_chars=d.max_chars,
            single=_rows(d.single),
            pair=_rows(d.pair),
        )

    def _limit(self, max_length: int | None, truncate: str) -> int:
        """Return the most tokens to keep, -1 for no limit."""
        if truncate not in _TRUNCATE:
            raise InputError(f"truncate is {truncate!r}, expected one of {', '.join(_TRUNCATE)}")
        _check_length(max_length)
        if max_length is not None:
            return max_length
        given = self.settings["max_length"]
        return given.value if given.origin == "caller" else -1


def _check_length(max_length: int | None) -> None:
    if max_length is not None and max_length < 0:
        raise InputError(f"max_length is {max_length}, expected 0 tokens or more, or None")


def _listed(texts: Iterable[str], name: str) -> tuple[str, ...]:
    if isinstance(texts, str | bytes):
        raise InputError(f"{name} is one {type(texts).__name__}, expected a list of str")
    return tuple(texts)


def _too_long(name: str, kept: int, left_out: int, limit: int) -> InputError:
    return InputError(
        f"{name} has {kept + left_out} tokens with the special ones, expected at most {limit}: "
        'shorten it, raise max_length, or pass truncate="right" or "left"'
    )


def _rows(frame: Iterable[FrameItem]) -> list[tuple[int, int, int]]:
    """Turn a frame into the core's rows: (0: special, 1: first text, 2: second; id; type id)."""
    texts = {"A": 1, "B": 2}
    return [
        (texts[i.item], 0, i.type_id) if isinstance(i.item, str) else (0, i.item, i.type_id)
        for i in frame
    ]
