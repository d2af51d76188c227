"""From a SentencePiece model's file to what the `tokenizers` package reads.

As transformers' classes do it: each has its own order of ids and its own normalizing, whatever the
file says of that.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeAlias

from bertie.checkpoint.config import Setting
from bertie.errors import TokenizerError
from bertie.tokenize.added_tokens import CONFIG, StatedTokens, TokenSpec, merge_added_tokens
from bertie.tokenize.bert_files import TokenizerFiles
from bertie.tokenize.classes import NEVER_FOUND, PieceKind, TokenizerKind
from bertie.tokenize.definition import HfDefinition
from bertie.tokenize.hf_backend import check_charsmap
from bertie.tokenize.hf_files import normalizer_settings, refuse_options
from bertie.tokenize.json_node import Node
from bertie.tokenize.post_processor import post_processor, without_types
from bertie.tokenize.sentencepiece_model import (
    CONTROL,
    UNIGRAM,
    USER_DEFINED,
    SentencePieceModel,
    read_sentencepiece,
)
from bertie.tokenize.vocab import Vocab

_MARK = "▁"  # what a space is written as
# Pieces with their scores, in the order of their ids.
_Scored: TypeAlias = list[tuple[str, float]]


def hf_from_sentencepiece(
    path: Path,
    kind: TokenizerKind,
    files: TokenizerFiles,
    *,
    lower: bool | None,
    vocab: Path | None,
) -> HfDefinition:
    """Define a tokenizer by a SentencePiece model's file.

    Args:
        kind: the class's, which reads such files.
        files: what is said beside it.
    Raises: TokenizerError: the file is broken, or the class can't use it, or the caller wants the
        tokenizer changed.
    """
    assert kind.pieces is not None
    refuse_options(str(path), lower=lower, vocab=vocab)
    model = read_sentencepiece(path)
    if model.algorithm != UNIGRAM:
        raise TokenizerError(
            f"{path} was trained as {model.algorithm_name}, and {files.tokenizer_class.name} reads"
            " unigram models alone: tokenize with sentencepiece yourself and give the token ids"
        )
    if model.charsmap:
        check_charsmap(model.charsmap, str(path))
    tokens = files.tokens(kind)
    scored = _number(model, kind.pieces, tokens, path)
    ids = {piece: id for id, (piece, _) in enumerate(scored)}
    added = merge_added_tokens(
        _with_own(files, model), kind, (), ids, rebuilt=True, complete=True, where=str(path)
    )
    known = ids | {one.content: one.id for one in added}
    own = post_processor(kind, *_ends(kind, tokens, known, path, files))
    document: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [asdict(one) for one in sorted(added, key=lambda one: one.id)],
        "normalizer": _normalizer(kind.pieces, model, files),
        **_splitting(kind.pieces, files),
        "post_processor": without_types(own) if files.one_type else own,
        "model": {
            "type": "Unigram",
            "unk_id": _unknown_id(kind.pieces, model, tokens, scored, path),
            "vocab": scored,
            "byte_fallback": False,
        },
    }
    every = [piece for piece, _ in scored]
    every += [one.content for one in sorted(added, key=lambda one: one.id) if one.id >= len(scored)]
    there = {key: one for key, one in tokens.items() if one.value in known}
    said = Node(document["normalizer"], path.name, "normalizer")
    settings = files.settings(there) | normalizer_settings(said)
    notes = [f"{path.name}: a SentencePiece model of {len(model.pieces)} pieces, run by the"
             " tokenizers package", *_left_out(path, kind.pieces, model, files)]  # fmt: skip
    text = json.dumps(document, ensure_ascii=False)
    return HfDefinition(text, str(path), Vocab(every), settings, tuple(notes))


def _number(
    model: SentencePieceModel, kind: PieceKind, tokens: Mapping[str, Setting], path: Path
) -> _Scored:
    """Put a file's pieces in the order of the class's ids."""

    def name(one: str) -> tuple[str, float]:
        if one not in tokens:
            return one, -100.0 if one == NEVER_FOUND else 0.0
        if (value := tokens[one].value) is None:
            raise TokenizerError(
                f"{path}: {one} is null, and the class's vocabulary has it among its first or last:"
                f" name it in {CONFIG}"
            )
        return value, 0.0

    own = zip(model.pieces, model.scores, strict=True)
    rest = list(own)[kind.dropped :]
    return [*map(name, kind.first), *rest, *map(name, kind.last)]


def _with_own(files: TokenizerFiles, model: SentencePieceModel) -> StatedTokens:
    """Add the file's own special tokens to those that are stated, where no others are listed."""
    stated = files.stated_tokens
    if stated.extra_stated:
        return stated
    own = (
        TokenSpec(model.pieces[id], normalized=False, special=model.types[id] == CONTROL)
        for id in model.of_type(CONTROL, USER_DEFINED)
    )
    return replace(stated, extra=tuple(own))


def _ends(
    kind: TokenizerKind,
    tokens: Mapping[str, Setting],
    ids: Mapping[str, int],
    path: Path,
    files: TokenizerFiles,
) -> Iterator[tuple[str, int]]:
    """Give the tokens before and after a text with their ids."""
    for key in kind.ends or ():
        name = tokens[key].value
        if name not in ids:
            raise TokenizerError(
                f"{path}: the vocabulary lacks {name}, which {files.tokenizer_class.name} needs:"
                f" name its {key} in {CONFIG}"
            )
        yield name, ids[name]


def _unknown_id(
    kind: PieceKind,
    model: SentencePieceModel,
    tokens: Mapping[str, Setting],
    scored: _Scored,
    path: Path,
) -> int:
    """Find the id of what stands for characters that no piece has."""
    if kind.unknown is not None:
        if kind.unknown >= len(scored):
            raise TokenizerError(
                f"{path}: {len(scored)} pieces, expected more than {kind.unknown}, the id that its"
                " class has for unknown characters"
            )
        return kind.unknown
    named = (tokens["unk_token"].value, 0.0)
    return scored.index(named) if named in scored else model.unknown


def _normalizer(
    kind: PieceKind, model: SentencePieceModel, files: TokenizerFiles
) -> dict[str, Any] | None:
    """Describe the class's normalizer."""
    config = files.config
    off = set()
    if not config["do_lower_case"].flag(kind.lower):
        off.add("lower")
    if config["keep_accents"].flag(False):
        off.add("accents")
    if not model.charsmap:
        off.add("charsmap")
    steps = [part for step in kind.normalizers if step not in off for part in _STEPS[step](model)]
    return {"type": "Sequence", "normalizers": steps} if steps else None


def _charsmap(model: SentencePieceModel) -> list[dict[str, Any]]:
    return [
        {"type": "Precompiled", "precompiled_charsmap": b64encode(model.charsmap).decode("ascii")}
    ]


def _replace(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


_STEPS: Mapping[str, Callable[[SentencePieceModel], list[dict[str, Any]]]] = {
    "quotes": lambda _: [_replace({"String": two}, '"') for two in ("``", "''")],
    "accents": lambda _: [{"type": "NFKD"}, {"type": "StripAccents"}],
    "lower": lambda _: [{"type": "Lowercase"}],
    "charsmap": _charsmap,
    "spaces": lambda _: [
        _replace({"Regex": r"\s{2,}|[\n\r\t]"}, " "),
        {"type": "NFC"},
        {"type": "Strip", "strip_left": False, "strip_right": True},
    ],
}


def _splitting(kind: PieceKind, files: TokenizerFiles) -> dict[str, Any]:
    """Describe how texts are split, and pieces joined again."""
    space = files.config["add_prefix_space"].flag(True)
    never = "never" if kind.splits_spaces else "first"
    mark = {
        "type": "Metaspace",
        "replacement": _MARK,
        "prepend_scheme": "always" if space else never,
        "split": True,
    }
    before: list[dict[str, Any]] = [{"type": "WhitespaceSplit"}] if kind.splits_spaces else []
    if not kind.splits_spaces and files.config["split_by_punct"].flag(False):
        before.append({"type": "Punctuation", "behavior": "Isolated"})
    return {
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*before, mark]},
        "decoder": mark,
    }


def _left_out(
    path: Path, kind: PieceKind, model: SentencePieceModel, files: TokenizerFiles
) -> Iterator[str]:
    """Say what of the file's own settings the class takes no notice of."""
    ignored = {
        "precompiled_charsmap": bool(model.charsmap) and "charsmap" not in kind.normalizers,
        "byte_fallback": model.byte_fallback,
        "add_dummy_prefix false": not model.dummy_prefix,
        "remove_extra_whitespaces false": not model.collapses_spaces,
    }
    if names := [name for name, one in ignored.items() if one]:
        yield (
            f"{path.name}: its own {', '.join(names)} change nothing, as"
            f" {files.tokenizer_class.name} goes without in transformers 5"
        )
