"""The texts that the small models are trained and measured on, and how they are split.

What models are measured on (a third of STS-B's pairs, SST-2's dev sentences, Cranfield's first
abstracts) no step of their training reads, neither with its labels nor without.
"""

import csv
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from similarity import read_abstracts

# Of STS-B's pairs every so manieth is held out, since they are sorted by where they come from.
_HELD_OUT_STEP = 3
# Letters of a sentence within another from which on it is a copy, not a common phrase.
_COPIED = 16
# Abstracts held out.
_ABSTRACTS = 100
_MOST_SIMILAR_STSB, _MOST_SIMILAR_SICK = 5.0, 5.0
_LEAST_SIMILAR_SICK = 1.0


@dataclass(frozen=True)
class Pairs:
    """Sentences that people compared.

    Attributes:
        first, second: them.
        scores: how similar people found each pair, 0 to 1.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Sentences:
    """Sentences with the sentiment that people saw in them: 1 for good, 0 for bad."""

    texts: tuple[str, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True)
class SmallModelTexts:
    """What is read from a directory with stsb, sick, sst2, mr-subj-trec, cranfield and others."""

    data: Path

    @cached_property
    def pairs(self) -> Pairs:
        """STS-B's pairs to train on, and SICK's."""
        rows = [row for i, row in enumerate(self._stsb()) if i % _HELD_OUT_STEP]
        held_out = {*self.held_out_pairs.first, *self.held_out_pairs.second}
        rows += [row for row in self._sick() if not held_out & {row[0], row[1]}]
        return _pairs(rows)

    @cached_property
    def held_out_pairs(self) -> Pairs:
        """STS-B's pairs to measure on."""
        return _pairs(self._stsb()[::_HELD_OUT_STEP])

    @cached_property
    def sentences(self) -> Sentences:
        """SST-2's sentences to train on, and those of MR (from which SST-2 was drawn) beside."""
        held_out = [_letters(text) for text in self.held_out_sentences.texts]
        found: dict[str, tuple[str, int]] = {}
        for text, label in chain(self._sst2("train"), self._labelled("rt-polarity.all")):
            found.setdefault(_letters(text), (text, label))
        # MR's lines are of several sentences, of which SST-2 has one.
        return _sentences(
            [
                row
                for letters, row in found.items()
                if not any(letters == h or (len(h) >= _COPIED and h in letters) for h in held_out)
            ]
        )

    @cached_property
    def held_out_sentences(self) -> Sentences:
        """SST-2's dev sentences."""
        return _sentences(self._sst2("dev"))

    @cached_property
    def held_out_abstracts(self) -> list[str]:
        """Abstracts of some hundred tokens to measure on."""
        return self._abstracts()[:_ABSTRACTS]

    @cached_property
    def all(self) -> list[str]:
        """All texts to learn words from, each once, in the order in which they are read."""
        questions = (text for text, _ in self._labelled("TREC.train.all"))
        read = chain(
            self.pairs.first,
            self.pairs.second,
            self.sentences.texts,
            questions,
            self._abstracts()[_ABSTRACTS:],
            self._tweets(),
            (self.data / "go-faq/go-faq.csv").read_text(encoding="utf-8").split("\n")[1:],
        )
        held_out = {*self.held_out_pairs.first, *self.held_out_pairs.second}
        return [text for text in dict.fromkeys(read) if text and text not in held_out]

    def _stsb(self) -> list[tuple[str, str, float]]:
        with (self.data / "stsb/stsb-en-dev.csv").open(newline="", encoding="utf-8") as file:
            return [(a, b, float(score) / _MOST_SIMILAR_STSB) for a, b, score in csv.reader(file)]

    def _sick(self) -> list[tuple[str, str, float]]:
        rows = []
        span = _MOST_SIMILAR_SICK - _LEAST_SIMILAR_SICK
        for name in ("SICK_train.txt", "SICK_trial.txt"):
            lines = (self.data / "sick" / name).read_text(encoding="utf-8").splitlines()[1:]
            for line in lines:
                _, a, b, score, _ = line.split("\t")
                rows.append((a, b, (float(score) - _LEAST_SIMILAR_SICK) / span))
        return rows

    def _sst2(self, name: str) -> list[tuple[str, int]]:
        lines = (self.data / f"sst2/{name}.tsv").read_text(encoding="utf-8").splitlines()
        return [(text, int(label)) for text, label in (line.split("\t") for line in lines)]

    def _labelled(self, name: str) -> list[tuple[str, int]]:
        lines = (self.data / "mr-subj-trec" / name).read_text(encoding="latin-1").split("\n")
        split = (line.strip().split(" ", 1) for line in lines if line.strip())
        return [(text, int(label)) for label, text in split]

    def _abstracts(self) -> list[str]:
        return read_abstracts(self.data / "cranfield/cran.all.1400")

    def _tweets(self) -> list[str]:
        read = (self.data / "wnut17/wnut17train.conll").read_text(encoding="utf-8")
        tweets = (tweet.strip().split("\n") for tweet in re.split(r"\n\s*\n", read))
        return [" ".join(line.split("\t")[0] for line in lines) for lines in tweets]


def _pairs(rows: list[tuple[str, str, float]]) -> Pairs:
    first, second, scores = zip(*rows, strict=True)
    return Pairs(first, second, scores)


def _sentences(rows: list[tuple[str, int]]) -> Sentences:
    texts, labels = zip(*rows, strict=True)
    return Sentences(texts, labels)


def _letters(text: str) -> str:
    """Reduce a text to what its copies in other collections share."""
    return re.sub(r"[^a-z0-9]|\b[lr][rs]b\b", "", text.lower())
