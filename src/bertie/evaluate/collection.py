"""Retrieval collections: documents, queries and which documents answer which query."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie import tables
from bertie.errors import InputError
from bertie.evaluate.gold import read_relevance

CORPUS, QUERIES = "corpus.jsonl", "queries.jsonl"
# The first of these splits that there is.
_SPLITS = ("qrels/test.tsv", "qrels/dev.tsv", "qrels/train.tsv")


@dataclass(frozen=True)
class Collection:
    """A retrieval collection.

    Attributes:
        documents: texts by id, a title before its text.
        queries: those that are judged, by id.
        relevance: by query, by document, how relevant it is.
    """

    documents: Mapping[str, str]
    queries: Mapping[str, str]
    relevance: Mapping[str, Mapping[str, float]]


def read_collection(directory: Path) -> Collection:
    """Read a collection as BEIR lays it out: corpus.jsonl, queries.jsonl, qrels/test.tsv.

    Args:
        directory: holding them.
    Raises: InputError: a file is missing or laid out otherwise, or a judged query or document
        isn't there.
    Source: Thakur et al., BEIR, arXiv:2104.08663.
    """
    judged = next((directory / name for name in _SPLITS if (directory / name).is_file()), None)
    if judged is None:
        raise InputError(f"{directory} has no judgements: expected one of {', '.join(_SPLITS)}")
    relevance = read_relevance(judged)
    documents = dict(_texts(directory / CORPUS))
    queries = dict(_texts(directory / QUERIES))
    for query, found in relevance.items():
        if query not in queries:
            raise InputError(f"{judged}: query {query} is not in {QUERIES}")
        if missing := [document for document in found if document not in documents]:
            raise InputError(f"{judged}: document {missing[0]} is not in {CORPUS}")
    return Collection(documents, {query: queries[query] for query in relevance}, relevance)


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Read ids and texts."""
    seen: dict[str, int] = {}
    for row in tables.read(path, column="text", format="jsonl"):
        id, title = _text(row.fields, "_id", path, row.line), row.fields.get("title") or ""
        if not isinstance(title, str):
            raise InputError(f"{path}: line {row.line}: title is {shown(title)}, expected a text")
        if seen.setdefault(id, row.line) != row.line:
            raise InputError(f"{path}: lines {seen[id]} and {row.line} have the same id {id!r}")
        yield id, f"{title} {row.fields['text']}".strip()


def _text(fields: Mapping[str, Any], key: str, path: Path, line: int) -> str:
    """Read a text; a number is one, too."""
    value = fields.get(key)
    if isinstance(value, str) or type(value) is int:
        return str(value)
    raise InputError(f"{path}: line {line}: {key} is {json.dumps(value)[:40]}, expected an id")
