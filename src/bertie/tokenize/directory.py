"""From a model's directory to the one record that says how it tokenizes."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from bertie.checkpoint.config import Setting
from bertie.errors import SourceError, TokenizerError
from bertie.known import REFUSED, check
from bertie.known.tokenizer import OTHER_FILES, TOKENIZER_CONFIG, TOKENIZER_JSON
from bertie.known.vocabularies import LAYOUTS, SENTENCEPIECE, VOCABULARIES
from bertie.tokenize import tokenizer_json
from bertie.tokenize.added_tokens import ADDED, CONFIG, TOKENS_MAP, read_stated_tokens
from bertie.tokenize.bert_files import JSON, TokenizerFiles, from_json, from_vocab
from bertie.tokenize.classes import PYTHON, TokenizerClass, find_class
from bertie.tokenize.definition import NO_LIMIT, Definition, HfDefinition
from bertie.tokenize.json_node import Node

_MODEL = "config.json"


def read(
    directory: Path, *, lower: bool | None, max_length: int | None, vocab: Path | None
) -> Definition | HfDefinition:
    """Read what says how a directory's model tokenizes.

    Args:
        lower, max_length, vocab: the caller's, which win over the files.
    Raises:
        SourceError: the directory has nothing to tokenize with.
        TokenizerError: a file is broken, lacks a token that BERT needs, or says something that
            nothing here does.
    """
    if not directory.is_dir():
        raise SourceError(f"{directory}: no directory is there, expected a tokenizer's")
    names = {path.name for path in directory.iterdir() if path.is_file()}
    found = {
        name: Node.read(directory / name) if name in names else Node({}, name)
        for name in (CONFIG, TOKENS_MAP, ADDED, _MODEL)
    }
    config = found[CONFIG]
    one = find_class(config, found[_MODEL])
    if one.name in PYTHON:
        raise TokenizerError(
            f"{directory}: {one}, which transformers runs in Python: nothing here gives its tokens;"
            " tokenize with it yourself and give the token ids, or use another model"
        )
    layout = _layout(names, one, vocab)
    files = TokenizerFiles(
        config,
        read_stated_tokens(config, found[TOKENS_MAP], found[ADDED]),
        one,
        _max_length(config, max_length),
    )
    notes = list(check(TOKENIZER_CONFIG, config.record(), CONFIG, error=TokenizerError))
    definition: Definition | HfDefinition
    if layout == JSON:
        root = Node.read(directory / JSON)
        check(TOKENIZER_JSON, root.record(), JSON, error=TokenizerError)
        if part := tokenizer_json.part_not_bert(root):
            # Here, as below, because BERT's own tokenizers have no need of it.
            from bertie.tokenize.hf_files import hf_from_json

            definition = hf_from_json(root, part, files, lower=lower, vocab=vocab)
        else:
            definition = from_json(root, files, lower, vocab)
    else:
        notes += _check_other_files(directory, names, layout)
        if layout == "vocab.txt":
            definition = from_vocab(vocab or directory / layout, files, lower)
        elif layout == "vocab.json":
            from bertie.tokenize.hf_files import hf_from_byte_level

            definition = hf_from_byte_level(directory, files, lower=lower, vocab=vocab)
        elif layout in SENTENCEPIECE and one.kind is not None:
            from bertie.tokenize.sentencepiece_files import hf_from_sentencepiece

            path = directory / layout
            definition = hf_from_sentencepiece(path, one.kind, files, lower=lower, vocab=vocab)
        else:
            raise _nothing_found(directory, names)
    if isinstance(definition, HfDefinition):
        notes += _idle_lower(config, definition.settings["lower"])
    return replace(definition, notes=(*definition.notes, *notes))


def read_alone(path: Path) -> Definition | HfDefinition:
    """Read a tokenizer.json as if nothing lay beside it. Raises: TokenizerError: it is broken."""
    root, nothing = Node.read(path), Node({}, path.name)
    files = TokenizerFiles(
        nothing,
        read_stated_tokens(nothing, nothing, nothing),
        TokenizerClass(),
        Setting(None, "default"),
    )
    if part := tokenizer_json.part_not_bert(root):
        from bertie.tokenize.hf_files import hf_from_json

        return hf_from_json(root, part, files, lower=None, vocab=None)
    return from_json(root, files, None, None)


def _idle_lower(config: Node, lower: Setting) -> list[str]:
    """Say that tokenizer_config.json asks for what the tokenizer doesn't have."""
    stated = config["do_lower_case"].optional_flag()
    if stated is None or stated == lower.value:
        return []
    said = f"{CONFIG}: do_lower_case is {str(stated).lower()}"
    return [f"{said}, which its class takes no notice of: {lower.origin} decides"]


def _layout(names: Collection[str], one: TokenizerClass, vocab: Path | None) -> str:
    """Choose the file that the vocabulary is read from; "" where there is none.

    Raises: TokenizerError: the class that is named reads others.
    """
    if JSON in names:
        return JSON
    there = [first for first, *others in LAYOUTS if first in names and set(others) <= set(names)]
    if vocab is not None and "vocab.txt" not in there:
        there.insert(0, "vocab.txt")
    kind = one.kind
    if kind is not None and kind.reads[0] in there:
        return kind.reads[0]
    if not one.name or not there:
        if there and there[0] in SENTENCEPIECE:
            raise TokenizerError(
                f"no file beside {there[0]} names the tokenizer's class, which says how its pieces"
                f" are numbered: name it as tokenizer_class in {CONFIG}"
            )
        return there[0] if there else ""
    # A model's type alone doesn't keep a WordPiece vocabulary from it, where there is no other.
    other = any(name.endswith(".model") for name in names)
    if kind is not None and not one.stated and there[0] == "vocab.txt" and not other:
        return there[0]
    expected = " and ".join(kind.reads) if kind is not None else JSON
    raise TokenizerError(
        f"{one}, whose tokens need {expected}, and there is only {' and '.join(_all(there[0]))}:"
        f" save them with transformers' save_pretrained, which writes {JSON}, or name another class"
        f" as tokenizer_class in {CONFIG}"
    )


def _all(first: str) -> tuple[str, ...]:
    return next(layout for layout in LAYOUTS if layout[0] == first)


def _check_other_files(directory: Path, names: Collection[str], layout: str) -> list[str]:
    """Refuse files without which a vocabulary's words aren't the model's, and note those without
    which they may not be."""
    notes = []
    for row in OTHER_FILES:
        for name in sorted(names):
            if layout not in row.where or not Path(name).match(row.file):
                continue
            if row.mark == REFUSED:
                raise TokenizerError(
                    f"{directory / name} {row.effect}; nothing here does that: {row.instead}"
                )
            notes.append(f"{directory} has {name}, which {row.effect}")
    return notes


def _nothing_found(directory: Path, names: Collection[str]) -> SourceError:
    found = ", ".join(sorted(names)) or "nothing"
    return SourceError(
        f"{directory}: nothing to tokenize with, expected {VOCABULARIES}; found {found}"
    )


def _max_length(config: Node, given: int | None) -> Setting:
    if given is not None:
        return Setting(given, "caller")
    for key in ("model_max_length", "max_len"):
        value = config[key].value
        if isinstance(value, int | float) and 0 < value < NO_LIMIT / 2:
            return Setting(int(value), f"{CONFIG}: {key}")
        if key in config.record():
            break
    return Setting(None, "default")
