"""A WordPiece tokenizer as a bundle keeps it beside tokenizer.json: read in a tenth of the time.

wordpiece.txt is UTF-8: a line of JSON with everything but the vocabulary, then a token a line.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.config import Setting
from bertie.errors import TokenizerError
from bertie.tokenize.definition import AddedToken, Definition, TemplatePiece
from bertie.tokenize.json_node import Node
from bertie.tokenize.vocab import Vocab

NAME = "wordpiece.txt"
# Goes up when an older Bertie would read the file wrongly.
_FORMAT = 1
_LARGEST_ID = 2**31 - 1
# In bytes; one of a million tokens has some 10 MB.
_LARGEST = 256 * 2**20

_FLAGS = ("lower", "strip_accents", "clean_text", "tokenize_chinese_chars")
_TEXTS = ("unk_token", "cls_token", "sep_token", "pad_token", "mask_token")


def write(definition: Definition, folder: Path) -> None:
    """Store a definition, unless a token has a line break in it, which no text's word has."""
    tokens = definition.vocab.tokens
    if any("\n" in token for token in tokens):
        return
    head = {
        "format": _FORMAT,
        "tokens": len(tokens),
        "added": [asdict(token) for token in definition.added],
        "unknown": definition.unknown,
        "single": [asdict(item) for item in definition.single],
        "pair": [asdict(item) for item in definition.pair],
        "prefix": definition.prefix,
        "max_chars": definition.max_chars,
        "decoder_prefix": definition.decoder_prefix,
        "cleanup": definition.cleanup,
        "settings": {name: asdict(one) for name, one in definition.settings.items()},
        "notes": list(definition.notes),
    }
    text = "\n".join([json.dumps(head, ensure_ascii=False), *tokens])
    (folder / NAME).write_bytes(text.encode())


def read(path: Path, max_length: int | None) -> Definition:
    """Read a definition.

    Args:
        max_length: the caller's, which wins.
    Raises: TokenizerError: the file isn't what `write` writes; it names the JSON path.
    """
    head, tokens = _parts(path)
    version = head["format"].value
    if type(version) is not int or not 1 <= version <= _FORMAT:
        raise head["format"].wrong(f"a format up to {_FORMAT}: install a later Bertie")
    count = head["tokens"].integer(least=1, most=_LARGEST_ID)
    if len(tokens) != count:
        raise head["tokens"].wrong(f"{len(tokens)}, the lines after the first")
    vocab = Vocab(tokens)
    added = tuple(_added_tokens(head["added"]))
    size = count + sum(token.id >= count for token in added)
    beyond = sorted(token.id for token in added if token.id >= count)
    if beyond != list(range(count, size)):
        raise head["added"].wrong(f"tokens of the vocabulary, or with ids from {count} on")
    unknown = head["unknown"].text()
    if vocab.one(unknown) is None:
        raise head["unknown"].wrong("a token of the vocabulary")
    settings = _settings(head["settings"])
    if max_length is not None:
        settings["max_length"] = Setting(max_length, "caller")
    decoder_prefix = head["decoder_prefix"]
    return Definition(
        vocab=vocab,
        added=added,
        unknown=unknown,
        single=tuple(_template(head["single"], size, ["A"])),
        pair=tuple(_template(head["pair"], size, ["A", "B"])),
        prefix=head["prefix"].text(),
        max_chars=head["max_chars"].integer(least=0, most=2**62),
        decoder_prefix=decoder_prefix.text() if decoder_prefix else None,
        cleanup=head["cleanup"].flag(),
        settings=settings,
        notes=tuple(note.text() for note in head["notes"].items()),
    )


def _parts(path: Path) -> tuple[Node, list[str]]:
    """Take the first line's JSON and the tokens after it."""
    try:
        if (size := path.stat().st_size) > _LARGEST:
            raise TokenizerError(f"{path} has {size} bytes, expected at most {_LARGEST}")
        first, *tokens = path.read_bytes().decode().split("\n")
        head = json.loads(first)
    except OSError as error:
        raise TokenizerError(f"{path}: {error.strerror}, expected a bundle's tokenizer") from error
    except (ValueError, RecursionError) as error:  # not JSON, or not UTF-8
        raise TokenizerError(
            f"{path}: not as `bertie export` writes it ({error}): export the bundle again"
        ) from error
    node = Node(head, str(path))
    if not isinstance(head, dict):
        raise node.wrong("an object")
    return node, tokens


def _added_tokens(node: Node) -> Iterator[AddedToken]:
    """Read the added tokens."""
    for entry in node.items():
        yield AddedToken(
            content=entry["content"].text(),
            id=entry["id"].integer(least=0, most=_LARGEST_ID),
            single_word=entry["single_word"].flag(),
            lstrip=entry["lstrip"].flag(),
            rstrip=entry["rstrip"].flag(),
            normalized=entry["normalized"].flag(),
            special=entry["special"].flag(),
        )


def _template(node: Node, size: int, texts: Sequence[str]) -> Iterator[TemplatePiece]:
    """Read a template, which has each of some texts once."""
    found = []
    for entry in node.items():
        item: Any = entry["item"].value
        if isinstance(item, str):
            found.append(item)
        else:
            item = entry["item"].integer(least=0, most=size - 1)
        yield TemplatePiece(item, entry["type_id"].integer(least=0, most=_LARGEST_ID))
    if sorted(found) != texts:
        raise node.wrong(f"a frame with each of {' and '.join(texts)} once")


def _settings(node: Node) -> dict[str, Setting]:
    """Read the settings, and see that those are there that the core is made by."""
    settings = {
        name: Setting(node[name]["value"].value, node[name]["origin"].text())
        for name in node.record()
    }
    for name in _FLAGS:
        node[name]["value"].flag()
    for name in _TEXTS:
        node[name]["value"].text("")  # null: there is none
    length = node["max_length"]["value"]
    if not length:
        settings["max_length"] = Setting(None, "default")
    else:
        length.integer(least=0, most=2**62)
    if unknown := set(settings) - {*_FLAGS, *_TEXTS, "max_length"}:
        raise node.wrong(f"no setting {shown(min(unknown))}")
    return settings
