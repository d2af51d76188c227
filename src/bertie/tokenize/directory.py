"""From a model's directory to the one record that says how it tokenizes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from bertie.config import Setting
from bertie.errors import SourceError, TokenizerError
from bertie.tokenize import tokenizer_json
from bertie.tokenize.definition import (
    NO_LIMIT,
    AddedToken,
    Definition,
    ForeignDefinition,
    FrameItem,
    bert_frames,
)
from bertie.tokenize.foreign_files import byte_level, foreign_json
from bertie.tokenize.json_node import Node
from bertie.tokenize.vocab import Vocab

# The names of BERT's special tokens, as tokenizer_config.json and special_tokens_map.json call
# them, and those that a vocabulary may lack.
SPECIAL_TOKENS = {
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "mask_token": "[MASK]",
}
_OPTIONAL = ("pad_token", "mask_token")
# One token in so many has capitals in a cased model's vocabulary at least; in Google's every third.
_CASED = 50

_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt")
CONFIG, TOKENS_MAP, JSON = "tokenizer_config.json", "special_tokens_map.json", "tokenizer.json"


def read(
    directory: Path, *, lower: bool | None, max_length: int | None, vocab: Path | None
) -> Definition | ForeignDefinition:
    """Read what says how a directory's model tokenizes.

    Args:
        lower, max_length, vocab: the caller's, which win over the files.
    Raises:
        SourceError: the directory has nothing to tokenize with.
        TokenizerError: a file is broken, or lacks a token that BERT needs.
    """
    files = {
        name: Node.read(directory / name) if (directory / name).is_file() else Node({}, name)
        for name in (CONFIG, TOKENS_MAP)
    }
    config = files[CONFIG]
    settings = dict(_special_tokens(config, files[TOKENS_MAP]))
    settings["max_length"] = _max_length(config, max_length)
    has = {name for name in _FILES if (directory / name).is_file()}
    if JSON in has:
        root = Node.read(directory / JSON)
        if part := tokenizer_json.foreign_part(root):
            return foreign_json(root, part, settings, lower=lower, vocab=vocab)
        return _from_json(root, config, settings, lower, vocab)
    if vocab or "vocab.txt" in has:
        return _from_vocab(vocab or directory / "vocab.txt", config, settings, lower)
    if {"vocab.json", "merges.txt"} <= has:
        return byte_level(directory, config, files[TOKENS_MAP], settings, lower=lower)
    found = ", ".join(sorted(p.name for p in directory.iterdir())) or "nothing"
    if model := next(directory.glob("*.model"), None):
        raise TokenizerError(
            f"{model}: a SentencePiece model, expected {JSON}: convert it with "
            "transformers.AutoTokenizer.from_pretrained(directory).save_pretrained(directory)"
        )
    raise SourceError(
        f"{directory}: nothing to tokenize with, expected {JSON}, vocab.txt, or vocab.json and "
        f"merges.txt; found {found}"
    )


def _special_tokens(config: Node, tokens_map: Node) -> Iterator[tuple[str, Setting]]:
    for key, default in SPECIAL_TOKENS.items():
        for file, name in ((config, CONFIG), (tokens_map, TOKENS_MAP)):
            if file[key]:
                node = file[key]["content"] if isinstance(file[key].value, dict) else file[key]
                yield key, Setting(node.text(), f"{name}: {key}")
                break
        else:
            yield key, Setting(default, "default")


def _max_length(config: Node, given: int | None) -> Setting:
    if given is not None:
        return Setting(given, "caller")
    value = config["model_max_length"].value
    if isinstance(value, int | float) and 0 < value < NO_LIMIT / 2:
        return Setting(int(value), f"{CONFIG}: model_max_length")
    return Setting(None, "default")


def from_vocab(
    vocab: Vocab,
    *,
    lower: bool,
    strip_accents: bool | None,
    unknown: str,
    max_chars: int,
    never_split: tuple[str, ...],
    max_length: int | None,
) -> Definition:
    """Define BERT's tokenizer by a vocabulary and the caller's options alone.

    Raises: TokenizerError: the vocabulary lacks a token that BERT needs.
    """
    settings = {key: Setting(name, "default") for key, name in SPECIAL_TOKENS.items()}
    settings |= {
        "unk_token": Setting(unknown, "caller"),
        "lower": Setting(lower, "caller"),
        "strip_accents": Setting(strip_accents, "caller"),
        "clean_text": Setting(True, "default"),
        "tokenize_chinese_chars": Setting(True, "default"),
        "max_length": Setting(max_length, "default" if max_length is None else "caller"),
    }
    added = (AddedToken(t, vocab.ids[t], single_word=True, special=False) for t in never_split)
    return _bert(vocab, "vocabulary", settings, None, added, max_chars)


def _from_vocab(
    path: Path, config: Node, settings: dict[str, Setting], lower: bool | None
) -> Definition:
    vocab = Vocab.from_file(path)
    flags = {
        key: Setting(config[name].flag(default), _origin(config, name))
        for key, name, default in (
            ("lower", "do_lower_case", True),
            ("clean_text", "clean_text", True),
            ("tokenize_chinese_chars", "tokenize_chinese_chars", True),
        )
    }
    accents = Setting(config["strip_accents"].optional_flag(), _origin(config, "strip_accents"))
    settings = settings | flags | {"strip_accents": accents}
    found = _bert(vocab, str(path), settings, lower, _added_later(config, vocab), 100)
    if found.settings["lower"].origin != "default" or not (note := _capitals(vocab, path, found)):
        return found
    return replace(found, notes=(*found.notes, note))


def _capitals(vocab: Vocab, path: Path, found: Definition) -> str | None:
    """Say that a vocabulary is a cased model's, where nothing else says so."""
    special = {token.content for token in found.added}
    capitals = sum(token != token.lower() for token in vocab if token not in special)
    if capitals * _CASED < len(vocab):
        return None
    return (
        f"{path.name}: {capitals} of {len(vocab)} tokens have capitals, but no file says whether to"
        " lower-case and texts are lower-cased: give lower=False for a cased model"
    )


def _bert(
    vocab: Vocab,
    where: str,
    settings: dict[str, Setting],
    lower: bool | None,
    later: Iterable[AddedToken],
    max_chars: int,
) -> Definition:
    """Define BERT's tokenizer by a vocabulary, its special tokens and those added later."""
    names = {key: settings[key].value for key in SPECIAL_TOKENS}
    _require(vocab, [names[key] for key in names if key not in _OPTIONAL], where)
    added = {name: AddedToken(name, vocab.ids[name]) for name in names.values() if name in vocab}
    added |= {token.content: token for token in later}
    single, pair = bert_frames(vocab.ids[names["cls_token"]], vocab.ids[names["sep_token"]])
    return Definition(
        vocab=vocab,
        added=tuple(added.values()),
        unknown=names["unk_token"],
        single=single,
        pair=pair,
        max_chars=max_chars,
        settings=_settled(settings, lower),
        notes=tuple(f"{Path(where).name}: {note}" for note in vocab.notes),
    )


def _origin(config: Node, key: str) -> str:
    return f"{CONFIG}: {key}" if config[key] else "default"


def _settled(settings: dict[str, Setting], lower: bool | None) -> dict[str, Setting]:
    """Put in the caller's lower-casing; accents go with the capitals where nothing is said."""
    if lower is not None:
        settings["lower"] = Setting(lower, "caller")
    if settings["strip_accents"].value is None:
        settings["strip_accents"] = Setting(settings["lower"].value, "as lower")
    return settings


def _require(vocab: Vocab, tokens: list[str], where: str) -> None:
    missing = [token for token in tokens if token not in vocab]
    if missing:
        raise TokenizerError(
            f"{where}: the vocabulary of {len(vocab)} tokens lacks {', '.join(missing)}, which "
            f"BERT needs: give the model's own with vocab=, or name its tokens in {CONFIG}"
        )


def _added_later(config: Node, vocab: Vocab) -> Iterator[AddedToken]:
    """Yield the tokens of tokenizer_config.json's added_tokens_decoder, by id."""
    decoder = config["added_tokens_decoder"]
    if not decoder:
        return
    for key in decoder.record():
        if not key.isdecimal():
            raise decoder.wrong("an object whose keys are ids")
    following = len(vocab)
    for key in sorted(decoder.record(), key=int):
        entry = decoder[key]
        content = entry["content"].text()
        id = vocab.ids.get(content, following)
        following += id == following
        if id != int(key):
            raise TokenizerError(
                f"{entry.file}: {entry.path} is {content!r}, expected as {id} by the vocabulary: "
                "the two files are not of one model, fetch both again"
            )
        yield AddedToken(
            content,
            id,
            single_word=entry["single_word"].flag(False),
            lstrip=entry["lstrip"].flag(False),
            rstrip=entry["rstrip"].flag(False),
            normalized=entry["normalized"].flag(False),
            special=entry["special"].flag(True),
        )


def _from_json(
    root: Node,
    config: Node,
    settings: dict[str, Setting],
    lower: bool | None,
    given: Path | None,
) -> Definition:
    found = tokenizer_json.read(root)
    vocab = Vocab.from_file(given) if given else found.vocab
    where = str(given or root.file)
    _require(vocab, [found.unknown], where)
    notes = [f"{Path(where).name}: {note}" for note in vocab.notes]
    notes += _disagreements(found, config, settings)
    if found.frames:
        single, pair = found.frames
    else:
        notes.append(f"{JSON}: post_processor is null, so no special tokens frame a text")
        single = (FrameItem("A", 0),)
        pair = (*single, FrameItem("B", 1))
    flags = {
        "lower": Setting(found.lower, f"{JSON}: normalizer.lowercase"),
        "strip_accents": Setting(found.strip_accents, f"{JSON}: normalizer.strip_accents"),
        "clean_text": Setting(found.clean_text, f"{JSON}: normalizer.clean_text"),
        "tokenize_chinese_chars": Setting(
            found.tokenize_chinese_chars, f"{JSON}: normalizer.handle_chinese_chars"
        ),
        "unk_token": Setting(found.unknown, f"{JSON}: model.unk_token"),
    }
    if not root["normalizer"]:
        flags = {
            key: Setting(value.value, f"{JSON}: normalizer is null")
            if key != "unk_token"
            else value
            for key, value in flags.items()
        }
    if given:
        added, (single, pair) = _moved(found, vocab, (single, pair), given)
    else:
        added = found.added
    return Definition(
        vocab=vocab,
        added=added,
        unknown=found.unknown,
        single=single,
        pair=pair,
        prefix=found.prefix,
        max_chars=found.max_chars,
        decoder_prefix=found.decoder_prefix,
        cleanup=found.cleanup,
        settings=_settled(settings | flags, lower),
        notes=tuple(notes),
    )


def _disagreements(
    found: tokenizer_json.JsonTokenizer, config: Node, settings: Mapping[str, Setting]
) -> Iterator[str]:
    """Say where tokenizer_config.json and special_tokens_map.json differ from tokenizer.json."""
    for key, value in (
        ("do_lower_case", found.lower),
        ("strip_accents", found.strip_accents),
        ("tokenize_chinese_chars", found.tokenize_chinese_chars),
    ):
        if config[key] and config[key].value != value:
            said = "null" if value is None else str(value).lower()
            yield (
                f"{CONFIG}: {key} is {str(config[key].flag()).lower()} and {JSON} says {said}: "
                f"{JSON} won"
            )
    unknown = settings["unk_token"]
    if unknown.origin != "default" and unknown.value != found.unknown:
        yield f"{unknown.origin} is {unknown.value!r} and {JSON} says {found.unknown!r}: {JSON} won"


def _moved(
    found: tokenizer_json.JsonTokenizer,
    vocab: Vocab,
    frames: tuple[tuple[FrameItem, ...], ...],
    given: Path,
) -> tuple[tuple[AddedToken, ...], tuple[tuple[FrameItem, ...], tuple[FrameItem, ...]]]:
    """Give added tokens and frames the ids of the caller's vocabulary."""
    names = {token.id: token.content for token in found.added}
    names |= dict(enumerate(found.vocab))
    needed = {i.item: names[i.item] for frame in frames for i in frame if isinstance(i.item, int)}
    _require(vocab, list(needed.values()), str(given))
    added = tuple(
        replace(token, id=vocab.ids[token.content])
        for token in found.added
        if token.content in vocab
    )
    single, pair = (
        tuple(
            replace(i, item=vocab.ids[needed[i.item]]) if isinstance(i.item, int) else i
            for i in frame
        )
        for frame in frames
    )
    return added, (single, pair)
