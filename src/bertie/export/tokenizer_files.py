"""A tokenizer as tokenizer.json, for those who read nothing else."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bertie.errors import TokenizerError
from bertie.opened import Opened
from bertie.tokenize import Tokenizer
from bertie.tokenize.added_tokens import ADDED, CONFIG, LISTS, TOKENS_MAP
from bertie.tokenize.classes import BERT, MPNET
from bertie.tokenize.definition import Definition, HfDefinition, identity, templates
from bertie.tokenize.directory import read, read_alone
from bertie.tokenize.post_processor import template_processing

_JSON = "tokenizer.json"
# What a caller says, and no file.
_NEITHER = {"truncation": None, "padding": None}


def write_tokenizer(opened: Opened, folder: Path) -> None:
    """Have a folder's files say how a source tokenizes, each of them alone, the caller's word
    included.

    Args:
        opened: the source.
        folder: where its files have been copied to.
    """
    tokenizer, path = opened.tokenizer, folder / _JSON
    definition = tokenizer.definition
    whole = (
        tokenizer_json(tokenizer)
        if isinstance(definition, Definition)
        else json.loads(definition.json)
    )
    if path.is_file() and _describes(path, definition):
        return
    text = json.dumps(whole, ensure_ascii=False, indent=1)
    anew = not path.is_file()
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
    if opened.given.vocab is not None:  # of the vocabulary that it stands in for
        (folder / ADDED).unlink(missing_ok=True)
    path = folder / CONFIG
    stated = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if anew and isinstance(definition, HfDefinition):
        # What a list of tokens means depends on the vocabulary's file and on what else lies beside
        # it: here they are those of tokenizer.json, no more and no less.
        for name in (TOKENS_MAP, ADDED):
            (folder / name).unlink(missing_ok=True)
        listed = [key for key in LISTS if not isinstance(stated.get(key), dict)]
        stated = {key: value for key, value in stated.items() if key not in listed}
        stated |= {**_names(tokenizer), "added_tokens_decoder": {}}
    if stated.get("added_tokens_decoder") is not None:
        stated["added_tokens_decoder"] = {
            str(one["id"]): {key: value for key, value in one.items() if key != "id"}
            for one in whole["added_tokens"]
        }
    own = {"model_max_length": opened.config.positions, **stated}
    if isinstance(definition, HfDefinition):
        _write_config(path, own)
        return
    own = {**_names(tokenizer), **own, "do_lower_case": tokenizer.settings["lower"].value}
    if "tokenizer_class" in own:
        _write_config(path, own)
        return
    for name in (*_classes(definition), "PreTrainedTokenizerFast"):
        _write_config(path, {"tokenizer_class": name, **own})
        # Another class of the same templates may have special tokens of its own.
        if identity(read(folder, lower=None, max_length=None, vocab=None)) == identity(definition):
            return


def _write_config(path: Path, config: dict[str, Any]) -> None:
    text = json.dumps(config, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def _describes(path: Path, definition: Definition | HfDefinition) -> bool:
    """Tell whether a tokenizer.json alone says what a definition does."""
    if isinstance(definition, HfDefinition):
        own = json.loads(path.read_text(encoding="utf-8"))
        return bool(own | _NEITHER == json.loads(definition.json) | _NEITHER)
    try:
        alone = read_alone(path)
    except TokenizerError:
        return False
    return identity(alone) == identity(definition)


def _names(tokenizer: Tokenizer) -> dict[str, str]:
    return {
        name: setting.value
        for name, setting in tokenizer.settings.items()
        if name.endswith("_token") and setting.value is not None
    }


def _classes(definition: Definition) -> Iterator[str]:
    """Name the classes of transformers whose templates a tokenizer has."""
    ids = [part.item for part in definition.single if isinstance(part.item, int)]
    if len(ids) == 2:
        for name, how in (("BertTokenizer", BERT), ("MPNetTokenizer", MPNET)):
            own = templates(*ids, doubled=how.doubled, second=how.second)
            if own == (definition.single, definition.pair):
                yield name


def tokenizer_json(tokenizer: Tokenizer) -> dict[str, Any]:
    """Describe a WordPiece tokenizer as the `tokenizers` package does.

    Args:
        tokenizer: whose definition is a Definition.
    Returns: what a tokenizer.json holds; it gives the same ids.
    """
    definition = tokenizer.definition
    assert isinstance(definition, Definition)
    settings = {name: setting.value for name, setting in tokenizer.settings.items()}
    pieces = (*definition.single, *definition.pair)
    ids = sorted({piece.item for piece in pieces if isinstance(piece.item, int)})
    tokens = {tokenizer.token_of(id): id for id in ids}
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
        "post_processor": template_processing(definition.single, definition.pair, tokens),
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
