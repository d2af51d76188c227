"""How many tokens texts have, for people who choose a sequence length."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass
class Histogram:
    """Lengths seen so far, by powers of two: counts[i] are those of at most 2**i tokens."""

    texts: int = 0
    tokens: int = 0
    longest: int = 0
    counts: list[int] = field(default_factory=list)

    def add(self, length: int) -> None:
        """Count one text of so many tokens."""
        self.texts += 1
        self.tokens += length
        self.longest = max(self.longest, length)
        bucket = max(length - 1, 0).bit_length()
        self.counts += [0] * (bucket + 1 - len(self.counts))
        self.counts[bucket] += 1

    def rows(self) -> Iterator[tuple[int, int, float]]:
        """Yield (tokens at most, texts that long, share of texts that fit), without empty ends."""
        fitting = 0
        for bucket, count in enumerate(self.counts):
            fitting += count
            if fitting:
                yield 2**bucket, count, fitting / self.texts

    def to_dict(self) -> dict[str, object]:
        """Return it as a JSON record."""
        return {
            "texts": self.texts,
            "tokens": self.tokens,
            "longest": self.longest,
            "histogram": [
                {"at_most": most, "texts": count, "fit": round(share, 4)}
                for most, count, share in self.rows()
            ],
        }

    def lines(self, width: int = 40) -> Iterable[tuple[str, ...]]:
        """Yield the cells of a table with a bar for each row."""
        most_texts = max(self.counts, default=1)
        for most, count, share in self.rows():
            bar = "█" * round(width * count / most_texts)
            yield f"≤ {most}", str(count), f"{share:.1%}", bar
