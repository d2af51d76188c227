"""Read the data sets of the examples, and share their rows out to batches."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def sst2(path: Path) -> list[tuple[str, int]]:
    """Read sentences and their labels, 0 or 1, from lines of both with a tab between."""
    rows = [line.rsplit("\t", 1) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(sentence, int(label)) for sentence, label in rows]


def sick(path: Path) -> list[tuple[str, str, str]]:
    """Read pairs of sentences and their judgments, in small letters, from SICK's table."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return [(first, second, judgment.lower()) for _, first, second, _, judgment in rows]


def wnut17(path: Path) -> list[tuple[list[str], list[str]]]:
    """Read sentences as words and their tags: one of each a line, a blank line after each."""
    sentences: list[tuple[list[str], list[str]]] = [([], [])]
    for line in path.read_text(encoding="utf-8").split("\n"):
        if not line.strip():
            sentences.append(([], []))
            continue
        word, tag = line.split("\t")
        sentences[-1][0].append(word)
        sentences[-1][1].append(tag)
    return [(words, tags) for words, tags in sentences if words]


def squad(path: Path) -> list[list[dict[str, Any]]]:
    """Read questions of SQuAD's layout, article by article: id, question, context, answers."""
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [
        [
            {**question, "context": paragraph["context"]}
            for paragraph in article["paragraphs"]
            for question in paragraph["qas"]
        ]
        for article in articles
    ]


def batches(rows: list[Any], size: int, length: Any) -> Iterator[list[Any]]:
    """Yield rows in random order, but with rows of like length side by side: less padding."""
    rows = random.sample(rows, len(rows))
    for start in range(0, len(rows), 50 * size):
        some = sorted(rows[start : start + 50 * size], key=length)
        cut = [some[i : i + size] for i in range(0, len(some), size)]
        yield from random.sample(cut, len(cut))
