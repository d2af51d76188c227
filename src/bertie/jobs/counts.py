"""What a job has done, counted."""

from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Counts:
    """Numbers of a shard, or of several together.

    Attributes:
        rows: answered.
        rejected: rows that could not be.
        tokens: that were read, special ones included.
        truncated: rows that lost tokens.
        left_out: tokens that they lost.
    """

    rows: int = 0
    rejected: int = 0
    tokens: int = 0
    truncated: int = 0
    left_out: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Count both together."""
        return Counts(
            *(getattr(self, one.name) + getattr(other, one.name) for one in fields(Counts))
        )

    def to_dict(self) -> dict[str, int]:
        """Give the fields by name, as JSON knows them."""
        return asdict(self)
