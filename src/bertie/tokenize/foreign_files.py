"""From the files of models that aren't BERT's to what the `tokenizers` package reads."""

import json
from pathlib import Path
from typing import Any

from bertie.config import Setting
from bertie.errors import TokenizerError
from bertie.tokenize.definition import ForeignDefinition
from bertie.tokenize.foreign import parsed
from bertie.tokenize.json_node import Node
from bertie.tokenize.vocab import Vocab

# RoBERTa's names for what tokenizer_config.json calls bos_token and so on; each of them is added
# only where the vocabulary has it.
_BYTE_LEVEL_TOKENS = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "cls_token": "<s>",
    "mask_token": "<mask>",
}

_BERT_ONLY = ("strip_accents", "clean_text", "tokenize_chinese_chars")


def foreign_json(
    root: Node,
    part: str,
    settings: dict[str, Setting],
    *,
    lower: bool | None,
    vocab: Path | None,
) -> ForeignDefinition:
    """Define a tokenizer by its tokenizer.json; `part` is the one that isn't BERT's.

    Raises: TokenizerError: the package can't read it, or the caller wants it changed.
    """
    _refuse(root.file, lower=lower, vocab=vocab)
    document = dict(root.record())
    document.update(truncation=None, padding=None)
    settings = settings | _normalizer(root["normalizer"], "tokenizer.json: normalizer")
    note = f"tokenizer.json: {part} is not BERT's, so the tokenizers package runs it"
    return _defined(json.dumps(document), root.file, settings, note)


def byte_level(
    directory: Path,
    config: Node,
    tokens_map: Node,
    settings: dict[str, Setting],
    *,
    lower: bool | None,
) -> ForeignDefinition:
    """Define RoBERTa's byte-level BPE by vocab.json and merges.txt.

    Raises: TokenizerError: a file is broken, or the caller wants it changed.
    """
    _refuse(str(directory / "vocab.json"), lower=lower, vocab=None)
    ids = Node.read(directory / "vocab.json")
    names = {
        key: _name(config[key]) or _name(tokens_map[key]) or default
        for key, default in _BYTE_LEVEL_TOKENS.items()
    }
    size = len(ids.record())
    found = {
        token: ids[token].integer(least=0, most=2**31 - 1)
        for token in dict.fromkeys(names.values())
        if token in ids.record()
    }
    prefix_space = config["add_prefix_space"].flag(False)
    mask = config["mask_token"]
    # RoBERTa's <mask> takes the space before it along, where the config doesn't say otherwise.
    strips = mask["lstrip"].flag(True) if isinstance(mask.value, dict) else True
    document: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [
            {
                "id": id,
                "content": token,
                "special": True,
                "single_word": False,
                "lstrip": token == names["mask_token"] and strips,
                "rstrip": False,
                "normalized": False,
            }
            for token, id in sorted(found.items(), key=lambda item: item[1])
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "ByteLevel",
            "add_prefix_space": prefix_space,
            "trim_offsets": True,
            "use_regex": True,
        },
        "post_processor": _roberta_frame(names, found, prefix_space),
        "decoder": {
            "type": "ByteLevel",
            "add_prefix_space": True,
            "trim_offsets": True,
            "use_regex": True,
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "vocab": ids.record(),
            "merges": _merges(directory / "merges.txt"),
        },
    }
    told = {key: Setting(value, "default") for key, value in names.items() if value in found}
    for key in told:
        if _name(config[key]):
            told[key] = Setting(names[key], f"tokenizer_config.json: {key}")
    kept = {"max_length": settings["max_length"]}
    kept |= _normalizer(Node(None, "vocab.json"), "vocab.json")
    note = f"vocab.json: a byte-level BPE of {size} tokens, run by the tokenizers package"
    return _defined(json.dumps(document), str(directory / "vocab.json"), kept | told, note)


def _roberta_frame(
    names: dict[str, str], found: dict[str, int], prefix_space: bool
) -> dict[str, Any]:
    """Return RoBERTa's <s> A </s></s> B </s>, or none where the vocabulary lacks the tokens."""
    cls, sep = names["cls_token"], names["sep_token"]
    if cls not in found or sep not in found:
        return {"type": "ByteLevel", "add_prefix_space": prefix_space, "trim_offsets": False}
    return {
        "type": "RobertaProcessing",
        "sep": [sep, found[sep]],
        "cls": [cls, found[cls]],
        "trim_offsets": True,
        "add_prefix_space": prefix_space,
    }


def _merges(path: Path) -> list[str]:
    try:
        lines = path.read_bytes().decode().split("\n")
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{path}: not UTF-8 ({error.reason}): fetch it again") from error
    return [line.rstrip("\r") for line in lines if line and not line.startswith("#version")]


def _name(node: Node) -> str:
    if isinstance(node.value, dict):
        node = node["content"]
    return node.text("")


def _normalizer(node: Node, origin: str) -> dict[str, Setting]:
    """Settle what can be told of a normalizer that isn't BERT's: whether it lower-cases."""
    settings = {name: Setting(None, origin) for name in _BERT_ONLY}
    return settings | {"lower": Setting(_lowers(node), origin)}


def _lowers(node: Node) -> bool:
    if not node:
        return False
    if node["type"].value == "Sequence":
        return any(map(_lowers, node["normalizers"].items()))
    return node["type"].value == "Lowercase" or node["lowercase"].value is True


def _refuse(where: str, *, lower: bool | None, vocab: Path | None) -> None:
    for option, value in (("lower", lower), ("vocab", vocab)):
        if value is not None:
            raise TokenizerError(
                f"{where}: {option}= is given, and only BERT's tokenizers can be changed by it: "
                "leave it out, or change the file"
            )


def _defined(text: str, where: str, settings: dict[str, Setting], note: str) -> ForeignDefinition:
    ids = parsed(text, where).get_vocab(with_added_tokens=True)
    if max(ids.values(), default=0) > 4 * len(ids) + 1024:
        raise TokenizerError(
            f"{where}: the largest id is {max(ids.values())}, expected about as many ids as there "
            f"are tokens, {len(ids)}: fetch it again"
        )
    tokens = [""] * (max(ids.values(), default=-1) + 1)
    for token, id in ids.items():
        tokens[id] = token
    return ForeignDefinition(text, where, Vocab(tokens), settings, (note,))
