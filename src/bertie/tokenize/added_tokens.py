"""Special tokens and those added later, put together of a directory's files as transformers 5
does it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from bertie.checkpoint.config import Setting
from bertie.errors import TokenizerError
from bertie.tokenize.classes import SPECIAL, TokenizerKind
from bertie.tokenize.definition import AddedToken
from bertie.tokenize.json_node import Node

CONFIG, TOKENS_MAP, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
_LARGEST_ID = 2**31 - 1
_NO_ID = -1
# Tokens that a model may do without.
_OPTIONAL = frozenset(SPECIAL) - {"unk_token", "cls_token", "sep_token"}
LISTS = _OLDER, _NEWER = "additional_special_tokens", "extra_special_tokens"


@dataclass(frozen=True)
class TokenSpec:
    """A token as a file describes it, which has no id yet; normalized None: unless special."""

    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool | None = None
    special: bool = False

    def token(self, *, special: bool) -> AddedToken:
        """Make it one that is looked for, and special if it is one of those by name."""
        own = self.special or special
        return AddedToken(
            self.content,
            _NO_ID,
            single_word=self.single_word,
            lstrip=self.lstrip,
            rstrip=self.rstrip,
            normalized=not own if self.normalized is None else self.normalized,
            special=own,
        )


@dataclass(frozen=True)
class StatedTokens:
    """What a directory's files say of tokens; none of them has its id yet.

    Attributes:
        named: by key (cls_token, …), with the file and key that name it.
        none: keys of tokens that there are none of, by a file's word.
        extra: special tokens without a key of their own.
        extra_stated: a file lists them under the newer name, though it be none, so that those of a
            SentencePiece model don't count.
        listed: those of added_tokens_decoder or added_tokens.json, each with the id stated there.
        whole: the list is that of added_tokens_decoder, which leaves none out.
    """

    named: Mapping[str, tuple[TokenSpec, str]]
    none: frozenset[str]
    extra: tuple[TokenSpec, ...]
    extra_stated: bool
    listed: tuple[tuple[Node, int, TokenSpec], ...]
    whole: bool

    def settings(self, kind: TokenizerKind) -> dict[str, Setting]:
        """Give every special token's name, and where it comes from."""
        own = {
            key: Setting(None if key in self.none & _OPTIONAL else name, "default")
            for key, name in kind.tokens.items()
        }
        specs = {key: Setting(one.content, where) for key, (one, where) in self.named.items()}
        return own | {key: specs[key] for key in specs if key in SPECIAL}


def read_stated_tokens(config: Node, tokens_map: Node, added: Node) -> StatedTokens:
    """Read what the files say of tokens.

    special_tokens_map.json and added_tokens.json count only where tokenizer_config.json has no
    added_tokens_decoder; the map's names then win over tokenizer_config.json's.

    Args:
        config: tokenizer_config.json.
        tokens_map: special_tokens_map.json.
        added: added_tokens.json.
    Raises: TokenizerError: a value of another type.
    """
    whole = bool(config["added_tokens_decoder"])
    files = [(config, CONFIG), *([] if whole else [(tokens_map, TOKENS_MAP)])]
    named: dict[str, tuple[TokenSpec, str]] = {}
    none: set[str] = set()
    for file, name in files:
        named |= dict(_named_tokens(file, name, special=file is tokens_map))
        none |= {key for key in SPECIAL if key in file.record() and not file[key]}
    extra, extra_stated = _extra_tokens(config, None if whole else tokens_map)
    special = {named[key][0].content for key in SPECIAL if key in named}
    special |= set() if whole else _plain_tokens(config, tokens_map)
    listed = (
        _added_tokens_decoder(config["added_tokens_decoder"])
        if whole
        else _added_tokens_json(added, special)
    )
    unnamed = frozenset(none - named.keys())
    return StatedTokens(named, unnamed, extra, extra_stated, tuple(listed), whole)


def merge_added_tokens(
    stated: StatedTokens,
    kind: TokenizerKind | None,
    base: Iterable[AddedToken],
    ids: Mapping[str, int],
    *,
    rebuilt: bool,
    complete: bool,
    where: str,
) -> tuple[AddedToken, ...]:
    """Put together the tokens that are looked for in a text, with their ids.

    Args:
        stated: what the files beside tokenizer.json say.
        kind: the class's, with its own special tokens.
        base: those of tokenizer.json.
        ids: the vocabulary's.
        rebuilt: the class builds its tokenizer anew, so that added_tokens_decoder replaces those
            of tokenizer.json.
        complete: the class's own special tokens that the vocabulary lacks are added to it, before
            any other: an embedding that was trained for the next one has its place behind them.
        where: what messages call the vocabulary.
    Returns: those of tokenizer.json first.
    Raises: TokenizerError: a file states another id than the token gets.
    """
    base = tuple(base)
    own = {one.content: one for one in base}
    kept = {} if rebuilt and stated.whole else own
    listed = {one.content: one for _, _, one in stated.listed}
    names = {key: one for key, (one, _) in stated.named.items()}
    if kind is not None:
        tokens = {
            key: TokenSpec(kind.tokens[key], lstrip=key in kind.lstrip) for key in kind.tokens
        }
        places = (ids, kept, listed)
        there = {
            key: one
            for key, one in tokens.items()
            if key not in stated.none & _OPTIONAL
            and (complete or any(one.content in place for place in places))
        }
        names = there | names
    special = {one.content for one in names.values()}
    # tokenizer.json's flags win over those of added_tokens.json.
    taken = {one.id: one.content for one in base} if not stated.whole else {}
    specs = [
        one
        for _, id, one in sorted(stated.listed, key=lambda item: item[1])
        if taken.get(id) != one.content
    ]
    order = [
        *(key for key in SPECIAL if key in names),
        *(key for key in names if key not in SPECIAL),
    ]
    specs += [
        one
        for one in (*(names[key] for key in order), *stated.extra)
        if one.content not in kept and one.content not in listed
    ]
    wanted = [one.token(special=one.content in special) for one in specs if one.content]
    if not stated.whole:
        found = (one for one in kept.values() if one.content in special and not one.special)
        wanted += [replace(one, special=True) for one in found]
    added = _assign_ids(kept, wanted, ids, where)
    for node, id, one in stated.listed:
        if one.content not in added:
            raise node.wrong("a token with at least one character")
        if added[one.content].id != id:
            raise TokenizerError(
                f"{node.file}: {node.path} is {id} for {one.content!r}, expected"
                f" {added[one.content].id} by the vocabulary: the two files are not of one model,"
                " fetch both again"
            )
    # tokenizer.json's in its order, so that what says the same has the same fingerprint.
    return tuple(added[content] for content in dict.fromkeys([*own, *added]) if content in added)


def _assign_ids(
    known: dict[str, AddedToken], wanted: Iterable[AddedToken], ids: Mapping[str, int], where: str
) -> dict[str, AddedToken]:
    """Give tokens their ids as the `tokenizers` package does: the vocabulary's, or the next."""
    found = dict(known)
    taken: dict[int, str] | None = None
    following = max([len(ids), *(one.id + 1 for one in known.values())])
    for one in wanted:
        if not one.content:
            continue
        id = found[one.content].id if one.content in found else ids.get(one.content, following)
        if one.content not in found and one.content not in ids:
            taken = {id: token for token, id in ids.items()} if taken is None else taken
            if id in taken:
                raise TokenizerError(
                    f"{where}: there are holes in its ids, so that {one.content!r}, which is added"
                    f" to it, would get {id}, the id of {taken[id]!r}: number its tokens from 0"
                    " without a gap, as the model's embeddings are"
                )
            following = id + 1
        found[one.content] = replace(one, id=id)
    return found


def _named_tokens(
    file: Node, name: str, *, special: bool = False
) -> Iterator[tuple[str, tuple[TokenSpec, str]]]:
    """Read the tokens that have a key: those that every class knows, and a model's own."""
    record = file.record()
    own = [key for key in record if key.endswith("_token") and key not in SPECIAL]
    for key in (*SPECIAL, *(key for key in own if isinstance(record[key], str | dict))):
        if file[key] and file[key].value is not False:
            yield key, (_token(file[key], special=special), f"{name}: {key}")
    groups = ("model_specific_special_tokens", "extra_special_tokens")
    for group in groups[bool(own) or isinstance(record.get(groups[1]), dict) :]:
        for key in record[group] if isinstance(record.get(group), dict) else ():
            node = file[group][key]
            yield key, (_token(node, special=special), f"{name}: {node.path}")


def _extra_tokens(config: Node, tokens_map: Node | None) -> tuple[tuple[TokenSpec, ...], bool]:
    """Read the special tokens without a key.

    extra_special_tokens is the newer name, and where it is there, the older one doesn't count.

    Returns: also whether they are listed under the newer name.
    """
    older, newer = _OLDER in config.record(), _NEWER in config.record()
    additional = list(config[_OLDER].items())
    extra = _list(config[_NEWER])
    if older and not config[_NEWER].value:
        extra, older, newer = additional, False, True
    newer = newer and not isinstance(config[_NEWER].value, dict)
    if tokens_map is not None:
        if _OLDER in tokens_map.record():
            additional, older = list(tokens_map[_OLDER].items()), True
        if isinstance(tokens_map[_NEWER].value, list):
            extra, newer = [*extra, *_list(tokens_map[_NEWER])], True
    if older and not newer:
        extra = additional
    return tuple(dict.fromkeys(_token(one, special=True) for one in extra)), newer


def _plain_tokens(config: Node, tokens_map: Node) -> set[str]:
    """Find those of them that make a token of added_tokens.json special."""
    newer = config[_NEWER].value
    own = _list(config[_NEWER]) if newer else config[_OLDER].items()
    plain = {node.text() for node in own if isinstance(node.value, str)}
    return plain | {_token(node, special=True).content for node in _list(tokens_map[_NEWER])}


def _list(node: Node) -> list[Node]:
    return [] if isinstance(node.value, dict) else list(node.items())


def _token(node: Node, *, special: bool) -> TokenSpec:
    """Read a token: its text, or an object with its flags.

    Args:
        special: whether one is special where the object doesn't say.
    """
    if not isinstance(node.value, dict):
        return TokenSpec(node.text(), special=special)
    return TokenSpec(
        node["content"].text(),
        single_word=node["single_word"].flag(False),
        lstrip=node["lstrip"].flag(False),
        rstrip=node["rstrip"].flag(False),
        normalized=node["normalized"].optional_flag(),
        special=node["special"].flag(special),
    )


def _added_tokens_decoder(decoder: Node) -> Iterator[tuple[Node, int, TokenSpec]]:
    """Read added_tokens_decoder, whose keys are ids."""
    for key in decoder.record():
        if not (key.isascii() and key.isdecimal()) or len(key) > 10 or int(key) > _LARGEST_ID:
            raise decoder.wrong("an object whose keys are ids")
        yield decoder[key], int(key), _token(decoder[key], special=False)


def _added_tokens_json(added: Node, special: set[str]) -> Iterator[tuple[Node, int, TokenSpec]]:
    """Read added_tokens.json, whose values are ids."""
    for content in added.record():
        id = added[content].integer(least=0, most=_LARGEST_ID)
        text = Node(content, added.file, f"the key {id}").text()
        own = text in special
        yield added[content], id, TokenSpec(text, normalized=not own, special=own)
