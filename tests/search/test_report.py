"""What the rows of an index are like."""

from pathlib import Path
from typing import Any

import pytest

from bertie.errors import TruncationWarning
from bertie.search import Index
from bertie.search.report import describe


def test_lengths_cuts_and_repetitions_are_counted(tmp_path: Path, embedder: Any) -> None:
    index = Index.create(tmp_path / "index", model=embedder)
    texts = ["a child reads", "a child reads", "dogs", "rain " * 500]
    with pytest.warns(TruncationWarning):
        index.add({"text": text} for text in texts)
    report = describe(index)
    whole = embedder.tokenizer.encode(texts[3])
    assert (report.rows, report.repeated, report.truncated) == (4, 1, 1)
    assert report.tokens_lost == len(whole.ids) - embedder.max_length
    assert report.tokens["most"] == embedder.max_length
    assert report.characters == {"least": 4, "median": 13, "p95": 2500, "p99": 2500, "most": 2500}
    assert report.sampled == sum(count for _, count in report.histogram) == 4
    assert report.near["0.99"] >= 0.5
    lines = "\n".join(report.lines())
    assert "1 rows (25.0%)" in lines
    assert "1 rows have a text that an earlier row has" in lines


def test_an_index_of_one_row_or_none_has_no_neighbours(tmp_path: Path, embedder: Any) -> None:
    index = Index.create(tmp_path / "index", model=embedder)
    for rows in (0, 1):
        report = describe(index)
        assert (report.rows, report.sampled) == (rows, 0)
        assert len(list(report.lines())) == 4
        index.add([{"text": "one"}])
