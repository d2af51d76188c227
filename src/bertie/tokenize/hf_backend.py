"""Tokenizers that aren't BERT's, run by the `tokenizers` package."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

from bertie.errors import BertieError, InputError, TokenizerError
from bertie.tokenize.inputs import check_text

if TYPE_CHECKING:
    import tokenizers

    from bertie.tokenize.backend import Arrays, Options, Row, Texts
    from bertie.tokenize.definition import HfDefinition
    from bertie.tokenize.vocab import Vocab
    from bertie.tokenize.words import Words

_Encoding: TypeAlias = "tokenizers.Encoding"
# Those of a text, or of both of a pair; none where the caller split them.
_Words: TypeAlias = "tuple[Words, ...]"


class HfBackend:
    """A tokenizer.json of any kind. The package uses its own threads, as many as there are cores.

    Truncation is a state of the package's tokenizer, not an argument: a lock keeps calls apart.
    """

    def __init__(self, definition: "HfDefinition", vocab: "Vocab") -> None:
        self._tokenizer = load_hf_tokenizer(definition.json, definition.where)
        self._lock = Lock()

    def encode(self, text: "Texts", pair: "Texts | None", options: "Options") -> "tuple[Row, int]":
        _check(text, "text", options.split, None)
        _check(pair or (), "pair", options.split, None)
        with self._lock:
            (encoding,), (truncated,), (words,) = self._encode(text, pair, options, words=True)
        return _row(encoding, words), truncated

    def windows(self, text: "Texts", pair: "Texts | None", options: "Options") -> "list[Row]":
        _check(text, "text", options.split, None)
        _check(pair or (), "pair", options.split, None)
        with self._lock:
            (encoding,), _, (words,) = self._encode(text, pair, options, words=True)
            return [_row(window, words) for window in (encoding, *encoding.overflowing)]

    def encode_batch(
        self,
        texts: "Texts",
        pairs: "Texts | None",
        options: "Options",
        threads: int,
        base: int,
    ) -> tuple[Any, Any, Any, Any]:
        _check(texts, "texts", options.split, base)
        _check(pairs or (), "pairs", options.split, base)
        with self._lock:
            encodings, truncated, _ = self._encode(texts, pairs, options)
        ids = [e.ids for e in encodings]
        return (
            _concatenate(ids),
            _concatenate([e.type_ids for e in encodings]),
            _concatenate([[len(i) for i in ids]]),
            _concatenate([truncated]),
        )

    def encode_windows(
        self, texts: "Texts", pairs: "Texts | None", options: "Options", threads: int
    ) -> "Arrays":
        _check(texts, "texts", options.split, 0)
        _check(pairs or (), "pairs", options.split, 0)
        with self._lock:
            encodings, _, words = self._encode(texts, pairs, options, words=True)
            windows = [[e, *e.overflowing] for e in encodings]
        every = [window for some in windows for window in some]
        return (
            _concatenate([w.ids for w in every]),
            _concatenate([w.type_ids for w in every]),
            _concatenate([[len(w.ids) for w in every]]),
            _concatenate([[i] * len(some) for i, some in enumerate(windows)]),
            _concatenate([w.offsets for w in every], (0, 2)),
            _concatenate([_word_ids(w, words[i]) for i, some in enumerate(windows) for w in some]),
            _concatenate([_none_as_minus_1(w.sequence_ids) for w in every]),
        )

    def decode(self, ids: Sequence[int], skip_special: bool) -> str:
        with _errors_as(InputError, "the tokenizers package refuses the ids"):
            text: str = self._tokenizer.decode(list(ids), skip_special_tokens=skip_special)
        return text

    def _encode(
        self, texts: "Texts", pairs: "Texts | None", options: "Options", *, words: bool = False
    ) -> tuple[list[_Encoding], list[int], "list[_Words]"]:
        """Encode; those beyond the limit a second time, truncated, so as to count what is lost.

        words: find the words of each text, which only all of its tokens tell. The caller's own
            need no finding.
        """
        inputs: list[Any] = list(zip(texts, pairs, strict=True)) if pairs else list(texts)
        self._tokenizer.no_truncation()
        encodings = self._batch(inputs, options)
        lengths = [len(e.ids) for e in encodings]
        found: list[_Words] = [()] * len(inputs)
        if words and not options.split:
            found = [
                _words(i if pairs else (i,), e) for i, e in zip(inputs, encodings, strict=True)
            ]
        over = [i for i, n in enumerate(lengths) if n > options.max_length >= 0]
        if over:
            self._limit(options, pair=pairs is not None)
            for i, cut in zip(over, self._batch([inputs[i] for i in over], options), strict=True):
                encodings[i] = cut
        truncated = [n - len(e.ids) for n, e in zip(lengths, encodings, strict=True)]
        return encodings, truncated, found

    def _batch(self, inputs: list[Any], options: "Options") -> list[_Encoding]:
        with _errors_as(InputError, "the tokenizers package refuses the texts"):
            return self._tokenizer.encode_batch(
                inputs, is_pretokenized=options.split, add_special_tokens=options.add_special
            )

    def _limit(self, options: "Options", pair: bool) -> None:
        special = self._tokenizer.num_special_tokens_to_add(pair) if options.add_special else 0
        if options.max_length < special:
            raise InputError(
                f"max_length is {options.max_length}, expected at least {special} for the special "
                "tokens: raise it"
            )
        if options.stride and options.stride >= options.max_length - special:
            raise InputError(
                f"stride is {options.stride}, and only {options.max_length - special} tokens fit "
                "into a window: lower the stride, or raise max_length"
            )
        self._tokenizer.enable_truncation(
            options.max_length,
            stride=options.stride,
            strategy=options.strategy,
            direction="left" if options.left else "right",
        )


def load_hf_tokenizer(json: str, where: str) -> "tokenizers.Tokenizer":
    """Return the package's tokenizer of a tokenizer.json, without truncation and padding.

    Raises: TokenizerError: the package can't read it.
    """
    import tokenizers

    with _errors_as(TokenizerError, f"{where}: the tokenizers package can't read it"):
        tokenizer = tokenizers.Tokenizer.from_str(json)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.encode("a")  # some files are only found broken when they are used
        tokenizer.encode("a", "b")
    return tokenizer


def check_charsmap(charsmap: bytes, where: str) -> None:
    """See that the package can read a SentencePiece normalizer's table.

    Raises: TokenizerError: it can't.
    """
    import tokenizers

    with _errors_as(TokenizerError, f"{where}: the tokenizers package can't read its normalizer"):
        tokenizers.normalizers.Precompiled(charsmap).normalize_str("a")


@contextmanager
def _errors_as(kind: type[BertieError], message: str) -> Iterator[None]:
    """Turn what the package raises, which has no narrower type, and its panics into our errors."""
    try:
        yield
    except Exception as error:
        raise kind(f"{message}: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise kind(f"{message}: {error}") from error


def _words(texts: tuple[str, ...], encoding: _Encoding) -> "_Words":
    """Find the words of a text, or of a pair, given all its tokens."""
    from bertie.tokenize.words import Words

    found = tuple(map(Words, texts))
    for words, (_, offsets) in zip(found, _of_texts(encoding, len(texts)), strict=True):
        words.join(offsets)
    return found


def _of_texts(encoding: _Encoding, count: int) -> "Iterator[tuple[Any, Any]]":
    """Give the places of each text's tokens and their offsets."""
    import numpy as np

    owners = np.array(_none_as_minus_1(encoding.sequence_ids), np.int32)
    offsets = np.array(encoding.offsets, np.int32).reshape(-1, 2)
    for text in range(count):
        places = np.flatnonzero(owners == text)
        yield places, offsets[places]


def _word_ids(encoding: _Encoding, words: "_Words") -> list[int]:
    """Number the words of a window's tokens; -1 for tokens in none."""
    own = _none_as_minus_1(encoding.word_ids)
    if not words:
        return own
    found = [-1] * len(own)
    for one, (places, offsets) in zip(words, _of_texts(encoding, len(words)), strict=True):
        splits = [own[place] for place in places]
        for place, word in zip(places, one.ids(offsets, splits).tolist(), strict=True):
            found[place] = word
    return found


def _row(encoding: _Encoding, words: "_Words") -> "Row":
    return (
        encoding.ids,
        encoding.type_ids,
        encoding.offsets,
        [None if word < 0 else word for word in _word_ids(encoding, words)],
        encoding.special_tokens_mask,
    )


def _concatenate(lists: list[Any], shape: tuple[int, ...] = (0,)) -> Any:
    """Put lists into one int32 array; of none, or of empty ones, it has this shape."""
    import numpy as np

    none = np.zeros(shape, np.int32)
    return np.concatenate([none, *(np.array(some, np.int32) for some in lists if some)])


def _none_as_minus_1(values: list[int | None]) -> list[int]:
    """Put -1 for None."""
    return [-1 if value is None else value for value in values]


def _check(texts: "Texts", name: str, split: bool, base: int | None) -> None:
    """Complain as the core does about the first text that is none."""
    for i, text in enumerate(texts):
        where = name if base is None else f"{name}[{base + i}]"
        for one, place in _parts(text, where, split):
            check_text(one, place)


def _parts(text: Any, where: str, split: bool) -> Iterator[tuple[Any, str]]:
    if not split:
        yield text, where
        return
    yield from ((word, f"{where}[{j}]") for j, word in enumerate(text))
