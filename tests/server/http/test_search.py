"""Search in indexes that the server has."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bertie.errors import InputError
from bertie.loading.load import load
from bertie.search import Index
from bertie.server.indexes import open_indexes
from tests.search.conftest import ROWS
from tests.server.running import Running, make_models, running
from tests.timeouts import TIMEOUT


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, tiny_sentence: Path) -> Index:
    """An index of ROWS."""
    pytest.importorskip("lancedb")
    model = load(tiny_sentence, precision="float32", threads=1)
    made = Index.create(tmp_path_factory.mktemp("served") / "rows", model=model, key="id")
    made.add(ROWS)
    return made


@pytest.fixture(scope="module")
def serving(
    index: Index, tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, tiny_sentence: Path
) -> Iterator[Running]:
    """A server with that index, its model and a cross-encoder."""
    models = make_models(tmp_path_factory.mktemp("models"), tiny_bert, tiny_sentence)
    few = {name: models[name] for name in ("embed", "rank")}
    with running(few, indexes=(str(index.path), f"again={index.path}")) as up:
        yield up


@pytest.fixture(scope="module")
def post(serving: Running) -> Iterator[Callable[..., httpx.Response]]:
    with httpx.Client(base_url=serving.url, timeout=TIMEOUT) as client:
        yield lambda **body: client.post("/v1/search", json=body)


@pytest.mark.parametrize("mode", ["vector", "text", "hybrid"])
def test_the_server_finds_what_the_index_finds(
    post: Callable[..., httpx.Response], index: Index, mode: str
) -> None:
    said = post(query="dogs run", mode=mode, k=3, index="again").json()
    expected = index.search("dogs run", 3, mode=mode)
    assert [(one["key"], one["fields"]) for one in said["answers"]] == [
        (match.key, match.fields) for match in expected
    ]
    assert [one["score"] for one in said["answers"]] == [match.score for match in expected]
    assert said["index"] == "again"
    assert said["fingerprint"] == index.settings.fingerprint


@pytest.mark.parametrize("mode", ["vector", "text", "hybrid"])
def test_more_rows_than_there_are_give_all_and_fewer_the_best(
    post: Callable[..., httpx.Response], mode: str
) -> None:
    everything = post(query="dogs", mode=mode, k=1000).json()["answers"]
    assert len(everything) == (1 if mode == "text" else len(ROWS))
    for k in (1, 2, 3):
        assert post(query="dogs", mode=mode, k=k).json()["answers"] == everything[:k]
    for k in (0, -1, 1001, 1.5):
        assert post(query="dogs", mode=mode, k=k).status_code in (400, 422)
    assert post(query="dogs", mode=mode, where={"lang": "xx"}).json()["answers"] == []
    wrong = post(query="dogs", mode=mode, where={"year": "1990"})
    assert wrong.status_code == 422
    assert "column 'year' has '1990', expected int64" in wrong.text


def test_columns_narrow_the_search(post: Callable[..., httpx.Response]) -> None:
    said = post(query="dogs", where={"lang": ["de", None], "year": 1993}).json()
    assert [one["key"] for one in said["answers"]] == ["4"]


def test_a_cross_encoder_that_is_served_orders_the_rows(
    post: Callable[..., httpx.Response], serving: Running, index: Index
) -> None:
    path, _ = serving.sources["rank"]
    reranker = load(path, task="rank", precision="float32", threads=1)
    said = post(query="dogs", k=2, rerank="rank").json()
    expected = index.search("dogs", 2, rerank=reranker)
    assert [one["key"] for one in said["answers"]] == [match.key for match in expected]
    assert [one["score"] for one in said["answers"]] == [match.score for match in expected]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"query": "q", "index": "none"}, 404, "no index 'none'; there are: rows, again"),
        ({"query": "q", "where": {"nosuch": 1}}, 422, "no column 'nosuch'"),
        ({"query": "q", "where": "year > 1"}, 422, "where"),
        ({"query": "q", "k": 0}, 422, "k"),
        ({"query": "q", "mode": "fuzzy"}, 422, "mode"),
        ({"query": "q", "rerank": "embed"}, 400, "embed"),
        ({"query": "q", "rerank": "none"}, 404, "none"),
        ({"text": "q"}, 422, "text"),
    ],
)
def test_what_cannot_be_is_refused(
    post: Callable[..., httpx.Response], body: dict[str, Any], status: int, message: str
) -> None:
    response = post(**body)
    assert (response.status_code, message in response.text) == (status, True), response.text


def test_the_indexes_are_listed(serving: Running, index: Index) -> None:
    listed = httpx.get(f"{serving.url}/v1/indexes", timeout=TIMEOUT).json()["data"]
    assert [(one["id"], one["rows"], one["column"]) for one in listed] == [
        ("rows", 4, "text"),
        ("again", 4, "text"),
    ]


def test_without_its_model_an_index_is_searched_by_words_alone(
    index: Index, bert: Path, tmp_path: Path
) -> None:
    with running({"other": (bert, {})}, indexes=(str(index.path),)) as up:
        url = f"{up.url}/v1/search"
        response = httpx.post(url, json={"query": "dogs"}, timeout=TIMEOUT)
        assert response.status_code == 404
        assert "vectors of different models don't mix" in response.text
        found = httpx.post(url, json={"query": "dogs", "mode": "text"}, timeout=TIMEOUT).json()
        assert [one["key"] for one in found["answers"]] == ["3"]


def test_a_server_without_indexes_says_so(everything: Running) -> None:
    response = httpx.post(f"{everything.url}/v1/search", json={"query": "q"}, timeout=TIMEOUT)
    assert (response.status_code, "--indexes" in response.text) == (404, True)


def test_indexes_that_cannot_be_opened_are_refused(index: Index, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two are called 'rows'"):
        open_indexes([str(index.path), f"rows={index.path}"])
    with pytest.raises(InputError, match="is no index"):
        open_indexes([f"a={tmp_path}"])
    with pytest.raises(InputError, match="neither a directory nor NAME=DIRECTORY"):
        open_indexes(["=x"])
