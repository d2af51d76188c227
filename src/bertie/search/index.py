"""An index: rows on the disk with their vectors and words, and the search among them."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from reprlib import repr as shown
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bertie.arguments import check_flags
from bertie.engine.pooling import normalize
from bertie.errors import InputError
from bertie.rows.json_lines import is_unicode
from bertie.search.adding import Changes, add_rows
from bertie.search.filters import Where, condition, literal, quoted
from bertie.search.lock import writer_lock
from bertie.search.matches import MAX_MATCHES, Match, fuse, reranked, top_matches
from bertie.search.models import embedder, reranker, settings_of
from bertie.search.rows import KEY, OWN, VECTOR, check_name, key_of
from bertie.search.settings import IndexSettings, read_settings
from bertie.search.store import Store
from bertie.search.values import ValueMismatch, to_python

Floats = NDArray[np.float32]

MODES = ("vector", "text", "hybrid")
_DEPTH = 100  # rows of each ranking that are fused, and at most reranked, unless k is more

Progress = Callable[[Changes], None]


class Index:
    """Rows in a directory, searched by meaning, by words, or both.

    One process writes at a time, any number read meanwhile; what is written is seen within a
    second or so.

    Attributes:
        path: the directory.
        settings: what the index was made with.
    """

    def __init__(self, path: Path, settings: IndexSettings, store: Store, model: Any) -> None:
        """Join the parts; create and open do it."""
        self.path = path
        self.settings = settings
        self.store = store
        self._model = model
        self._threads: int | None = None

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        model: Any = "minilm",
        column: str = "text",
        key: str | None = None,
        language: str = "English",
        first_pass: str = "int8",
        truncate: str = "right",
    ) -> Self:
        """Make an index without rows.

        Args:
            path: a directory that isn't there yet, or is empty.
            model: a source, or an Embedder that is loaded.
            column: the column whose text is searched.
            key: the column that tells rows apart, so that one can be changed or deleted; None:
                their content does. The first add can say it, too.
            language: of the texts, for the search by words: their stems are compared and words
                that say little left out; "none" does neither.
            first_pass: what an approximate index reads first: "int8", "binary" (least memory) or
                "float32"; the best rows are compared in float32 after that.
            truncate: what becomes of texts longer than the model reads, as for embed.
        Raises: InputError: something is there already; an option that can't be; a column's name
            that can't be.
        Raises: ExtraMissing: LanceDB isn't installed. Others: as bertie.load.
        """
        path = Path(path)
        check_name(column)
        if key is not None:
            check_name(key)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path} is there already, expected a new or an empty directory")
        model = embedder(model, {})
        settings = settings_of(
            model,
            column=column,
            key=key,
            language=language,
            first_pass=first_pass,
            truncate=truncate,
        )
        existed = path.exists()
        try:
            path.mkdir(parents=True, exist_ok=True)
            store = Store(path, settings, new=True)
            settings.save(path)
        except BaseException as error:
            if not existed:
                shutil.rmtree(path, ignore_errors=True)
            if isinstance(error, OSError):
                raise InputError(f"{path} can't be written: {error.strerror}") from error
            raise
        return cls(path, settings, store, model)

    @classmethod
    def open(cls, path: str | Path, *, model: Any = None, threads: int | None = None) -> Self:
        """Open an index.

        Args:
            path: the directory.
            model: the one that it was made with, or its source, where that isn't the one stored;
                None loads the stored one in the stored precision when a call needs it.
            threads: as for bertie.load, where a model is loaded.
        Raises: InputError: there is no index, or it is damaged; the model is another one.
        Raises: ExtraMissing: LanceDB isn't installed. Others: as bertie.load.
        """
        path = Path(path)
        settings = read_settings(path)
        index = cls(path, settings, Store(path, settings), None)
        index._threads = threads
        if model is not None:
            index._model = index._matching(
                embedder(model, {**settings.options, "threads": threads})
            )
        return index

    def __len__(self) -> int:
        """Count the rows."""
        return self.store.count()

    @property
    def columns(self) -> list[str]:
        """The rows' columns."""
        return self.store.columns

    @property
    def model(self) -> Any:
        """The model that the index was made with, loaded now if it wasn't."""
        if self._model is None:
            options = {**self.settings.options, "threads": self._threads}
            self._model = self._matching(embedder(self.settings.source, options))
        return self._model

    def add(
        self,
        rows: Iterable[Mapping[str, Any]],
        *,
        key: str | None = None,
        prune: bool = False,
        progress: Progress | None = None,
    ) -> Changes:
        """Add rows; only those that are new or changed cost anything.

        A row with a known key takes the place of the one that has it. Rows are written some
        thousands at a time, so that what was interrupted goes on where it was when the same rows
        are added again.

        Args:
            rows: any number, each a mapping of columns to texts, numbers, truths, dates or None;
                lists and mappings are kept as JSON. One column may be new at any time; its type is
                that of all its values. A list is read twice, to see that all fit; of what is read
                as it comes the first 4096 rows settle the types.
            key: the column that tells rows apart, as create's; the first add settles it.
            prune: delete the rows whose keys aren't among these.
            progress: called with what has been done after each step.
        Returns: what was done.
        Raises: InputError: a row that can't be kept, or a value of another type than its column's,
            by number: nothing of a list is written then; two with one key; another
            key than before; another process is writing.
        Warns: TruncationWarning: once, with counts.
        """
        check_flags(prune=prune)
        with writer_lock(self.path):
            before = self.settings
            self._settle_key(key)
            kept: set[str] | None = set() if prune else None
            try:
                changes = add_rows(self.store, self.settings, self.model, rows, progress, kept)
            except InputError:
                if self.settings != before and not len(self):
                    self.settings = before
                    before.save(self.path)
                raise
            if kept is not None:
                self._delete_keys(sorted(set(self._all_keys()) - kept))
            self._refresh()
        return changes

    def update(self, rows: Iterable[Mapping[str, Any]]) -> Changes:
        """Change some columns of rows that are there.

        Args:
            rows: each its key and the columns to change; the text is embedded anew if it changes.
        Returns: what was done.
        Raises: InputError: the index has no key column; a key that no row has; as add.
        """
        key = self._require_key("update")
        given = list(rows)
        for number, row in enumerate(given, start=1):
            if not isinstance(row, Mapping):
                raise InputError(f"row {number} is {shown(row)}, expected a mapping of columns")
        with writer_lock(self.path):
            wanted = [
                key_of(row.get(key), f"row {number}: the key, column {key!r},", row)
                for number, row in enumerate(given, start=1)
            ]
            before = self.store.by_keys(wanted, self.columns)
            for number, one in enumerate(wanted, start=1):
                if one not in before:
                    raise InputError(f"row {number}: no row has {key!r} {shown(one)}; add it")
            merged = [
                {name: value for name, value in before[own].items() if name not in OWN} | dict(row)
                for own, row in zip(wanted, given, strict=True)
            ]
            changes = add_rows(self.store, self.settings, self.model, merged)
            self._refresh()
        return changes

    def delete(self, keys: Sequence[str | int] | None = None, *, where: Where | None = None) -> int:
        """Delete rows.

        Args:
            keys: those of the rows; ones that no row has don't count.
            where: a condition on columns instead, as for search.
        Returns: how many there were.
        Raises: InputError: neither or both are given; a condition that can't be; another process
            is writing.
        """
        if (keys is None) == (where is None):
            raise InputError("delete takes either keys or where, expected one of them")
        with writer_lock(self.path):
            if keys is not None:
                if isinstance(keys, (str, int)):
                    raise InputError(f"keys is {shown(keys)}, expected a list of keys")
                return self._delete_keys([key_of(key) for key in keys])
            sql = condition(where, self.columns, self.store.types)
            if sql is None:
                raise InputError("where is empty, expected a condition")
            return self.store.delete(sql)

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        mode: str = "vector",
        where: Where | None = None,
        rerank: Any = None,
        vector: Floats | None = None,
        exact: bool = False,
    ) -> list[Match]:
        """Find the rows that match a query.

        Args:
            query: a text.
            k: how many rows at most.
            mode: "vector" compares meanings, "text" words (BM25), "hybrid" fuses both rankings by
                reciprocal ranks.
            where: what else must hold: SQL over columns ("year >= 1990 and lang = 'en'"), or a
                mapping of columns to a value or values, which is safe for input from anywhere.
            rerank: a cross-encoder, or its source, which reads the best hundred rows again.
            vector: (dimensions,) the query's vector, where it has been embedded already with the
                index's model; then no model is loaded.
            exact: compare with every row, even where there is an approximate index.
        Returns: the best first, equal ones in the order of their keys; no rows give none.
        Raises: InputError: an option that can't be, by name. Others: as bertie.load.
        """
        if not isinstance(query, str):
            raise InputError(f"query is {shown(query)}, expected a text")
        if not is_unicode(query):
            raise InputError("query holds half a surrogate pair, expected Unicode")
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MAX_MATCHES:
            raise InputError(f"k is {shown(k)}, expected 1 to {MAX_MATCHES}")
        check_flags(exact=exact)
        if mode not in MODES:
            raise InputError(f"mode is {shown(mode)}, expected one of {', '.join(MODES)}")
        columns = self.columns
        sql = condition(where, columns, self.store.types)
        depth = k if rerank is None and mode != "hybrid" else max(k, _DEPTH)
        rankings = []
        if mode != "text":
            query_vector = self._query_vector(query, vector)
            rankings.append(
                top_matches(
                    lambda most: self.store.nearest(query_vector, most, sql, exact=exact), depth
                )
            )
        if mode != "vector":
            rankings.append(top_matches(lambda most: self.store.full_text(query, most, sql), depth))
        found = rankings[0] if len(rankings) == 1 else fuse(rankings)
        if rerank is not None:
            found = reranked(query, found[:depth], reranker(rerank), self.settings.column)
        return found[:k]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Read every row in its order on the disk, as a mapping of its `key` and its `fields`."""
        for batch in self.store.scan([KEY, *self.columns]):
            for row in batch.to_pylist():
                yield {"key": row.pop(KEY), "fields": row}

    def annotate(self, column: str, values: Mapping[str, Any]) -> None:
        """Write a column of rows that are there, whatever was in it.

        Args:
            column: one that is there, or a new one; not the text or the key.
            values: texts, numbers or truths by the rows' keys.
        Raises: InputError: a column that can't be written; a value that isn't of its type;
            another process is writing.
        """
        if column in (self.settings.column, self.settings.key):
            raise InputError(f"column {column!r} is the text or the key; change it with update")
        check_name(column)
        kept: dict[str, Any] = {}
        for key, value in values.items():
            try:
                kept[key_of(key)] = to_python(value)
            except ValueMismatch as error:
                raise InputError(f"column {column!r} has {shown(value)} ({error})") from None
        with writer_lock(self.path):
            self.store.annotate(column, kept)
            self._refresh()

    def vectors(self, columns: Sequence[str] = ()) -> tuple[list[dict[str, Any]], Floats]:
        """Read every row's vector, in the order of the rows on the disk.

        Args:
            columns: of the rows that are wanted beside their keys.
        Returns: a mapping of `key` and `fields` for each row, and (rows, dimensions) float32, each
            of length 1, or 0.
        Raises: InputError: there is no such column.
        """
        known = self.columns
        for column in columns:
            if column not in known:
                raise InputError(
                    f"no column {column!r} in {self.path}, there are {', '.join(map(repr, known))}"
                )
        rows: list[dict[str, Any]] = []
        parts = [np.empty((0, self.settings.dimensions), np.float32)]
        for batch in self.store.scan([KEY, VECTOR, *columns]):
            flat = batch.column(VECTOR).flatten().to_numpy(zero_copy_only=False)
            parts.append(flat.reshape(-1, self.settings.dimensions))
            for row in batch.select([KEY, *columns]).to_pylist():
                rows.append({"key": row.pop(KEY), "fields": row})
        return rows, normalize(np.concatenate(parts))

    def _query_vector(self, query: str, vector: Floats | None) -> Floats:
        """The query's vector."""
        if vector is None:
            found: Floats = self.model.embed(query, kind="query", truncate=self.settings.truncate)
            return found
        if np.asarray(vector).dtype.kind not in "fiu":  # texts would be read as numbers
            raise InputError(f"vector is {shown(vector)}, expected numbers")
        vector = np.asarray(vector, np.float32)
        if vector.shape != (self.settings.dimensions,) or not np.isfinite(vector).all():
            raise InputError(
                f"vector is {vector.shape}, expected ({self.settings.dimensions},) finite numbers"
            )
        return vector

    def _matching(self, model: Any) -> Any:
        """Give a model back if it is the index's."""
        if model.fingerprint == self.settings.fingerprint:
            return model
        raise InputError(
            f"{self.path} was made with the model {self.settings.source} in "
            f"{self.settings.precision} (fingerprint {self.settings.fingerprint[:12]}…), but this "
            f"is {model.info().source} in {model.info().precision} ({model.fingerprint[:12]}…): "
            "vectors of different models don't mix; open the index with its own, or make it anew"
        )

    def _settle_key(self, key: str | None) -> None:
        """Take the key column from the first add, and refuse another one later."""
        if key is None or key == self.settings.key:
            return
        check_name(key)
        if len(self):
            before = "none" if self.settings.key is None else repr(self.settings.key)
            raise InputError(f"key is {key!r}, but the rows were added with {before}; keep it")
        self.settings = replace(self.settings, key=key)
        self.settings.save(self.path)

    def _require_key(self, what: str) -> str:
        """The key column. Raises: InputError: there is none."""
        if self.settings.key is None:
            raise InputError(
                f"to {what} rows the index needs a key column: add rows with key=, or --key"
            )
        return self.settings.key

    def _all_keys(self) -> list[str]:
        """Every row's key."""
        return [key for batch in self.store.scan([KEY]) for key in batch.column(KEY).to_pylist()]

    def _delete_keys(self, keys: Sequence[str]) -> int:
        """Delete rows by key, some hundreds at a time."""
        deleted = 0
        for first in range(0, len(keys), 500):
            some = ", ".join(literal(key) for key in keys[first : first + 500])
            deleted += self.store.delete(f"{quoted(KEY)} IN ({some})")
        return deleted

    def _refresh(self) -> None:
        """Bring the indices up to the rows, and note what an approximate one was made for."""
        trained = self.store.refresh()
        if trained != self.settings.trained:
            self.settings = replace(self.settings, trained=trained)
            self.settings.save(self.path)
