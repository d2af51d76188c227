"""Retrieval collections as BEIR lays them out."""

import json
from pathlib import Path
from typing import Any

import pytest

from bertie.errors import InputError
from bertie.evaluate.collection import read_collection


def write(directory: Path, **changes: Any) -> Path:
    """Write a collection of two documents and two queries, one of them judged."""
    corpus = [{"_id": "d1", "title": "Tea", "text": "is warm"}, {"_id": 2, "text": "cold rain"}]
    queries = [{"_id": "q1", "text": "tea?"}, {"_id": "q2", "text": "rain?"}]
    files = {"corpus": corpus, "queries": queries, **changes}
    for name in ("corpus", "queries"):
        lines = "".join(json.dumps(row) + "\n" for row in files[name])
        (directory / f"{name}.jsonl").write_text(lines)
    judged = changes.get("qrels", "query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\t2\t0\n")
    (directory / "qrels").mkdir()
    (directory / "qrels/dev.tsv").write_text(judged)
    return directory


def test_a_collection_has_titles_before_texts_and_the_judged_queries_alone(tmp_path: Path) -> None:
    found = read_collection(write(tmp_path))
    assert found.documents == {"d1": "Tea is warm", "2": "cold rain"}
    assert found.queries == {"q1": "tea?"}
    assert found.relevance == {"q1": {"d1": 1, "2": 0}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"qrels": "q9 0 d1 1\n"}, "query q9 is not in queries.jsonl"),
        ({"qrels": "q1 0 d9 1\n"}, "document d9 is not in corpus.jsonl"),
        ({"corpus": [{"text": "a"}]}, "line 1: _id is null, expected an id"),
        ({"corpus": [{"_id": "d1", "text": "a", "title": 3}]}, "title is 3, expected a text"),
        ({"corpus": [{"_id": i, "text": "a"} for i in (1, "1")]}, "lines 1 and 2 have the same id"),
        ({"queries": [{"_id": "q1", "body": "a"}]}, "no key 'text'"),
    ],
)
def test_a_collection_that_does_not_fit_together_is_refused(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read_collection(write(tmp_path, **changes))


def test_a_directory_without_judgements_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no judgements: expected one of qrels/"):
        read_collection(tmp_path)
