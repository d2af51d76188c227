"""How a multi-vector embedder reads queries and documents, by whose files they are."""

import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.config import Setting
from bertie.checkpoint.files import read_object
from bertie.checkpoint.queries import Expansion
from bertie.errors import CheckpointError
from bertie.known.sentence import COLBERT, PROMPTS_CONFIG
from bertie.opened import Opened


@dataclass(frozen=True)
class _Stated:
    """A setting of ours in somebody's file.

    Attributes:
        key: its name there.
        name: our name.
        kind: its type.
        default: what stands for one that is absent.
        older: another name of the key, for where it is absent.
    """

    key: str
    name: str
    kind: type
    default: Any
    older: str = ""


# What ColBERT's own file says, by default as ColBERT v2.
_COLBERT = (
    _Stated("query_maxlen", "query_length", int, 32),
    _Stated("doc_maxlen", "document_length", int, 180),
    _Stated("mask_punctuation", "skip_punctuation", bool, True),
    _Stated("attend_to_mask_tokens", "attend_to_masks", bool, False),
    _Stated("query_token_id", "query_marker", str, "[unused0]"),
    _Stated("doc_token_id", "document_marker", str, "[unused1]"),
)
# What PyLate leaves among sentence-transformers' settings.
_PYLATE = (
    _Stated("query_length", "query_length", int, 32),
    _Stated("document_length", "document_length", int, 180),
    _Stated("skiplist_words", "skipped", list, list(string.punctuation)),
    _Stated("attend_to_expansion_tokens", "attend_to_masks", bool, False, "attend_to_mask_tokens"),
    _Stated("do_query_expansion", "expand_queries", bool, True),
    _Stated("query_prefix", "query_marker", str, "[Q] "),
    _Stated("document_prefix", "document_marker", str, "[D] "),
)


def multivector_settings(opened: Opened, max_length: Setting) -> dict[str, Setting]:
    """Read sentence-transformers' settings, ColBERT's or PyLate's, or take those of ColBERT v2.

    Args:
        opened: the source.
        max_length: what stands for lengths that sentence-transformers' files leave out.
    """
    if opened.layout.queries is not None:
        return _native(opened, max_length)
    stated, file = (_PYLATE, PROMPTS_CONFIG) if opened.layout.projection else (_COLBERT, COLBERT)
    raw = opened.layout.stated if file == PROMPTS_CONFIG else _colbert(opened)
    most = opened.config.positions
    settings = {}
    for one in stated:
        key = one.older if raw.get(one.key) is None and one.older else one.key
        value = one.default if raw.get(key) is None else raw[key]
        fits = type(value) is one.kind
        if one.kind is list:
            fits = fits and all(isinstance(word, str) for word in value)
        if not fits or (one.kind is int and not 4 <= value <= most):
            expected = f"4 to {most}" if one.kind is int else one.kind.__name__
            raise CheckpointError(f"{file}: {key} is {shown(value)}, expected {expected}")
        origin = f"{file}: {key}" if raw.get(key) is not None else _default(file)
        settings[one.name] = Setting(value, origin)
    return settings


def _colbert(opened: Opened) -> Mapping[str, Any]:
    """Read ColBERT's own file, which no other task has a use for."""
    path = opened.directory / COLBERT
    return read_object(path) if path.is_file() else {}


def _native(opened: Opened, max_length: Setting) -> dict[str, Setting]:
    """Settle what sentence-transformers 6 says in its own files."""
    layout, queries = opened.layout, opened.layout.queries
    assert queries is not None
    expansion: Expansion | None = queries.expansion.value
    most = opened.config.positions
    if expansion is not None and expansion.length > most:
        raise CheckpointError(
            f"{queries.expansion.origin}.length is {expansion.length}, expected at most {most} from"
            f" {opened.config.source('max_position_embeddings')}"
        )
    query, document = (
        _length(stated, max_length, opened)
        for stated in (queries.query_length, queries.document_length)
    )
    if expansion is not None and (expansion.cut or query.value < expansion.length):
        query = Setting(expansion.length, f"{queries.expansion.origin}.length")
    settings = {
        "query_length": query,
        "document_length": document,
        "skipped": replace(layout.skipped, value=list(layout.skipped.value)),
        "skipped_in": replace(layout.skipped_in, value=list(layout.skipped_in.value)),
        "prompts": layout.prompts,
        "default_prompt_name": layout.default_prompt_name,
    }
    fields = None if expansion is None else asdict(expansion)
    return {**settings, "expansion": replace(queries.expansion, value=fields)}


def _length(stated: Setting, max_length: Setting, opened: Opened) -> Setting:
    """Settle one kind's length: the caller's, the kind's own, or that of every text."""
    given = opened.given.max_length is not None
    if stated.value is None or (given and max_length.value < stated.value):
        return max_length
    return replace(stated, value=min(stated.value, opened.config.positions))


def _default(file: str) -> str:
    """Say where a setting is from that a file lacks."""
    return f"default: as in {'ColBERT v2' if file == COLBERT else 'PyLate'}"
