"""Everything that decides how a text becomes tokens, as one record."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from bertie.checkpoint.config import Setting
from bertie.tokenize.vocab import Vocab

# Transformers writes this as model_max_length where it knows no limit.
NO_LIMIT = int(1e30)


@dataclass(frozen=True)
class AddedToken:
    """A token that is found in the text as it is, before it is split into words.

    single_word: only where no word character touches it.
    lstrip, rstrip: the white space before and after it belongs to it.
    normalized: matched in the normalized text instead of the caller's.
    special: left out when decoding.
    """

    content: str
    id: int
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = False
    special: bool = True


@dataclass(frozen=True)
class TemplatePiece:
    """One piece of a template: the first text ("A"), the second ("B"), or a special token's id."""

    item: str | int
    type_id: int


# Of one text, and of two.
Templates: TypeAlias = tuple[tuple[TemplatePiece, ...], tuple[TemplatePiece, ...]]


@dataclass(frozen=True)
class Definition:
    """A WordPiece tokenizer, whatever files it came from.

    prefix: of tokens that continue a word.
    max_chars: code points; longer words are unknown.
    single, pair: the templates of one text and of two: where special tokens stand.
    decoder_prefix: removed when decoding; None joins tokens with spaces, as they are.
    cleanup: whether decoding removes the spaces before punctuation.
    settings: what `Tokenizer.settings` shows; lower, strip_accents, clean_text and
        tokenize_chinese_chars are read from here.
    """

    vocab: Vocab
    added: tuple[AddedToken, ...]
    unknown: str
    single: tuple[TemplatePiece, ...]
    pair: tuple[TemplatePiece, ...]
    prefix: str = "##"
    max_chars: int = 100
    decoder_prefix: str | None = "##"
    cleanup: bool = True
    settings: Mapping[str, Setting] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def templates(cls: int, sep: int, *, doubled: bool = False, second: int = 1) -> Templates:
    """Return the templates of one text and of two.

    Args:
        cls, sep: the ids before and after a text.
        doubled: the one after a text stands twice between two, as RoBERTa has it.
        second: the type of the second text.
    """
    single = (TemplatePiece(cls, 0), TemplatePiece("A", 0), TemplatePiece(sep, 0))
    between = (TemplatePiece(sep, 0),) if doubled else ()
    return single, (*single, *between, TemplatePiece("B", second), TemplatePiece(sep, second))


@dataclass(frozen=True)
class HfDefinition:
    """A tokenizer that the `tokenizers` package runs: its tokenizer.json as text.

    vocab: every token, the added ones included, blank where an id has none.
    where: the file, for complaints.
    """

    json: str
    where: str
    vocab: Vocab
    settings: Mapping[str, Setting] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


# What they were called when earlier releases pickled them.
FrameItem, ForeignDefinition = TemplatePiece, HfDefinition


def identity(definition: Definition | HfDefinition) -> dict[str, Any]:
    """Return everything that decides the ids, as plain JSON values."""
    if isinstance(definition, HfDefinition):
        return {"json": definition.json}
    names = ("clean_text", "tokenize_chinese_chars", "strip_accents", "lower")
    return {
        "vocab": list(definition.vocab),
        "added": [asdict(token) for token in definition.added],
        "unknown": definition.unknown,
        "prefix": definition.prefix,
        "max_chars": definition.max_chars,
        "single": [[i.item, i.type_id] for i in definition.single],
        "pair": [[i.item, i.type_id] for i in definition.pair],
        **{name: definition.settings[name].value for name in names},
    }
