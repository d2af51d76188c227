"""The tokenizer of a model: text to ids, with everything the model's files say about it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from bertie.arguments import check_flags, check_threads
from bertie.checkpoint.config import Setting
from bertie.errors import InputError
from bertie.tokenize.backend import Backend, Options, Row, strategy_named
from bertie.tokenize.definition import Definition, HfDefinition, identity
from bertie.tokenize.encoding import Encoding, PackedEncodings, PackedWindows
from bertie.tokenize.inputs import (
    as_one,
    as_one_or_none,
    as_pairs,
    as_texts,
    check_count,
    check_room,
    chunks,
    whole_numbers,
)
from bertie.tokenize.vocab import Vocab

Truncate: TypeAlias = Literal["right", "left", "error"]
Strategy: TypeAlias = Literal["longest_first", "only_first", "only_second"]
# A text, or with split_words=True its words.
Text: TypeAlias = str | Sequence[str]

_TRUNCATE = ("right", "left", "error")


class Tokenizer:
    """A tokenizer that gives what Hugging Face's `tokenizers` gives for the same files.

    BERT's own (WordPiece) runs in Bertie's core, every other through the `tokenizers` package.
    Safe to share between threads; pickled by value.

    Attributes:
        definition: everything that decides the ids.
        settings: by name, each with where it came from: lower, strip_accents, clean_text,
            tokenize_chinese_chars, max_length (tokens; None: no limit known) and the special
            tokens unk_token, cls_token, sep_token, pad_token, mask_token.
        notes: what is odd about the files, and which of two that differ won.
        rows: the tokens that a model has embeddings of; None: no model is known.
    """

    def __init__(self, definition: Definition | HfDefinition, *, rows: int | None = None) -> None:
        self.definition = definition
        self.rows = rows
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
            source: a directory with tokenizer.json, vocab.txt, vocab.json and merges.txt, or
                a SentencePiece model; or any other name of a model.
            lower: lower-case the text or don't, whatever the files say.
            max_length: tokens, special ones included, that `encode` and `encode_batch` keep.
            vocab: a vocab.txt to use instead of the source's.
        Raises:
            SourceError: it can't be found, or has nothing to tokenize with.
            TokenizerError: a file is broken, or lacks a token that BERT needs.
        """
        from bertie.sources import resolve
        from bertie.tokenize import wordpiece_file

        check_count(max_length, "max_length")
        if lower is not None:
            check_flags(lower=lower)
        directory = resolve(source)
        if lower is None and vocab is None and (directory / wordpiece_file.NAME).is_file():
            return cls(wordpiece_file.read(directory / wordpiece_file.NAME, max_length))
        from bertie.tokenize.directory import read  # here because a bundle has no need of it

        given = None if vocab is None else Path(vocab)
        return cls(read(directory, lower=lower, max_length=max_length, vocab=given))

    @classmethod
    def from_vocab(
        cls,
        vocab: Vocab,
        *,
        lower: bool = True,
        strip_accents: bool | None = None,
        unknown_token: str = "[UNK]",
        max_chars: int = 100,
        never_split: Iterable[str] = (),
        max_length: int | None = None,
    ) -> "Tokenizer":
        """Make BERT's tokenizer of a vocabulary.

        Args:
            vocab: has [CLS], [SEP] and the unknown token.
            strip_accents: None: as lower.
            max_chars: code points; longer words are unknown. Google's code has 200 here.
            never_split: tokens of the vocabulary that are found in the text as they are, wherever
                no word character touches them.
            max_length: tokens, special ones included, that `encode` and `encode_batch` keep.
        Raises:
            TokenizerError: the vocabulary lacks a token that BERT needs.
            InputError: it lacks one of never_split.
        """
        from bertie.tokenize.bert_files import from_options

        check_flags(lower=lower)
        check_count(max_length, "max_length")
        check_count(max_chars, "max_chars")
        missing = [token for token in never_split if token not in vocab]
        if missing:
            raise InputError(
                f"never_split has {', '.join(missing)}, expected tokens of the vocabulary: add them"
            )
        return cls(
            from_options(
                vocab,
                lower=lower,
                strip_accents=strip_accents,
                unknown=unknown_token,
                max_chars=max_chars,
                never_split=tuple(never_split),
                max_length=max_length,
            )
        )

    @cached_property
    def vocab(self) -> Vocab:
        """Every token, the added ones included."""
        if isinstance(self.definition, HfDefinition):
            return self.definition.vocab
        added = {t.id: t.content for t in self.definition.added}
        model = self.definition.vocab.tokens
        return Vocab([*model, *(added[i] for i in sorted(added) if i >= len(model))])

    @property
    def vocab_size(self) -> int:
        """Ids, those of added tokens included."""
        return len(self.vocab)

    @property
    def readable(self) -> int:
        """Ids that the model can read, from 0 on."""
        return self.vocab_size if self.rows is None else min(self.vocab_size, self.rows)

    def token_of(self, id: int) -> str:
        """Return the id's token. Raises: InputError: the id is outside the vocabulary."""
        return self.vocab.token_of(id)

    def id_of(self, token: str) -> int:
        """Return the token's id. Raises: InputError: there is no such token."""
        return self.vocab.id_of(token)

    def encode(
        self,
        text: Text,
        pair: Text | None = None,
        *,
        split_words: bool = False,
        add_special_tokens: bool = True,
        max_length: int | None = None,
        truncate: Truncate = "right",
        strategy: Strategy = "longest_first",
    ) -> Encoding:
        """Tokenize one text, or a pair, with everything there is to know about each token.

        Args:
            split_words: texts are lists of words; offsets are then within the word, and word ids
                count the caller's words. A word that the vocabulary has whole is that token.
            add_special_tokens: frame the text, as by [CLS] and [SEP].
            max_length: tokens to keep, special ones included; None is what was given to `load`,
                and without that there is no limit.
            truncate: where tokens are left out: "right" or "left"; "error" refuses.
            strategy: which text of a pair loses tokens: the longer first, or only one.
        Raises: InputError: a text is no str or has a lone surrogate, is too long for "error", or
            can't be cut as the strategy says.
        """
        options = self._options(
            split_words, add_special_tokens, max_length, truncate, strategy, stride=0
        )
        first, second = as_one(text, "text", split_words), as_one_or_none(pair, "pair", split_words)
        row, truncated = self._backend.encode(first, second, options)
        if truncated and truncate == "error":
            raise _too_long("text", len(row[0]), truncated, options.max_length)
        return self._encoding(row, truncated)

    def windows(
        self,
        text: Text,
        pair: Text | None = None,
        *,
        max_length: int,
        stride: int = 0,
        split_words: bool = False,
        add_special_tokens: bool = True,
        truncate: Literal["right", "left"] = "right",
        strategy: Strategy = "longest_first",
    ) -> list[Encoding]:
        """Tokenize one text, or a pair, into as many windows as it takes to leave nothing out.

        The first window is what `encode` gives; the others are what `tokenizers` calls
        overflowing, in its order. Of a pair, each part of one text meets each part of the other.

        Args:
            max_length: tokens in a window, special ones included.
            stride: tokens of a text that a window shares with the one before it.
            Others: as for `encode`.
        Raises: InputError: as `encode`; the special tokens leave no room for text, or the stride
            none for new tokens.
        """
        _check_windows(stride, truncate)
        options = self._options(
            split_words, add_special_tokens, max_length, truncate, strategy, stride=stride
        )
        first, second = as_one(text, "text", split_words), as_one_or_none(pair, "pair", split_words)
        rows = self._backend.windows(first, second, options)
        check_room((len(row[0]) for row in rows), max_length)
        return [self._encoding(row, 0) for row in rows]

    def encode_batch(
        self,
        texts: Iterable[Text],
        pairs: Iterable[Text] | None = None,
        *,
        split_words: bool = False,
        add_special_tokens: bool = True,
        max_length: int | None = None,
        truncate: Truncate = "right",
        strategy: Strategy = "longest_first",
        threads: int | None = None,
    ) -> PackedEncodings:
        """Tokenize many texts in parallel into packed ids.

        Args:
            pairs: the second text of each, as many as there are texts.
            threads: to use; None: one for each core. The result is the same for any count.
            Others: as for `encode`.
        Raises: InputError: as `encode`, naming the text's position; nothing is computed then.
        """
        options = self._options(
            split_words, add_special_tokens, max_length, truncate, strategy, stride=0
        )
        first, second = as_pairs(texts, pairs, split_words)
        return self._packed(first, second, options, truncate == "error", threads, base=0)

    def encode_windows(
        self,
        texts: Iterable[Text],
        pairs: Iterable[Text] | None = None,
        *,
        max_length: int,
        stride: int = 0,
        split_words: bool = False,
        add_special_tokens: bool = True,
        truncate: Literal["right", "left"] = "right",
        strategy: Strategy = "longest_first",
        threads: int | None = None,
    ) -> PackedWindows:
        """Tokenize many texts in parallel, each into as many windows as it takes, packed.

        A text's windows are those that `windows` gives, in the same order, with where every token
        comes from. strategy="only_second" keeps each first text whole and cuts its second, as
        questions and their contexts need it.

        Args:
            pairs: the second text of each, as many as there are texts.
            max_length: tokens in a window, special ones included.
            stride: tokens of a text that a window shares with the one before it.
            truncate: where each text's first window is: "right" begins at its beginning, "left"
                goes backwards from its end.
            threads: to use; None: one for each core. The result is the same for any count.
            Others: as for `encode`.
        Raises: InputError: as `windows`, naming the text's position; nothing is computed then.
        """
        _check_windows(stride, truncate)
        check_threads(threads)
        options = self._options(
            split_words, add_special_tokens, max_length, truncate, strategy, stride=stride
        )
        first, second = as_pairs(texts, pairs, split_words)
        packed = PackedWindows(*self._backend.encode_windows(first, second, options, threads or 0))
        check_room(packed.lengths.tolist(), max_length)
        return packed

    def encode_stream(
        self,
        texts: Iterable[Text],
        *,
        split_words: bool = False,
        add_special_tokens: bool = True,
        max_length: int | None = None,
        truncate: Truncate = "right",
        threads: int | None = None,
        block: int = 1024,
    ) -> Iterator[PackedEncodings]:
        """Tokenize texts as they come, yielding them in order, packed in blocks.

        Memory holds one block, whatever the stream's length.

        Args:
            block: texts in a block, at most; also at most about 4 million characters.
            Others: as for `encode_batch`.
        Raises: InputError: as `encode_batch`, naming the text's position in the stream.
        """
        options = self._options(
            split_words, add_special_tokens, max_length, truncate, "longest_first", stride=0
        )
        if block < 1:
            raise InputError(f"block is {block}, expected at least 1 text")
        if isinstance(texts, str | bytes):
            raise InputError(f"texts is one {type(texts).__name__}, expected an iterable of str")
        base = 0
        for some in chunks(iter(texts), block):
            several = as_texts(some, "texts", split_words, base)
            yield self._packed(several, None, options, truncate == "error", threads, base)
            base += len(some)

    def decode(self, ids: Iterable[int], *, skip_special_tokens: bool = True) -> str:
        """Join the tokens of ids into text, tidied as the tokenizer's decoder does.

        Raises: InputError: an id is no whole number, or outside the vocabulary.
        """
        check_flags(skip_special_tokens=skip_special_tokens)
        known = whole_numbers(ids)
        for id in known:
            self.vocab.token_of(id)
        return self._backend.decode(known, skip_special_tokens)

    def identity(self) -> dict[str, Any]:
        """Return everything that decides the ids, as plain JSON values."""
        return identity(self.definition)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), rows=self.rows), (self.definition,)

    @cached_property
    def _backend(self) -> Backend:
        if isinstance(self.definition, Definition):
            from bertie.tokenize.core_backend import CoreBackend

            return CoreBackend(self.definition, self.vocab)
        from bertie.tokenize.hf_backend import HfBackend

        return HfBackend(self.definition, self.vocab)

    def _options(
        self,
        split_words: bool,
        add_special_tokens: bool,
        max_length: int | None,
        truncate: str,
        strategy: str,
        stride: int,
    ) -> Options:
        if truncate not in _TRUNCATE:
            raise InputError(f"truncate is {truncate!r}, expected one of {', '.join(_TRUNCATE)}")
        check_flags(split_words=split_words, add_special_tokens=add_special_tokens)
        check_count(max_length, "max_length")
        given = self.settings["max_length"]
        if max_length is None:
            max_length = given.value if given.origin == "caller" else -1
        return Options(
            split=split_words,
            add_special=add_special_tokens,
            max_length=max_length,
            left=truncate == "left",
            strategy=strategy_named(strategy),
            stride=stride,
        )

    def _encoding(self, row: Row, truncated: int) -> Encoding:
        ids, type_ids, offsets, word_ids, special = row
        tokens = [self.vocab.tokens[id] for id in ids]
        return Encoding(ids, type_ids, tokens, offsets, word_ids, special, truncated)

    def _packed(
        self,
        texts: tuple[Any, ...],
        pairs: tuple[Any, ...] | None,
        options: Options,
        strict: bool,
        threads: int | None,
        base: int,
    ) -> PackedEncodings:
        check_threads(threads)
        packed = PackedEncodings(
            *self._backend.encode_batch(texts, pairs, options, threads or 0, base)
        )
        if strict and packed.truncated.any():
            over = packed.truncated.nonzero()[0]
            i = int(over[0])
            more = f" (and {len(over) - 1} more)" if len(over) > 1 else ""
            kept, left_out = int(packed.lengths[i]), int(packed.truncated[i])
            raise _too_long(f"texts[{base + i}]{more}", kept, left_out, options.max_length)
        return packed


def _check_windows(stride: int, truncate: str) -> None:
    check_count(stride, "stride")
    if truncate == "error":
        raise InputError("truncate is 'error', expected right or left: windows leave nothing out")


def _too_long(name: str, kept: int, left_out: int, limit: int) -> InputError:
    return InputError(
        f"{name} has {kept + left_out} tokens with the special ones, expected at most {limit}: "
        'shorten it, raise max_length, or pass truncate="right" or "left"'
    )
