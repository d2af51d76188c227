"""The rows of an index on the disk: a LanceDB table, and the searches it answers."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from reprlib import repr as shown
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.errors import ExtraMissing, InputError
from bertie.search.filters import literal, quoted
from bertie.search.rows import CONTENT, CUT, KEY, OWN, TOKENS, VECTOR
from bertie.search.settings import IndexSettings
from bertie.search.values import ValueMismatch, column_converter, mismatch, type_of

Floats = NDArray[np.float32]

# From so many rows an approximate index stands before the exact comparison, which takes some 30 ms
# of CPU time there, and more with every row; with the index it is about 10 ms.
APPROXIMATE_FROM = 20_000
_GROWTH = 2  # times the rows it was made for, an approximate index is made anew
_MAX_SEGMENTS = 8  # more, and it is made anew: most adds write one, and a search reads each
_PARTITION_ROWS = 1000  # rows that a partition should have, and is split or joined for
_SAMPLE_RATE = 64  # rows for each partition, from which its centre is found
_MAX_ITERATIONS = 15  # of finding centres; more find hardly better ones
_NPROBES = 80  # partitions that a search looks into
_REFINED_ROWS = 20  # of the first pass compared in float32, or twice k if that is more
_VERSIONS_KEPT = timedelta(hours=1)  # of the table, for readers in the middle of something
_READ_INTERVAL = timedelta(seconds=1)  # how late a reader may see what a writer did
_TABLE = "rows"
_METRICS = {"cosine": "cosine", "dot": "dot", "euclid": "l2"}
# From the distance that the store gives to the score, larger for what is nearer.
_SCORES: dict[str, Callable[[float], float]] = {
    "cosine": lambda distance: 1 - distance,
    "dot": lambda distance: 1 - distance,
    "euclid": lambda distance: -(max(distance, 0.0) ** 0.5),
}


class Store:
    """A LanceDB table with a vector, a text and the caller's columns in each row."""

    def __init__(self, directory: Path, settings: IndexSettings, *, new: bool = False) -> None:
        """Open the table, or make an empty one.

        Raises: InputError: it can't be read or written.
        Raises: ExtraMissing: LanceDB isn't installed.
        """
        lancedb, self._arrow = _lancedb()
        self._directory = directory
        self._settings = settings
        self._metric = _METRICS[settings.similarity]
        self._trained = settings.trained
        with self._errors():
            # Of a relative path it would take ~ for the home directory.
            path = directory.absolute()
            database = lancedb.connect(path, read_consistency_interval=_READ_INTERVAL)
            if new:
                self._table = database.create_table(_TABLE, schema=self._schema())
                self._table.create_index(KEY, config=lancedb.index.BTree())
                # Rows that come later are found by their words before they are in it.
                self._table.create_index(settings.column, config=self._full_text_config())
            else:
                self._table = database.open_table(_TABLE)

    @property
    def columns(self) -> list[str]:
        """The caller's columns."""
        with self._errors():
            return [name for name in self._table.schema.names if name not in OWN]

    @property
    def types(self) -> dict[str, Any]:
        """The Arrow type of every column."""
        with self._errors():
            return {one.name: one.type for one in self._table.schema}

    def count(self, where: str | None = None) -> int:
        """Count rows."""
        with self._errors(where):
            return int(self._table.count_rows(where))

    def write(
        self,
        columns: dict[str, list[Any]],
        vectors: Floats,
        replaced: int,
        types: Mapping[str, Any] | None = None,
    ) -> None:
        """Add rows, in one step; those whose key is there already take its row's place.

        Args:
            columns: values by column, Bertie's own but the vector among them.
            vectors: (rows, dimensions) float32.
            replaced: how many of the keys are there already.
            types: of columns that are new; those left out have the type of their values.
        Raises: InputError: a value doesn't fit its column's type; nothing is written.
        """
        rows = self._as_table(columns, vectors, types or {})
        with self._errors():
            if replaced:
                merge = self._table.merge_insert(KEY).when_matched_update_all()
                merge.when_not_matched_insert_all().execute(rows)
            else:
                self._table.add(rows)

    def annotate(self, column: str, values: Mapping[str, Any]) -> None:
        """Write one column of rows, by their keys.

        Args:
            values: of bertie.search.values.to_python's.
        Raises: InputError: a value doesn't fit the column's type; nothing is written.
        """
        given = self._arrays({column: list(values.values())}, {})
        if not given:  # a new column of nothing
            return
        keys = self._arrow.array(list(values), type=self._arrow.string())
        with self._errors():
            merge = self._table.merge_insert(KEY).when_matched_update_all()
            merge.execute(self._arrow.table({KEY: keys, **given}))

    def delete(self, where: str) -> int:
        """Delete the rows that a condition holds for. Returns: how many."""
        with self._errors(where):
            return int(self._table.delete(where).num_deleted_rows)

    def scan(self, columns: Sequence[str], where: str | None = None) -> Iterator[Any]:
        """Read columns of all rows, as Arrow's record batches.

        Args:
            columns: their names.
            where: a condition.
        """
        with self._errors(where):
            query = self._table.search().select(list(columns))
            query = query if where is None else query.where(where)
            yield from query.to_batches()

    def by_keys(self, keys: Sequence[str], columns: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Read the rows that have some keys, by key."""
        found: dict[str, dict[str, Any]] = {}
        for first in range(0, len(keys), 500):
            some = ", ".join(literal(key) for key in keys[first : first + 500])
            for batch in self.scan([KEY, *columns], f"{quoted(KEY)} IN ({some})"):
                found.update((row[KEY], row) for row in batch.to_pylist())
        return found

    def nearest(
        self, vector: Floats, k: int, where: str | None = None, *, exact: bool = False
    ) -> list[tuple[float, dict[str, Any]]]:
        """Find the rows whose vectors are nearest to one.

        Args:
            vector: (dimensions,) float32.
            exact: compare with every row, even where there is an approximate index.
        Returns: scores and rows, best first.
        """
        with self._errors(where):
            query = self._table.search(vector, vector_column_name=VECTOR)
            query = query.distance_type(self._metric).limit(k)
            query = query.select([KEY, *self.columns, "_distance"])
            query = query if where is None else query.where(where, prefilter=True)
            if exact:
                query = query.bypass_vector_index()
            else:  # whether there is an approximate index by now, the table knows
                query = query.nprobes(_NPROBES).refine_factor(max(2, -(-_REFINED_ROWS // k)))
            rows = query.to_arrow().to_pylist()
        score = _SCORES[self._settings.similarity]
        return [(score(row.pop("_distance")), row) for row in rows]

    def full_text(
        self, text: str, k: int, where: str | None = None
    ) -> list[tuple[float, dict[str, Any]]]:
        """Find the rows whose texts have a text's words, by BM25.

        Returns: as nearest.
        Raises: InputError: the index of words isn't there.
        """
        from lancedb.query import MatchQuery

        if not self._has_full_text_index():
            if not self.count():
                return []
            raise InputError(
                f"{self._directory} has no index of words, which adding rows makes; add the same"
                " rows again, which costs nothing"
            )
        words: Any = MatchQuery  # its type demands every option that it has a default for
        with self._errors(where):
            query = self._table.search(words(text, column=self._settings.column)).limit(k)
            query = query.select([KEY, *self.columns, "_score"])
            query = query if where is None else query.where(where, prefilter=True)
            rows = query.to_arrow().to_pylist()
        return [(row.pop("_score"), row) for row in rows]

    def refresh(self) -> int:
        """Bring the indices up to the rows, and make those that are due.

        Returns: the rows that the approximate index was made for; 0: there is none.
        """
        rows = self.count()
        with self._errors():
            # First, because an index that is there already would be written anew for it.
            self._table.optimize(cleanup_older_than=_VERSIONS_KEPT)
            if rows and not self._has_full_text_index():
                self._table.create_index(self._settings.column, config=self._full_text_config())
            if rows >= APPROXIMATE_FROM and self._vector_index_due(rows):
                self._table.create_index(VECTOR, config=self._vector_index_config(), replace=True)
                self._trained = rows
        return self._trained

    def _vector_index_due(self, rows: int) -> bool:
        """Whether the approximate index is to be made, or made anew."""
        if rows >= self._trained * _GROWTH:
            return True
        indices = self._table.list_indices()
        segments = [one.num_segments for one in indices if VECTOR in one.columns]
        return not segments or segments[0] > _MAX_SEGMENTS

    def _schema(self) -> Any:
        """The columns of an empty table."""
        pa = self._arrow
        types = {
            KEY: pa.string(),
            CONTENT: pa.string(),
            TOKENS: pa.int32(),
            CUT: pa.int32(),
            self._settings.column: pa.string(),
            VECTOR: self._vector_type,
        }
        return pa.schema(list(types.items()))

    @property
    def _vector_type(self) -> Any:
        return self._arrow.list_(self._arrow.float32(), self._settings.dimensions)

    def _as_table(
        self, columns: dict[str, list[Any]], vectors: Floats, types: Mapping[str, Any]
    ) -> Any:
        """Rows as Arrow has them, with every column of the table."""
        pa = self._arrow
        arrays = self._arrays(columns, types)
        flat = pa.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
        arrays[VECTOR] = pa.FixedSizeListArray.from_arrays(flat, self._settings.dimensions)
        schema = self._table.schema
        for name in schema.names:
            if name not in arrays:
                arrays[name] = pa.nulls(len(vectors), schema.field(name).type)
        return pa.table([arrays[name] for name in schema.names], schema=schema)

    def _arrays(
        self, columns: Mapping[str, list[Any]], new_types: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Columns as Arrow has them, of the table's types; those that are new are made."""
        types = self.types
        arrays: dict[str, Any] = {}
        new = []
        for name, given in columns.items():
            values = list(given)
            kind = types.get(name) or new_types.get(name) or type_of(values)
            if kind is None:
                continue
            if name not in types:
                new.append(self._arrow.field(name, kind))
            convert = column_converter(kind)
            for index, value in enumerate(values):
                try:
                    values[index] = convert(value)
                except ValueMismatch as error:
                    raise InputError(mismatch(f"column {name!r}", value, kind, error)) from None
            arrays[name] = self._arrow.array(values, kind)
        if new:
            with self._errors():
                self._table.add_columns(self._arrow.schema(new))
        return arrays

    def _has_full_text_index(self) -> bool:
        """Whether there is an index of words."""
        with self._errors():
            indices = self._table.list_indices()
        # A name that isn't all letters, digits and underscores comes in backticks; none has any.
        names = [
            name.strip("`") for one in indices if one.index_type == "FTS" for name in one.columns
        ]
        return self._settings.column in names

    def _full_text_config(self) -> Any:
        """How texts are split into words."""
        from lancedb.index import FTS

        language = self._settings.language
        if language == "none":
            return FTS(stem=False, remove_stop_words=False)
        return FTS(language=language)

    def _vector_index_config(self) -> Any:
        """The approximate index that the settings ask for."""
        from lancedb.index import IvfFlat, IvfRq, IvfSq

        kind: Any = {"int8": IvfSq, "binary": IvfRq, "float32": IvfFlat}[self._settings.first_pass]
        return kind(
            distance_type=self._metric,
            # Not their number: optimizing would join partitions to LanceDB's own size, 4096.
            target_partition_size=_PARTITION_ROWS,
            sample_rate=_SAMPLE_RATE,
            max_iterations=_MAX_ITERATIONS,
        )

    @contextmanager
    def _errors(self, where: str | None = None) -> Iterator[None]:
        """What LanceDB raises, as ours."""
        try:
            yield
        except InputError:
            raise
        except (ValueError, RuntimeError, OSError, self._arrow.ArrowException) as error:
            said = str(error).split("/root/.cargo")[0].split(", rust/")[0].strip(" ,")
            if where is not None:
                raise InputError(f"where is {shown(where)}: {said}") from error
            raise InputError(
                f"{self._directory}: the index's rows can't be read or written: {said}; "
                "if the disk is well, make the index anew"
            ) from error


def _lancedb() -> tuple[Any, Any]:
    """LanceDB and Arrow. Raises: ExtraMissing: they aren't installed."""
    os.environ.setdefault("LANCE_LOG", "error")  # else it logs what is no news, to standard error
    try:
        import lancedb
        import lancedb.index
        import pyarrow
    except ImportError as error:
        raise ExtraMissing("an index needs LanceDB: pip install 'bertie[search]'") from error
    return lancedb, pyarrow
