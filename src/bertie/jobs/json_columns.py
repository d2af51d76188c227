"""The columns of JSONL, whose types all rows settle before the first of them is answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bertie.errors import InputError
from bertie.jobs.arrow import pa
from bertie.jobs.job import Job
from bertie.rows.json_lines import is_exact, is_unicode

# Marks a column of JSON values that no one Arrow type fits; it holds their text.
JSON = {b"bertie": b"json"}
_TYPES: Mapping[frozenset[type], Any] = {
    frozenset({bool}): pa.bool_(),
    frozenset({int}): pa.int64(),
    frozenset({float}): pa.float64(),
    frozenset({int, float}): pa.float64(),
    frozenset({str}): pa.string(),
}
_MAX_COLUMNS = 1000  # columns; keys that are other ones in every row are no columns
_SHOWN = 20  # columns that a message names
_EXACT = 1 << 53  # whole numbers up to this are themselves as float64, too


@dataclass
class _ColumnValues:
    """What was seen in a column.

    Attributes:
        kinds: of the values; null is none.
        least, most: of the whole numbers.
        exact: whether float64 has every whole number.
    """

    kinds: set[type] = field(default_factory=set)
    least: int = 0
    most: int = 0
    exact: bool = True


class JsonColumns:
    """What rows have by way of columns."""

    def __init__(self, job: Job, name: str, *, as_json: bool) -> None:
        """Get ready to see the rows.

        Args:
            name: what messages call the input.
            as_json: whether values are to be written as JSON again, whatever their types.
        """
        self._texts = {one for one in (job.column, job.pair_column) if one is not None}
        self._wanted = None if job.keep is None else {*job.keep, *self._texts}
        self._name = name
        self._as_json = as_json
        self._columns: dict[str, _ColumnValues] = {}
        self._unwanted: dict[str, None] = {}  # some keys that aren't wanted

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take note of rows. Raises: InputError: they have too many columns."""
        for fields in rows:
            for key, value in fields.items():
                if self._wanted is None or key in self._wanted:
                    values = self._columns.get(key)
                    if values is None:
                        values = self._add_column(key)
                    if value is not None:
                        _add_value(values, value)
                elif len(self._unwanted) < _SHOWN:
                    self._unwanted[key] = None

    def schema(self) -> Any:
        """Give the columns, in the order in which rows had them first.

        A text to read is text whatever else it is in some rows. Any other column has the type of
        its values: truths, texts, whole numbers, or numbers where float64 has every one of them.
        Values that no one type fits are kept as JSON text.

        Raises: InputError: a text to read is none in any row; a column to keep is in none.
        """
        for name in sorted((self._wanted or set()) - self._columns.keys()):
            has = ", ".join(map(repr, [*self._columns, *self._unwanted][:_SHOWN]))
            raise InputError(f"{self._name}: no column {name!r}, it has {has}")
        return pa.schema([self._field(name, v) for name, v in self._columns.items()])

    def _add_column(self, key: str) -> _ColumnValues:
        """Begin a column; one whose name is no Unicode can't be, and its rows are rejected."""
        if not is_unicode(key):
            return _ColumnValues()
        if len(self._columns) == _MAX_COLUMNS:
            raise InputError(
                f"{self._name} has more than {_MAX_COLUMNS} different keys;"
                " choose columns by --keep"
            )
        self._columns[key] = values = _ColumnValues()
        return values

    def _field(self, name: str, values: _ColumnValues) -> Any:
        """Settle one column."""
        if name in self._texts:
            if values.kinds and str not in values.kinds:
                kinds = ", ".join(sorted(kind.__name__ for kind in values.kinds))
                raise InputError(f"{self._name}: column {name!r} is {kinds}, expected text")
            return pa.field(name, pa.string())
        kind = _TYPES.get(frozenset(values.kinds))
        if kind == pa.int64() and not -(1 << 63) <= values.least <= values.most < 1 << 63:
            kind = None
        if kind == pa.float64() and not values.exact:
            kind = None
        if kind is None or self._as_json:
            return pa.field(name, pa.string(), metadata=JSON)
        return pa.field(name, kind)


def _add_value(values: _ColumnValues, value: Any) -> None:
    """Take note of a value."""
    kind = type(value)
    values.kinds.add(kind)
    if kind is int and not -_EXACT <= value <= _EXACT:
        values.least, values.most = min(values.least, value), max(values.most, value)
        values.exact = values.exact and is_exact(value)


def is_json(field: Any) -> bool:
    """Whether a column holds the text of JSON values."""
    return bool(field.metadata == JSON)
