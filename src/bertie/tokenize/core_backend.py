"""BERT's own tokenizer, run by Bertie's core."""

from collections.abc import Sequence
from typing import Any

from bertie.tokenize import decode
from bertie.tokenize.backend import STRATEGIES, Arrays, Options, Row, Texts
from bertie.tokenize.definition import Definition, TemplatePiece
from bertie.tokenize.vocab import Vocab


class CoreBackend:
    """Bertie's own WordPiece, in the core."""

    def __init__(self, definition: Definition, vocab: Vocab) -> None:
        from bertie import _core

        self._definition = definition
        self._tokens = vocab.tokens
        self._special = {token.id for token in definition.added if token.special}
        flags = {name: setting.value for name, setting in definition.settings.items()}
        self._core = _core.TextTokenizer(
            tokens=definition.vocab.tokens,
            added=[
                (t.content, t.id, t.single_word, t.lstrip, t.rstrip, t.normalized)
                for t in definition.added
            ],
            clean_text=flags["clean_text"],
            cjk_spacing=flags["tokenize_chinese_chars"],
            strip_accents=flags["strip_accents"],
            lower=flags["lower"],
            prefix=definition.prefix,
            unknown=definition.vocab.one(definition.unknown),
            max_chars=definition.max_chars,
            single=_template_rows(definition.single),
            pair=_template_rows(definition.pair),
        )

    def encode(self, text: Texts, pair: Texts | None, options: Options) -> tuple[Row, int]:
        (row,), truncated = self._core.encode(
            text, pair, *_arguments(options), options.stride, False
        )
        return row, truncated

    def windows(self, text: Texts, pair: Texts | None, options: Options) -> list[Row]:
        rows: list[Row]
        rows, _ = self._core.encode(text, pair, *_arguments(options), options.stride, True)
        return rows

    def encode_batch(
        self, texts: Texts, pairs: Texts | None, options: Options, threads: int, base: int
    ) -> tuple[Any, Any, Any, Any]:
        packed: tuple[Any, Any, Any, Any] = self._core.encode_batch(
            texts, pairs, *_arguments(options), threads, base
        )
        return packed

    def encode_windows(
        self, texts: Texts, pairs: Texts | None, options: Options, threads: int
    ) -> Arrays:
        ids, type_ids, lengths, sources, offsets, word_ids, sequences = self._core.encode_windows(
            texts, pairs, *_arguments(options), options.stride, threads
        )
        return ids, type_ids, lengths, sources, offsets.reshape(-1, 2), word_ids, sequences

    def decode(self, ids: Sequence[int], skip_special: bool) -> str:
        kept = [id for id in ids if not (skip_special and id in self._special)]
        tokens = [self._tokens[id] for id in kept]
        return decode.join(tokens, self._definition.decoder_prefix, self._definition.cleanup)


def _arguments(options: Options) -> tuple[bool, bool, int, bool, int]:
    strategy = STRATEGIES.index(options.strategy)
    return options.split, options.add_special, options.max_length, options.left, strategy


def _template_rows(template: Sequence[TemplatePiece]) -> list[tuple[int, int, int]]:
    """Turn a template into the core's rows: (0: special, 1: first text, 2: second; id; type id)."""
    texts = {"A": 1, "B": 2}
    return [
        (texts[i.item], 0, i.type_id) if isinstance(i.item, str) else (0, i.item, i.type_id)
        for i in template
    ]
