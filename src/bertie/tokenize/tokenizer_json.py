"""Reading tokenizer.json, the file of Hugging Face's `tokenizers`, where its parts are BERT's."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from bertie.tokenize.definition import AddedToken, TemplatePiece, templates
from bertie.tokenize.json_node import Node
from bertie.tokenize.vocab import Vocab

_LARGEST_ID = 2**31 - 1


@dataclass(frozen=True)
class JsonTokenizer:
    """What tokenizer.json says. strip_accents None is "as lower"; templates are None without a
    post_processor."""

    vocab: Vocab
    added: tuple[AddedToken, ...]
    unknown: str
    prefix: str
    max_chars: int
    clean_text: bool
    tokenize_chinese_chars: bool
    strip_accents: bool | None
    lower: bool
    templates: tuple[tuple[TemplatePiece, ...], tuple[TemplatePiece, ...]] | None
    decoder_prefix: str | None
    cleanup: bool


def model_type(root: Node) -> str:
    """Return the model's type; files of early versions leave WordPiece's out."""
    model = root["model"]
    if not model["type"] and {"continuing_subword_prefix", "vocab"} <= model.record().keys():
        return "WordPiece"
    return model["type"].text()


def part_not_bert(root: Node) -> str | None:
    """Name the first part that isn't one of BERT's, or None where all are."""
    expected = {
        "model": ("WordPiece",),
        "normalizer": ("BertNormalizer", None),
        "pre_tokenizer": ("BertPreTokenizer",),
        "post_processor": ("TemplateProcessing", "BertProcessing", None),
        "decoder": ("WordPiece", None),
    }
    for part, types in expected.items():
        kind = model_type(root) if part == "model" else None
        if part != "model" and root[part]:
            kind = root[part]["type"].text()
        if kind not in types:
            return f"{part} {kind or 'null'}"
    return None


def read(root: Node) -> JsonTokenizer:
    """Read a tokenizer.json whose parts are all BERT's.

    Raises: TokenizerError: a value is not what `tokenizers` writes there; it names the path.
    """
    vocab = _vocab(root["model"]["vocab"])
    added = tuple(_added(root["added_tokens"], vocab))
    size = max([len(vocab), *(token.id + 1 for token in added)])
    normalizer, decoder = root["normalizer"], root["decoder"]
    # Without a normalizer, nothing is normalized.
    bert = bool(normalizer)
    return JsonTokenizer(
        vocab=vocab,
        added=added,
        unknown=root["model"]["unk_token"].text("[UNK]"),
        prefix=root["model"]["continuing_subword_prefix"].text("##"),
        max_chars=root["model"]["max_input_chars_per_word"].integer(100, least=0, most=2**62),
        clean_text=bert and normalizer["clean_text"].flag(True),
        tokenize_chinese_chars=bert and normalizer["handle_chinese_chars"].flag(True),
        strip_accents=normalizer["strip_accents"].optional_flag() if bert else False,
        lower=bert and normalizer["lowercase"].flag(True),
        templates=_templates(root["post_processor"], size),
        decoder_prefix=decoder["prefix"].text("##") if decoder else None,
        cleanup=bool(decoder) and decoder["cleanup"].flag(True),
    )


def _vocab(node: Node) -> Vocab:
    """Read the model's vocabulary; an id that no token has is a hole in it."""
    record = node.record()
    ids = list(record.values())
    # At once, for it takes a while; nearly all files have their tokens in order.
    if set(map(type, ids)) != {int} or not _is_unicode(record):
        _complain(node)
    if ids == list(range(len(ids))):
        return Vocab.from_ids(record)
    most = 4 * len(ids) + 1024
    if min(ids) < 0 or max(ids) > most or len(set(ids)) < len(ids):
        _complain(node, most)
    return Vocab.with_holes(record)


def _is_unicode(tokens: Iterable[str]) -> bool:
    """Whether no token holds a lone surrogate."""
    try:
        "".join(tokens).encode()
    except UnicodeEncodeError:
        return False
    return True


def _complain(node: Node, most: int = _LARGEST_ID) -> NoReturn:
    """Raise the error about the entry that is wrong."""
    seen: dict[int, str] = {}
    for token, id in node.record().items():
        number = node[token].integer(least=0, most=most)
        if number in seen:
            raise node[token].wrong(f"an id of its own: {seen[number]!r} has that one")
        seen[number] = token
        Node(token, node.file, f"{node.path} key {id}").text()
    raise node.wrong("at least one token")


def _added(node: Node, vocab: Vocab) -> Iterator[AddedToken]:
    """Yield the added tokens. Those of the vocabulary have its id; others follow it in order."""
    following = len(vocab.ids)
    new: dict[str, int] = {}
    for entry in node.items():
        content = entry["content"].text()
        id = entry["id"].integer(least=0, most=_LARGEST_ID)
        known = vocab.ids.get(content, new.get(content))
        if known is None:
            known = new[content] = following
            following += 1
        if id != known:
            raise entry["id"].wrong(f"{known}, the id of {content!r} after the vocabulary")
        special = entry["special"].flag(False)
        yield AddedToken(
            content,
            id,
            single_word=entry["single_word"].flag(False),
            lstrip=entry["lstrip"].flag(False),
            rstrip=entry["rstrip"].flag(False),
            normalized=entry["normalized"].flag(not special),
            special=special,
        )


def _templates(
    node: Node, size: int
) -> tuple[tuple[TemplatePiece, ...], tuple[TemplatePiece, ...]] | None:
    if not node:
        return None
    if node["type"].text() == "BertProcessing":
        cls, sep = (_token_id(node[key], size) for key in ("cls", "sep"))
        return templates(cls, sep)
    single = tuple(_template(node["single"], node["special_tokens"], size))
    pair = tuple(_template(node["pair"], node["special_tokens"], size))
    for items, texts, path in ((single, ["A"], "single"), (pair, ["A", "B"], "pair")):
        if sorted(str(i.item) for i in items if isinstance(i.item, str)) != texts:
            raise node[path].wrong(f"a template with each of {' and '.join(texts)} once")
    return single, pair


def _token_id(node: Node, size: int) -> int:
    """Read the id of BertProcessing's ["[CLS]", 101]."""
    if len(list(node.items())) != 2:
        raise node.wrong("a list of a token and its id")
    return node[1].integer(least=0, most=size - 1)


def _template(node: Node, special: Node, size: int) -> Iterator[TemplatePiece]:
    for entry in node.items():
        if entry["Sequence"]:
            sequence = entry["Sequence"]
            which = sequence["id"].text()
            if which not in ("A", "B"):
                raise sequence["id"].wrong('"A" or "B"')
            yield TemplatePiece(which, sequence["type_id"].integer(0, least=0, most=_LARGEST_ID))
            continue
        token = entry["SpecialToken"]
        type_id = token["type_id"].integer(0, least=0, most=_LARGEST_ID)
        for id in special[token["id"].text()]["ids"].items():
            yield TemplatePiece(id.integer(least=0, most=size - 1), type_id)
