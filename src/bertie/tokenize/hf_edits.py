"""What tokenizer_config.json states otherwise than tokenizer.json, where the class goes by it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bertie.tokenize.added_tokens import CONFIG
from bertie.tokenize.bert_files import TokenizerFiles
from bertie.tokenize.classes import DEBERTA_V2, TokenizerKind

_NFKD = [{"type": "NFKD"}, {"type": "StripAccents"}]
_LOWER = {"type": "Lowercase"}
# What BertNormalizer calls them.
_BERT = {
    "do_lower_case": "lowercase",
    "strip_accents": "strip_accents",
    "tokenize_chinese_chars": "handle_chinese_chars",
}
_PUNCTUATION = {"type": "Punctuation", "behavior": "Isolated"}


def edit_document(
    parts: Mapping[str, Any], kind: TokenizerKind, files: TokenizerFiles
) -> tuple[dict[str, Any], list[str]]:
    """Change a tokenizer.json's parts as its class would.

    Args:
        parts: what the package describes them as; they aren't changed.
        kind: the class's.
        files: what tokenizer_config.json states.
    Returns: the parts that change, and a note for each thing that was changed.
    """
    changed, notes = dict(parts), []
    for key in kind.keys:
        stated = files.config[key].optional_flag()
        own = _said(changed, key)
        if stated is None or own is None or own == stated:
            continue
        notes.append(
            f"{CONFIG}: {key} is {str(stated).lower()} and tokenizer.json says {str(own).lower()}:"
            f" {CONFIG} won, as {files.tokenizer_class}"
        )
        _EDITS[key](changed, kind, stated)
    return {name: part for name, part in changed.items() if part != parts[name]}, notes


def _said(document: Mapping[str, Any], key: str) -> bool | None:
    """What tokenizer.json says of a setting; None: nothing."""
    own = list(_parts(document["normalizer"], "normalizers"))
    for one in own:
        if key in _BERT and one["type"] == "BertNormalizer":
            value = one[_BERT[key]]
            return one["lowercase"] if value is None else bool(value)
    normalizers = [one["type"] for one in own]
    words = list(_parts(document["pre_tokenizer"], "pretokenizers"))
    if key == "do_lower_case":
        return "Lowercase" in normalizers
    if key == "keep_accents":
        return "StripAccents" not in normalizers
    if key == "split_by_punct":
        return any(one["type"] == "Punctuation" for one in words)
    if key == "trim_offsets":
        post_processor = document["post_processor"] or {}
        return bool(post_processor["trim_offsets"]) if "trim_offsets" in post_processor else None
    if key != "add_prefix_space":
        return None
    for one in words:
        if one["type"] == "ByteLevel":
            return bool(one.get("add_prefix_space", True))
        if one["type"] == "Metaspace":
            return _scheme(one) == "always"
    return None


def _scheme(one: dict[str, Any]) -> str:
    """How a Metaspace begins a text; older files have a flag."""
    if "prepend_scheme" in one:
        return str(one["prepend_scheme"])
    return "always" if one.get("add_prefix_space", True) else "never"


def _space(document: dict[str, Any], kind: TokenizerKind, stated: bool) -> None:
    never = "first" if kind is DEBERTA_V2 else "never"

    def change(one: dict[str, Any]) -> dict[str, Any]:
        if one["type"] == "Metaspace":
            kept = {key: value for key, value in one.items() if key != "add_prefix_space"}
            return {**kept, "prepend_scheme": "always" if stated else never}
        if one["type"] in ("ByteLevel", "RobertaProcessing"):
            return {**one, "add_prefix_space": stated}
        return one

    document["pre_tokenizer"] = _changed(document["pre_tokenizer"], "pretokenizers", change)
    if document["decoder"] and document["decoder"]["type"] == "Metaspace":
        document["decoder"] = change(document["decoder"])
    document["post_processor"] = _changed(document["post_processor"], "processors", change)


def _trim(document: dict[str, Any], kind: TokenizerKind, stated: bool) -> None:
    document["post_processor"] = {**document["post_processor"], "trim_offsets": stated}


def _bert(key: str) -> Callable[[dict[str, Any], TokenizerKind, bool], None]:
    """Give the edit of a flag of BertNormalizer."""

    def edit(document: dict[str, Any], kind: TokenizerKind, stated: bool) -> None:
        document["normalizer"] = _changed(
            document["normalizer"],
            "normalizers",
            lambda one: {**one, _BERT[key]: stated} if one["type"] == "BertNormalizer" else one,
        )

    return edit


def _lower(document: dict[str, Any], kind: TokenizerKind, stated: bool) -> None:
    parts = list(_parts(document["normalizer"], "normalizers"))
    if any(one["type"] == "BertNormalizer" for one in parts):
        _bert("do_lower_case")(document, kind, stated)
        return
    own = [one for one in parts if one != _LOWER]
    first = 0 if kind is DEBERTA_V2 else _before_last(own)
    if stated:
        own.insert(first, _LOWER)
    document["normalizer"] = {"type": "Sequence", "normalizers": own}


def _accents(document: dict[str, Any], kind: TokenizerKind, stated: bool) -> None:
    own = [
        one
        for one in _parts(document["normalizer"], "normalizers")
        if one["type"] not in ("NFKD", "StripAccents")
    ]
    if not stated:
        lower = next((i for i, one in enumerate(own) if one == _LOWER), _before_last(own))
        own[lower:lower] = _NFKD
    document["normalizer"] = {"type": "Sequence", "normalizers": own}


def _punctuation(document: dict[str, Any], kind: TokenizerKind, stated: bool) -> None:
    own = [
        one
        for one in _parts(document["pre_tokenizer"], "pretokenizers")
        if one["type"] != "Punctuation"
    ]
    if stated:
        own.insert(0, _PUNCTUATION)
    document["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": own}


_EDITS = {
    "add_prefix_space": _space,
    "trim_offsets": _trim,
    "do_lower_case": _lower,
    "keep_accents": _accents,
    "split_by_punct": _punctuation,
    "strip_accents": _bert("strip_accents"),
    "tokenize_chinese_chars": _bert("tokenize_chinese_chars"),
}


def _before_last(normalizers: list[Any]) -> int:
    """Where ALBERT's normalizers stand: before SentencePiece's own."""
    types = [one["type"] for one in normalizers]
    return types.index("Precompiled") if "Precompiled" in types else len(types)


def _parts(node: Any, key: str) -> Iterator[Any]:
    """Take a part's members, if it is a sequence, or itself."""
    if node is not None:
        yield from node[key] if node["type"] == "Sequence" else [node]


def _changed(node: Any, key: str, change: Any) -> Any:
    if node is None:
        return None
    if node["type"] == "Sequence":
        return {**node, key: [change(one) for one in node[key]]}
    return change(node)
