"""A map of an index as one page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bertie.errors import InputError, TruncationWarning
from bertie.search import Index
from bertie.search.map import draw

HOSTILE = "</script><script>alert(1)</script>{{DATA}}\u2028 \U0001f415"


@pytest.fixture
def index(tmp_path: Path, embedder: Any) -> Index:
    made = Index.create(tmp_path / "<b>index", model=embedder, key="id")
    rows = [{"id": n, "text": f"text {n}", "year": 1990 + n, "lang": "en"} for n in range(8)]
    with pytest.warns(TruncationWarning):
        made.add([*rows, {"id": 8, "text": HOSTILE, "year": None, "lang": HOSTILE}])
    return made


def data_of(html: str) -> Any:
    """The data of a page."""
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_a_page_has_every_row_with_its_place_text_and_columns(index: Index) -> None:
    drawn = draw(index, colour="lang", method="pca")
    data = data_of(drawn.html)
    rows = list(index.rows())
    assert (drawn.points, drawn.rows, drawn.method) == (9, 9, "pca")
    assert data["texts"] == [row["fields"]["text"] for row in rows]
    assert data["keys"] == [row["key"] for row in rows]
    assert data["columns"]["year"] == [row["fields"]["year"] for row in rows]
    assert data["colour"] == "lang"
    assert all(0 <= place <= 1 for place in data["x"] + data["y"])
    assert max(data["x"]) == 1


def test_a_page_runs_nothing_of_its_rows_and_asks_nothing_of_the_network(index: Index) -> None:
    html = draw(index, method="pca").html
    assert html.count("<script") == html.count("</script>") == 2
    assert "<b>" not in html
    assert "&lt;b&gt;index" in html
    assert not re.search(r"(?:src|href)=|https?://|@import|url\(", html)
    assert "default-src 'none'" in html


def test_many_rows_are_drawn_by_lot(index: Index) -> None:
    drawn = draw(index, method="pca", limit=3)
    assert (drawn.points, drawn.rows) == (3, 9)
    assert "3 of 9 rows by PCA" in drawn.html
    assert drawn == draw(index, method="pca", limit=3)


def test_what_cannot_be_drawn_is_refused(index: Index, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'nosuch' to colour by, there are text, id"):
        draw(index, colour="nosuch")
    with pytest.raises(InputError, match="limit is 0"):
        draw(index, limit=0)
    with pytest.raises(InputError, match="has no rows"):
        draw(Index.create(tmp_path / "empty", model=index.model))
