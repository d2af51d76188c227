"""From the files of models that aren't BERT's to what the `tokenizers` package reads."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertie.checkpoint.config import Setting
from bertie.errors import TokenizerError
from bertie.tokenize.added_tokens import CONFIG, merge_added_tokens
from bertie.tokenize.bert_files import TokenizerFiles
from bertie.tokenize.classes import BERT, ROBERTA, TokenizerKind
from bertie.tokenize.definition import AddedToken, HfDefinition
from bertie.tokenize.hf_backend import load_hf_tokenizer
from bertie.tokenize.hf_edits import edit_document
from bertie.tokenize.json_node import Node
from bertie.tokenize.post_processor import (
    bos_eos_template,
    has_templates_of,
    post_processor,
    without_types,
)
from bertie.tokenize.vocab import Vocab

if TYPE_CHECKING:
    import tokenizers

_BERT_ONLY = ("strip_accents", "clean_text", "tokenize_chinese_chars")
_JSON = "tokenizer.json"


def hf_from_json(
    root: Node, part: str, files: TokenizerFiles, *, lower: bool | None, vocab: Path | None
) -> HfDefinition:
    """Define a tokenizer by its tokenizer.json; `part` is the one that isn't BERT's.

    Raises: TokenizerError: the package can't read it, or the caller wants it changed.
    """
    refuse_options(root.file, lower=lower, vocab=vocab)
    document = root.record() | {"truncation": None, "padding": None}
    text = json.dumps(document)
    package = load_hf_tokenizer(text, root.file)
    notes = [f"{_JSON}: {part} is not BERT's, so the tokenizers package runs it"]
    kind = _kind_if_rebuilt(package, files.tokenizer_class.kind)
    if kind is None and files.tokenizer_class.kind is not None:
        model = type(package.model).__name__
        notes.append(
            f"{_JSON}: {files.tokenizer_class}, and its model is {model}: it is taken as it is"
        )
    tokens = files.tokens(kind or BERT)
    changes = _added_tokens(files, kind, package, root.file)
    if kind is not None:
        edits, more = edit_document(_describe_parts(package), kind, files)
        own = _class_post_processor(package, kind, files, tokens, changes)
        changes |= edits | own
        notes += more
        if own:
            notes.append(
                f"{_JSON}: post_processor isn't that of {files.tokenizer_class},"
                " by which texts are framed"
            )
    if package.post_processor is None and "post_processor" not in changes:
        notes.append(f"{_JSON}: post_processor is null, so no special tokens frame a text")
    if files.one_type:
        own = changes.get("post_processor", describe_part(package.post_processor))
        changes["post_processor"] = without_types(own)
    normalizer = (document | changes).get("normalizer")
    said = normalizer_settings(Node(normalizer, root.file, "normalizer"))
    if changes:
        text = json.dumps(document | changes)
        package = load_hf_tokenizer(text, root.file)
    added = (document | changes).get("added_tokens") or []
    # A class's own names count only where the vocabulary has them: Llama's kin have no [CLS]. The
    # mask's stays, for who asks for it to be filled in is told which one is lacking.
    there = {
        key: one
        for key, one in tokens.items()
        if one.origin != "default"
        or key == "mask_token"
        or package.token_to_id(one.value or "") is not None
    }
    return _define(text, package, root.file, files.settings(there) | said, notes, added)


class _Ids(Mapping[str, int]):
    """A vocabulary that the package has, asked for single tokens without a copy of it."""

    def __init__(self, package: "tokenizers.Tokenizer") -> None:
        self._package = package
        self._model = package.model

    def __getitem__(self, token: str) -> int:
        id: int | None = self._model.token_to_id(token)
        if id is None:
            raise KeyError(token)
        return id

    def __iter__(self) -> Iterator[str]:
        return iter(self._package.get_vocab(with_added_tokens=False))

    def __len__(self) -> int:
        size: int = self._package.get_vocab_size(with_added_tokens=False)
        return size


def _kind_if_rebuilt(
    package: "tokenizers.Tokenizer", kind: TokenizerKind | None
) -> TokenizerKind | None:
    """Give the class's kind if it is one of the model's in tokenizer.json."""
    model = type(package.model).__name__
    own = {"vocab.txt": "WordPiece", "vocab.json": "BPE"}
    return kind if kind is not None and own.get(kind.reads[0], "Unigram") == model else None


def describe_part(part: Any) -> Any:
    """Describe a part of the package's tokenizer as tokenizer.json does."""
    return None if part is None else json.loads(part.__getstate__())


def _describe_parts(package: "tokenizers.Tokenizer") -> dict[str, Any]:
    names = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
    return {name: describe_part(getattr(package, name)) for name in names}


def _added_tokens(
    files: TokenizerFiles, kind: TokenizerKind | None, package: "tokenizers.Tokenizer", where: str
) -> dict[str, Any]:
    """Give tokenizer.json's added_tokens with those of the files beside it, if there are others."""
    flags = ("single_word", "lstrip", "rstrip", "normalized", "special")
    base = tuple(
        AddedToken(one.content, id, **{flag: getattr(one, flag) for flag in flags})
        for id, one in sorted(package.get_added_tokens_decoder().items())
    )
    ids = _Ids(package)
    whole = kind is not None
    added = merge_added_tokens(
        files.stated_tokens, kind, base, ids, rebuilt=whole, complete=whole, where=where
    )
    if set(added) == set(base):
        return {}
    return {"added_tokens": [asdict(one) for one in sorted(added, key=lambda one: one.id)]}


def _class_post_processor(
    package: "tokenizers.Tokenizer",
    kind: TokenizerKind,
    files: TokenizerFiles,
    tokens: Mapping[str, Setting],
    changes: Mapping[str, Any],
) -> dict[str, Any]:
    """Give the class's post_processor, if tokenizer.json has none, or another than that of a class
    or tokens that a file names."""
    ends = kind.ends or ()
    if not ends or not (files.names_template(kind) or package.post_processor is None):
        return {}
    own = {one["content"]: one["id"] for one in changes.get("added_tokens", ())}
    names = [tokens[key].value for key in ends]
    found = {name: own.get(name, package.token_to_id(name)) for name in names}
    ids = {name: id for name, id in found.items() if id is not None}
    if len(ids) < len(found):
        return {}
    begin, end = ((name, ids[name]) for name in names)
    if has_templates_of(describe_part(package.post_processor), kind, begin, end):
        return {}
    return {"post_processor": post_processor(kind, begin, end)}


def hf_from_byte_level(
    directory: Path, files: TokenizerFiles, *, lower: bool | None, vocab: Path | None
) -> HfDefinition:
    """Define a tokenizer by vocab.json and merges.txt, whose tokens are of bytes."""
    path = directory / "vocab.json"
    refuse_options(str(path), lower=lower, vocab=vocab)
    ids = Node.read(path)
    own = {
        token: ids[token].integer(least=0, most=2**31 - 1) for token in dict.fromkeys(ids.record())
    }
    kind, config = files.tokenizer_class.kind or ROBERTA, files.config
    if files.tokenizer_class.kind is None:
        # RoBERTa's <mask> has always taken the space before it along; transformers 5 loads no such
        # directory.
        kind = replace(kind, lstrip=frozenset({"mask_token"}))
        _require_bytes(path, own)
    tokens = files.tokens(kind)
    space = config["add_prefix_space"].flag(False)
    named = files.tokenizer_class.kind is not None
    added = merge_added_tokens(
        files.stated_tokens, kind, (), own, rebuilt=True, complete=named, where=str(path)
    )
    known = own | {one.content: one.id for one in added}
    document: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [asdict(one) for one in sorted(added, key=lambda one: one.id)],
        "normalizer": None,
        "pre_tokenizer": _bytes(space),
        "post_processor": _post_processor(kind, files, tokens, known, space),
        "decoder": _bytes(True),
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "vocab": own,
            "merges": _merges(directory / "merges.txt"),
        },
    }
    there = {key: one for key, one in tokens.items() if one.value in known}
    settings = files.settings(there) | normalizer_settings(Node(None, "vocab.json"))
    note = f"vocab.json: a byte-level BPE of {len(own)} tokens, run by the tokenizers package"
    if files.one_type:
        document["post_processor"] = without_types(document["post_processor"])
    text = json.dumps(document)
    package = load_hf_tokenizer(text, str(path))
    return _define(text, package, str(path), settings, [note], document["added_tokens"])


def _post_processor(
    kind: TokenizerKind,
    files: TokenizerFiles,
    tokens: Mapping[str, Setting],
    ids: Mapping[str, int],
    space: bool,
) -> dict[str, Any]:
    """Give the class's post_processor, or a plain one where nothing names it and its tokens."""
    config = files.config
    if kind.ends is None:
        names = (
            tokens[key].value if config[f"add_{key}"].flag(False) and key in tokens else None
            for key in ("bos_token", "eos_token")
        )
        return bos_eos_template(ids, *(name if name in ids else None for name in names))
    begin, end = (tokens[key].value for key in kind.ends)
    if missing := [name for name in dict.fromkeys((begin, end)) if name not in ids]:
        if files.tokenizer_class.kind is None:
            return {"type": "ByteLevel", "add_prefix_space": space, "trim_offsets": False}
        raise TokenizerError(
            f"vocab.json: the vocabulary lacks {', '.join(missing)}, which"
            f" {files.tokenizer_class.name} needs: name its tokens in {CONFIG}"
        )
    trim = config["trim_offsets"].flag(True)
    return post_processor(kind, (begin, ids[begin]), (end, ids[end]), space=space, trim=trim)


def _bytes(space: bool) -> dict[str, Any]:
    return {
        "type": "ByteLevel",
        "add_prefix_space": space,
        "trim_offsets": True,
        "use_regex": True,
    }


def _require_bytes(path: Path, vocab: Mapping[str, int]) -> None:
    """Refuse a vocabulary that isn't of bytes, where nothing names its class."""
    ends = sum(token.endswith("</w>") for token in vocab)
    # The package writes each byte as one of 256 characters, none of which is white space.
    letters = {chr(code) for code in (*range(33, 127), *range(161, 324))} - {"\xad"}
    others = [token for token in vocab if not letters.issuperset(token)]
    if ends > 1 or 4 * len(others) > len(vocab):
        seen = (
            f"{ends} tokens end with </w>" if ends > 1 else f"{len(others)} have other characters"
        )
        raise TokenizerError(
            f"{path}: {seen}, expected a byte-level vocabulary, as RoBERTa's: name its class as"
            f" tokenizer_class in {CONFIG}, or save it with transformers as tokenizer.json"
        )


def _merges(path: Path) -> list[str]:
    try:
        lines = path.read_bytes().decode().split("\n")
    except UnicodeDecodeError as error:
        raise TokenizerError(f"{path}: not UTF-8 ({error.reason}): fetch it again") from error
    return [line.rstrip("\r") for line in lines if line and not line.startswith("#version")]


def normalizer_settings(node: Node) -> dict[str, Setting]:
    """Settle what can be told of a normalizer that isn't BERT's: whether it lower-cases."""
    origin = f"{Path(node.file).name}: {node.path}" if node.path else node.file
    settings = {name: Setting(None, origin) for name in _BERT_ONLY}
    return settings | {"lower": Setting(_lowers(node), origin)}


def _lowers(node: Node) -> bool:
    if not node:
        return False
    if node["type"].value == "Sequence":
        return any(map(_lowers, node["normalizers"].items()))
    return node["type"].value == "Lowercase" or node["lowercase"].value is True


def refuse_options(where: str, *, lower: bool | None, vocab: Path | None) -> None:
    for option, value in (("lower", lower), ("vocab", vocab)):
        if value is not None:
            raise TokenizerError(
                f"{where}: {option}= is given, and only BERT's tokenizers can be changed by it: "
                "leave it out, or change the file"
            )


def _define(
    text: str,
    package: "tokenizers.Tokenizer",
    where: str,
    settings: dict[str, Setting],
    notes: list[str],
    added: Iterable[Mapping[str, Any]],
) -> HfDefinition:
    """Check what the package has made of a tokenizer.json.

    Args:
        added: its added_tokens.
    Raises: TokenizerError: its ids aren't those that it states, or far apart.
    """
    ids = package.get_vocab(with_added_tokens=True)
    if max(ids.values(), default=0) > 4 * len(ids) + 1024:
        raise TokenizerError(
            f"{where}: the largest id is {max(ids.values())}, expected about as many ids as there "
            f"are tokens, {len(ids)}: fetch it again"
        )
    for one in added:
        if ids.get(one["content"]) != one["id"]:
            raise TokenizerError(
                f"{where}: added_tokens has {one['content']!r} as {one['id']}, expected"
                f" {ids.get(one['content'])} by the vocabulary: fetch it again"
            )
    tokens = [""] * (max(ids.values(), default=-1) + 1)
    for token, id in ids.items():
        tokens[id] = token
    return HfDefinition(text, where, Vocab(tokens), settings, tuple(notes))
