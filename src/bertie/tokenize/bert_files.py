"""BERT's tokenizer from a directory's files: a vocabulary with settings, or tokenizer.json."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bertie.checkpoint.config import Setting
from bertie.errors import TokenizerError
from bertie.tokenize import tokenizer_json
from bertie.tokenize.added_tokens import CONFIG, StatedTokens, merge_added_tokens
from bertie.tokenize.classes import BERT, TokenizerClass, TokenizerKind
from bertie.tokenize.definition import AddedToken, Definition, TemplatePiece, Templates, templates
from bertie.tokenize.json_node import Node
from bertie.tokenize.vocab import Vocab

JSON = "tokenizer.json"
# Over one entry in so many has capitals in a cased model's vocabulary; in Google's every third.
_CASED = 20
BERT_ENDS = ("cls_token", "sep_token")
_LOWER, _CHINESE, _CLEAN = "do_lower_case", "tokenize_chinese_chars", "clean_text"


@dataclass(frozen=True)
class TokenizerFiles:
    """What a directory's settings say, read once.

    Attributes:
        config: tokenizer_config.json.
        stated_tokens: what they say of special and added tokens.
        tokenizer_class: the class that tokenizes.
        max_length: of a text, in tokens.
    """

    config: Node
    stated_tokens: StatedTokens
    tokenizer_class: TokenizerClass
    max_length: Setting

    @property
    def one_type(self) -> bool:
        """Whether a second text has the first one's type, as no types are given to the model."""
        names = [one.text() for one in self.config["model_input_names"].items()]
        return bool(names) and "token_type_ids" not in names

    def names_template(self, kind: TokenizerKind) -> bool:
        """Whether a file names the class, or one of the tokens before and after its texts."""
        return self.tokenizer_class.stated or any(
            key in self.stated_tokens.named for key in kind.ends or ()
        )

    def tokens(self, kind: TokenizerKind | None = None) -> dict[str, Setting]:
        """Give special tokens' names, as a kind of class has them where no file names them."""
        return self.stated_tokens.settings(kind or self.tokenizer_class.kind or BERT)

    def settings(self, tokens: Mapping[str, Setting]) -> dict[str, Setting]:
        """Give the settings that every tokenizer has."""
        none = Setting(None, "default")
        return {
            "max_length": self.max_length,
            **{key: tokens.get(key, none) for key in BERT.tokens},
        }


def from_options(
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
    settings = {key: Setting(name, "default") for key, name in BERT.tokens.items()}
    settings |= {
        "unk_token": Setting(unknown, "caller"),
        "lower": Setting(lower, "caller"),
        "strip_accents": Setting(strip_accents, "caller"),
        _CLEAN: Setting(True, "default"),
        _CHINESE: Setting(True, "default"),
        "max_length": Setting(max_length, "default" if max_length is None else "caller"),
    }
    names = [settings[key].value for key in BERT.tokens]
    added = {name: AddedToken(name, vocab.ids[name]) for name in names if name in vocab}
    later = (AddedToken(t, vocab.ids[t], single_word=True, special=False) for t in never_split)
    added |= {token.content: token for token in later}
    found = _bert(vocab, "vocabulary", BERT, settings, added.values(), max_chars)
    return replace(found, settings=_with_lower(settings, None))


def from_vocab(path: Path, files: TokenizerFiles, lower: bool | None) -> Definition:
    """Define a tokenizer by its vocab.txt and its settings.

    Raises: TokenizerError: the vocabulary is broken, or lacks a token that a template needs.
    """
    vocab = Vocab.from_file(path)
    kind, notes = _kind(vocab, files)
    tokens, config = files.tokens(kind), files.config
    flags = {
        "lower": _flag(config, _LOWER, True),
        _CLEAN: Setting(True, "default"),
        _CHINESE: _flag(config, _CHINESE, True),
        "strip_accents": _flag(config, "strip_accents", None),
    }
    named = files.tokenizer_class.kind is not None
    added = merge_added_tokens(
        files.stated_tokens, kind, (), vocab.ids, rebuilt=True, complete=named, where=str(path)
    )
    first = [tokens[key].value for key in BERT.tokens]
    added = tuple(sorted(added, key=lambda one: [*first, one.content].index(one.content)))
    if lower is None and not config[_LOWER]:
        note = _capitals(vocab, path, added)
        if note:
            flags["lower"] = Setting(False, f"capitals in {path.name}")
            notes.append(note)
    found = _with_one_type(_bert(vocab, str(path), kind, tokens, added, 100), files)
    settings = _with_lower(files.settings(tokens) | flags, lower)
    return replace(found, settings=settings, notes=(*found.notes, *notes))


def _kind(vocab: Vocab, files: TokenizerFiles) -> tuple[TokenizerKind, list[str]]:
    """Choose the class's way; a model's type alone gives way to what the vocabulary has."""
    kind, named = files.tokenizer_class.kind, files.tokenizer_class
    if kind is None or named.stated or kind is BERT:
        return kind or BERT, []
    # A WordPiece vocabulary beside a model that comes with another: only the template is its own.
    own = kind
    if "vocab.txt" not in kind.reads:
        own = replace(kind, tokens={**BERT.tokens, **kind.tokens, "unk_token": "[UNK]"})
    tokens = files.tokens(own)
    if not all(tokens[key].value in vocab for key in kind.ends or ()):
        own, tokens = BERT, files.tokens(BERT)
    if own is kind:
        return own, []
    begin, end = (tokens[key].value for key in own.ends or BERT_ENDS)
    return own, [
        f"{named}, which has another vocabulary; vocab.txt is read as WordPiece, with the frame"
        f" {begin} A {end}"
    ]


def _flag(config: Node, key: str, default: bool | None) -> Setting:
    """Read a flag of tokenizer_config.json."""
    value = config[key].optional_flag()
    if value is None:
        return Setting(default, "default")
    return Setting(value, f"{CONFIG}: {key}")


def _capitals(vocab: Vocab, path: Path, added: Iterable[AddedToken]) -> str | None:
    """Say that a vocabulary is a cased model's, where nothing else says so."""
    special = {"", *BERT.tokens.values(), *(token.content for token in added)}
    entries = [token for token in vocab if token not in special and not token.startswith("[unused")]
    capitals = sum(token != token.lower() for token in entries)
    if capitals * _CASED <= len(entries):
        return None
    return (
        f"{path.name}: {capitals} of {len(entries)} tokens have capitals, and no file says whether"
        " to lower-case, so texts are not lower-cased, where transformers does: give lower=True"
        " for that"
    )


def _bert(
    vocab: Vocab,
    where: str,
    kind: TokenizerKind,
    tokens: Mapping[str, Setting],
    added: Iterable[AddedToken],
    max_chars: int,
) -> Definition:
    """Define a tokenizer by a vocabulary and its tokens, without its settings."""
    needed = ("unk_token", *(kind.ends or BERT_ENDS))
    _require(vocab, [tokens[key].value for key in needed], where)
    single, pair = _class_templates(kind, tokens, vocab.ids)
    return Definition(
        vocab=vocab,
        added=tuple(added),
        unknown=tokens["unk_token"].value,
        single=single,
        pair=pair,
        max_chars=max_chars,
        notes=tuple(f"{Path(where).name}: {note}" for note in vocab.notes),
    )


def _class_templates(
    kind: TokenizerKind, tokens: Mapping[str, Setting], ids: Mapping[str, int]
) -> Templates:
    begin, end = kind.ends or BERT_ENDS
    return templates(
        ids[tokens[begin].value],
        ids[tokens[end].value],
        doubled=kind.doubled,
        second=kind.second,
    )


def _with_lower(settings: dict[str, Setting], lower: bool | None) -> dict[str, Setting]:
    """Put in the caller's lower-casing; accents go with the capitals where nothing is said."""
    if lower is not None:
        settings["lower"] = Setting(lower, "caller")
    if settings["strip_accents"].value is None:
        settings["strip_accents"] = Setting(settings["lower"].value, "as lower")
    return settings


def _require(vocab: Vocab, tokens: list[str], where: str) -> None:
    missing = [token for token in dict.fromkeys(tokens) if token not in vocab]
    if missing:
        raise TokenizerError(
            f"{where}: the vocabulary of {len(vocab)} tokens lacks {', '.join(missing)}, which "
            f"BERT needs: give the model's own with vocab=, or name its tokens in {CONFIG}"
        )


def from_json(
    root: Node, files: TokenizerFiles, lower: bool | None, given: Path | None
) -> Definition:
    """Define a tokenizer by a tokenizer.json whose parts are BERT's.

    Where the class builds its tokenizer anew, what tokenizer_config.json states wins.
    """
    found = tokenizer_json.read(root)
    kind = files.tokenizer_class.kind
    rebuilt = kind is not None and "vocab.txt" in kind.reads
    vocab = Vocab.from_file(given) if given else found.vocab
    where = str(given or root.file)
    flags = {
        "lower": Setting(found.lower, f"{JSON}: normalizer.lowercase"),
        "strip_accents": Setting(found.strip_accents, f"{JSON}: normalizer.strip_accents"),
        _CLEAN: Setting(found.clean_text, f"{JSON}: normalizer.clean_text"),
        _CHINESE: Setting(found.tokenize_chinese_chars, f"{JSON}: normalizer.handle_chinese_chars"),
        "unk_token": Setting(found.unknown, f"{JSON}: model.unk_token"),
    }
    if not root["normalizer"]:
        flags |= {
            key: Setting(flags[key].value, f"{JSON}: normalizer is null")
            for key in ("lower", "strip_accents", _CLEAN, _CHINESE)
        }
    stated = _stated(files)
    notes = list(_disagreements(flags, stated, files.tokenizer_class, rebuilt))
    if kind is not None and not rebuilt:
        notes.append(
            f"{JSON}: {files.tokenizer_class}, and its model is WordPiece: it is taken as it is"
        )
    if rebuilt:
        flags |= stated
    unknown = flags["unk_token"].value
    _require(vocab, [unknown], where)
    notes = [*(f"{Path(where).name}: {note}" for note in vocab.notes), *notes]
    tokens = files.tokens()
    settings = files.settings(tokens) | flags
    made, added = found.templates, found.added
    if rebuilt and kind is not None and _takes_class_template(files, kind, found, tokens):
        _require(found.vocab, [tokens[key].value for key in kind.ends or BERT_ENDS], root.file)
        made = _class_templates(kind, tokens, found.vocab.ids)
        if made != found.templates:
            notes.append(
                f"{JSON}: post_processor isn't that of {files.tokenizer_class},"
                " by which texts are framed"
            )
    if made is None:
        notes.append(f"{JSON}: post_processor is null, so no special tokens frame a text")
        single: tuple[TemplatePiece, ...] = (TemplatePiece("A", 0),)
        made = single, (*single, TemplatePiece("B", 1))
    added = merge_added_tokens(
        files.stated_tokens,
        kind if rebuilt else None,
        added,
        found.vocab.ids,
        rebuilt=rebuilt,
        complete=rebuilt,
        where=where,
    )
    lost = [one.content for one in found.added if one not in added and _lost(one, added)]
    if lost:
        notes.append(f"{CONFIG}: added_tokens_decoder lacks {', '.join(lost)}, so {JSON}'s go")
    if given:
        added, made = _renumber(found, added, vocab, made, given)
    definition = Definition(
        vocab=vocab,
        added=added,
        unknown=unknown,
        single=made[0],
        pair=made[1],
        prefix=found.prefix,
        max_chars=found.max_chars,
        decoder_prefix=found.decoder_prefix,
        cleanup=found.cleanup,
        settings=_with_lower(settings, lower),
        notes=tuple(notes),
    )
    return _with_one_type(definition, files)


def _with_one_type(definition: Definition, files: TokenizerFiles) -> Definition:
    """Leave the types of texts alike, where the model is given none."""
    if not files.one_type:
        return definition
    single, pair = (
        tuple(replace(piece, type_id=0) for piece in template)
        for template in (definition.single, definition.pair)
    )
    return replace(definition, single=single, pair=pair)


def _lost(one: AddedToken, added: Iterable[AddedToken]) -> bool:
    return all(one.content != other.content for other in added)


def _takes_class_template(
    files: TokenizerFiles,
    kind: TokenizerKind,
    found: tokenizer_json.JsonTokenizer,
    tokens: Mapping[str, Setting],
) -> bool:
    """Whether the class's templates count: a file names it or its tokens, or there are none."""
    ends = kind.ends or BERT_ENDS
    return files.names_template(kind) or (
        found.templates is None and all(tokens[key].value in found.vocab for key in ends)
    )


def _stated(files: TokenizerFiles) -> dict[str, Setting]:
    """Collect what tokenizer_config.json states of what tokenizer.json says too."""
    stated = {}
    for key, name in (("lower", _LOWER), ("strip_accents", "strip_accents"), (_CHINESE, _CHINESE)):
        own = _flag(files.config, name, None)
        # null is a value of strip_accents: as lower-casing is.
        null = name == "strip_accents" and name in files.config.record()
        if own.value is not None or null:
            stated[key] = Setting(own.value, f"{CONFIG}: {name}")
    if "unk_token" in files.stated_tokens.named:
        token, where = files.stated_tokens.named["unk_token"]
        stated["unk_token"] = Setting(token.content, where)
    return stated


def _disagreements(
    flags: Mapping[str, Setting],
    stated: Mapping[str, Setting],
    named: TokenizerClass,
    rebuilt: bool,
) -> Iterable[str]:
    """Say where tokenizer_config.json and tokenizer.json differ, and which wins."""
    for key, own in stated.items():
        if own.value != flags[key].value:
            won = f"{CONFIG} won, as {named}" if rebuilt else f"{JSON} won"
            other = _shown(flags[key].value)
            yield f"{own.origin} is {_shown(own.value)} and {JSON} says {other}: {won}"


def _shown(value: Any) -> str:
    """Write a value as JSON does."""
    if isinstance(value, str):
        return repr(value)
    return "null" if value is None else str(value).lower()


def _renumber(
    found: tokenizer_json.JsonTokenizer,
    added: tuple[AddedToken, ...],
    vocab: Vocab,
    made: Templates,
    given: Path,
) -> tuple[tuple[AddedToken, ...], Templates]:
    """Give added tokens and templates the ids of the caller's vocabulary."""
    names = {token.id: token.content for token in added}
    names |= dict(enumerate(found.vocab))
    needed = {
        i.item: names[i.item] for template in made for i in template if isinstance(i.item, int)
    }
    _require(vocab, list(needed.values()), str(given))
    moved = tuple(
        replace(token, id=vocab.ids[token.content]) for token in added if token.content in vocab
    )
    single, pair = (
        tuple(
            replace(i, item=vocab.ids[needed[i.item]]) if isinstance(i.item, int) else i
            for i in template
        )
        for template in made
    )
    return moved, (single, pair)
