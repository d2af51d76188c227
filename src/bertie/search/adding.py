"""Rows into an index: what is new or changed is embedded and written, the rest is left alone."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.calls.records import Record
from bertie.errors import InputError
from bertie.search.rows import CONTENT, CUT, KEY, TOKENS, VECTOR, Item, items
from bertie.search.settings import IndexSettings
from bertie.search.store import Store
from bertie.search.values import (
    ValueMismatch,
    category,
    column_converter,
    mismatch,
    type_of,
)

Floats = NDArray[np.float32]

_CHUNK = 4096  # rows that are written in one step


@dataclass(frozen=True)
class Changes(Record):
    """What adding rows did.

    Attributes:
        added: rows with a new key.
        changed: rows that took the place of another with their key.
        unchanged: rows that were there already.
        tokens: those of the rows added and changed.
        truncated: how many of these rows have texts longer than the model reads.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    tokens: int = 0
    truncated: int = 0


@dataclass
class _Chunk:
    """Rows to write, and the indices of those whose vectors are still to be computed."""

    items: Sequence[Item]
    unchanged: int
    replaced: int
    vectors: Floats
    to_embed: deque[int]
    tokens: list[int] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)


def add_rows(
    store: Store,
    settings: IndexSettings,
    model: Any,
    rows: Iterable[Mapping[str, Any]],
    progress: Callable[[Changes], None] | None = None,
    seen_keys: set[str] | None = None,
) -> Changes:
    """Add rows, embedding what is new or has another text.

    Args:
        model: an Embedder, of the index's fingerprint.
        rows: a list or the like, or something that says by `again` that it can be read again, is
            read twice.
        progress: called with what has been done after each step.
        seen_keys: gets every row's key.
    Returns: what was done.
    Raises: InputError: a row can't be kept; nothing is then, or of an iterator those some
        thousands before it have been.
    """
    known = _content_hashes(store)
    types = store.types
    waiting: deque[_Chunk] = deque()
    done = Changes()

    def texts() -> Iterator[str]:
        given = items(rows, column=settings.column, key=settings.key)
        # What can be read again is looked at first: nothing is written if one row can't be.
        if isinstance(rows, Collection) or getattr(rows, "again", False):
            _check(_representatives(given), types)
            given = items(rows, column=settings.column, key=settings.key)
        while some := list(islice(given, _CHUNK)):
            if seen_keys is not None:
                seen_keys.update(item.key for item in some)
            _check(some, types)
            chunk = _make_chunk(store, settings, model, some, known)
            due = [chunk.items[index].fields[settings.column] for index in chunk.to_embed]
            waiting.append(chunk)  # from here on its vectors may come
            yield from due

    def write() -> None:
        nonlocal done
        chunk = waiting.popleft()
        if chunk.items:
            store.write(_columns(chunk), chunk.vectors, chunk.replaced, types)
        done = _add_chunk(done, chunk)
        if progress is not None:
            progress(done)

    for vector in model.embed_stream(texts(), kind="document", truncate=settings.truncate):
        while not waiting[0].to_embed:  # nothing of it has to be embedded
            write()
        chunk = waiting[0]
        chunk.vectors[chunk.to_embed.popleft()] = vector
        if not chunk.to_embed:
            write()
    while waiting:
        write()
    return done


def _check(given: Sequence[Item], types: dict[str, Any]) -> None:
    """Refuse values that their columns don't take, before anything is embedded or written.

    Args:
        types: of the columns; those of new ones are settled here.
    Raises: InputError: it says which row, column and value.
    """
    for name in dict.fromkeys(name for item in given for name in item.fields):
        values = [item.fields.get(name) for item in given]
        kind = types.get(name) or type_of(values)
        if kind is None:
            continue
        types[name] = kind
        convert = column_converter(kind)
        for item, value in zip(given, values, strict=True):
            try:
                convert(value)
            except ValueMismatch as error:
                where = f"row {item.number}: column {name!r}"
                raise InputError(mismatch(where, value, kind, error)) from None


def _representatives(given: Iterable[Item]) -> list[Item]:
    """Pick the rows whose values say what the columns' types are, and whether all values fit."""
    seen: set[tuple[str, Any]] = set()
    picked = []
    for item in given:
        new = {(name, category(value)) for name, value in item.fields.items()} - seen
        if new:
            seen |= new
            picked.append(item)
    return picked


def _content_hashes(store: Store) -> dict[str, str]:
    """The content hash of every row, by key."""
    known: dict[str, str] = {}
    for batch in store.scan([KEY, CONTENT]):
        keys, contents = (batch.column(name).to_pylist() for name in (KEY, CONTENT))
        known.update(zip(keys, contents, strict=True))
    return known


def _make_chunk(
    store: Store, settings: IndexSettings, model: Any, given: list[Item], known: dict[str, str]
) -> _Chunk:
    """Find out what of some rows is to be written, and what of that to be embedded."""
    due = [item for item in given if known.get(item.key) != item.content]
    replaced = [item.key for item in due if item.key in known]
    before = store.by_keys(replaced, [settings.column, VECTOR]) if replaced else {}
    known.update((item.key, item.content) for item in due)
    vectors = np.empty((len(due), settings.dimensions), np.float32)
    to_embed: deque[int] = deque()
    for index, item in enumerate(due):
        old = before.get(item.key)
        if old is not None and old[settings.column] == item.fields[settings.column]:
            vectors[index] = old[VECTOR]
        else:
            to_embed.append(index)
    chunk = _Chunk(due, len(given) - len(due), len(replaced), vectors, to_embed)
    if due:
        windowed = settings.truncate == "window"
        packed = model.tokenizer.encode_batch(
            [item.fields[settings.column] for item in due],
            max_length=None if windowed else model.max_length,
            threads=model.encoder.threads,
        )
        chunk.tokens, chunk.cut = packed.lengths.tolist(), packed.truncated.tolist()
    return chunk


def _columns(chunk: _Chunk) -> dict[str, list[Any]]:
    """Rows as columns; what a row lacks is None."""
    names = dict.fromkeys(name for item in chunk.items for name in item.fields)
    own: dict[str, list[Any]] = {
        KEY: [item.key for item in chunk.items],
        CONTENT: [item.content for item in chunk.items],
        TOKENS: chunk.tokens,
        CUT: chunk.cut,
    }
    return own | {name: [item.fields.get(name) for item in chunk.items] for name in names}


def _add_chunk(done: Changes, chunk: _Chunk) -> Changes:
    """What was done, with one more chunk of it."""
    return Changes(
        added=done.added + len(chunk.items) - chunk.replaced,
        changed=done.changed + chunk.replaced,
        unchanged=done.unchanged + chunk.unchanged,
        tokens=done.tokens + sum(chunk.tokens),
        truncated=done.truncated + sum(cut > 0 for cut in chunk.cut),
    )
