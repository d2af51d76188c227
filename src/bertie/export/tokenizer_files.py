"""A tokenizer as tokenizer.json, for those who read nothing else."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bertie.opening import Opened
from bertie.tokenize import Tokenizer
from bertie.tokenize.definition import Definition, FrameItem

_JSON, _CONFIG = "tokenizer.json", "tokenizer_config.json"


def write_tokenizer(opened: Opened, folder: Path) -> None:
    """Have a folder's files say how a source tokenizes, the caller's word included.

    Args:
        opened: the source.
        folder: where its files have been copied to.
    """
    tokenizer, given = opened.tokenizer, opened.given
    changed = given.lower is not None or given.vocab is not None
    if (folder / _JSON).is_file() and not changed:
        return
    if not isinstance(tokenizer.definition, Definition):
        return  # what only `tokenizers` can run can't be changed, and is a tokenizer.json mostly
    text = json.dumps(tokenizer_json(tokenizer), ensure_ascii=False, indent=1)
    (folder / _JSON).write_text(text + "\n", encoding="utf-8", newline="\n")
    path = folder / _CONFIG
    stated = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    own = {
        "tokenizer_class": "BertTokenizer",
        "model_max_length": opened.config.positions,
        **{
            name: setting.value
            for name, setting in tokenizer.settings.items()
            if name.endswith("_token") and setting.value is not None
        },
        **stated,
        "do_lower_case": tokenizer.settings["lower"].value,
    }
    path.write_text(
        json.dumps(own, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
    )


def tokenizer_json(tokenizer: Tokenizer) -> dict[str, Any]:
    """Describe a WordPiece tokenizer as the `tokenizers` package does.

    Args:
        tokenizer: whose definition is a Definition.
    Returns: what a tokenizer.json holds; it gives the same ids.
    """
    definition = tokenizer.definition
    assert isinstance(definition, Definition)
    settings = {name: setting.value for name, setting in tokenizer.settings.items()}
    frames = {"single": definition.single, "pair": definition.pair}
    ids = sorted(
        {part.item for items in frames.values() for part in items if isinstance(part.item, int)}
    )
    tokens = {id: tokenizer.token_of(id) for id in ids}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [asdict(token) for token in definition.added],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": settings["clean_text"],
            "handle_chinese_chars": settings["tokenize_chinese_chars"],
            "strip_accents": settings["strip_accents"],
            "lowercase": settings["lower"],
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            **{name: _template(items, tokens) for name, items in frames.items()},
            "special_tokens": {
                token: {"id": token, "ids": [id], "tokens": [token]} for id, token in tokens.items()
            },
        },
        "decoder": {
            "type": "WordPiece",
            "prefix": definition.decoder_prefix or definition.prefix,
            "cleanup": definition.cleanup,
        },
        "model": {
            "type": "WordPiece",
            "unk_token": definition.unknown,
            "continuing_subword_prefix": definition.prefix,
            "max_input_chars_per_word": definition.max_chars,
            "vocab": dict(definition.vocab.ids),
        },
    }


def _template(items: Sequence[FrameItem], tokens: dict[int, str]) -> list[dict[str, Any]]:
    """Describe a frame."""
    return [
        {"Sequence": {"id": part.item, "type_id": part.type_id}}
        if isinstance(part.item, str)
        else {"SpecialToken": {"id": tokens[part.item], "type_id": part.type_id}}
        for part in items
    ]
