"""The small records that tasks answer with."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Record:
    """What every answer can do."""

    def to_dict(self) -> dict[str, Any]:
        """Give the fields by name, as JSON knows them."""
        return asdict(self)


def plain(answer: Any) -> Any:
    """Turn records, alone or in lists, into what JSON knows."""
    if isinstance(answer, Record):
        return answer.to_dict()
    return [plain(one) for one in answer] if isinstance(answer, (list, tuple)) else answer


def columns(kind: type[Record], records: Iterable[Record]) -> dict[str, list[Any]]:
    """Turn records of one kind into columns, as Arrow and data frames take them.

    Args:
        kind: their class, for the names where there are no records.
        records: any number of them.
    """
    rows = [record.to_dict() for record in records]
    return {field.name: [row[field.name] for row in rows] for field in fields(kind)}
