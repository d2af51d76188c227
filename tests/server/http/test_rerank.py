"""Reranking in three servers' words: Cohere's own client, infinity's and TEI's requests."""

from collections.abc import Callable, Iterator
from typing import Any

import cohere
import httpx
import numpy as np
import pytest

from bertie.calls.probabilities import sigmoid
from tests.server.running import Running
from tests.timeouts import TIMEOUT

Local = Callable[[str], Any]

QUERY = "old stone"
DOCUMENTS = ["a bridge", "the old song", "dog", "stone"]


@pytest.fixture(scope="module")
def raw(local: Local) -> np.ndarray:
    scores: np.ndarray = local("rank").score([(QUERY, one) for one in DOCUMENTS], raw=True)
    return scores


@pytest.fixture(scope="module")
def post(everything: Running) -> Iterator[Callable[..., httpx.Response]]:
    with httpx.Client(base_url=everything.url, timeout=TIMEOUT) as client:
        yield lambda path, **body: client.post(path, json=body)


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """Connections for Cohere's clients, which don't close their own."""
    with httpx.Client(timeout=TIMEOUT) as client:
        yield client


def best_first(scores: np.ndarray) -> list[int]:
    order: list[int] = np.argsort(-scores, kind="stable").tolist()
    return order


def test_coheres_client_ranks_by_either_version(
    everything: Running, http: httpx.Client, raw: np.ndarray
) -> None:
    scores = sigmoid(raw)
    first = cohere.Client("any", base_url=everything.url, httpx_client=http)
    second = cohere.ClientV2("any", base_url=everything.url, httpx_client=http)
    for client in (first, second):
        said = client.rerank(model="rank", query=QUERY, documents=DOCUMENTS, top_n=3)
        assert [one.index for one in said.results] == best_first(scores)[:3]
        for one in said.results:
            assert one.relevance_score == scores[one.index]
        assert said.meta is not None
        assert said.meta.api_version is not None
        assert said.meta.api_version.version == ("1" if client is first else "2")
    said = first.rerank(
        model="rank",
        query=QUERY,
        documents=[{"text": one} for one in DOCUMENTS],
        return_documents=True,
    )
    for one in said.results:
        assert one.document is not None
        assert one.document.text == DOCUMENTS[one.index]


def test_coheres_client_knows_its_errors(everything: Running, http: httpx.Client) -> None:
    client = cohere.ClientV2("any", base_url=everything.url, httpx_client=http)
    with pytest.raises(cohere.NotFoundError):
        client.rerank(model="nobody", query="a", documents=["b"])
    with pytest.raises(cohere.BadRequestError):
        client.rerank(model="rank", query="a", documents=[])
    with pytest.raises(cohere.BadRequestError):
        client.rerank(model="rank", query="a", documents=["b"] * 1001)


def test_documents_are_cut_to_max_tokens_per_doc_and_that_is_said(post: Any, local: Local) -> None:
    long = "the old bridge of stone and the dog"
    said = post(
        "/v2/rerank", query=QUERY, documents=[long], max_tokens_per_doc=3, model="rank"
    ).json()
    cut = local("rank").tokenizer.encode(long, add_special_tokens=False, max_length=3)
    shortened = long[: cut.offsets[-1][1]]
    expected = sigmoid(local("rank").score([(QUERY, shortened)], raw=True))
    assert said["results"][0]["relevance_score"] == expected[0]
    assert "1 of 1 documents" in said["meta"]["warnings"][0]


def test_tei_ranks_texts(post: Any, raw: np.ndarray) -> None:
    said = post("/rerank", query=QUERY, texts=DOCUMENTS, return_text=True).json()
    scores = sigmoid(raw)
    assert said == [
        {"index": i, "score": scores[i], "text": DOCUMENTS[i]} for i in best_first(scores)
    ]
    said = post("/rerank", query=QUERY, texts=DOCUMENTS, raw_scores=True).json()
    assert said == [{"index": i, "score": raw[i]} for i in best_first(raw)]


def test_infinity_ranks_documents(post: Any, raw: np.ndarray) -> None:
    said = post(
        "/rerank",
        query=QUERY,
        documents=DOCUMENTS,
        model="rank",
        top_n=2,
        raw_scores=True,
        return_documents=True,
    ).json()
    assert said["object"] == "rerank"
    assert said["results"] == [
        {"index": i, "relevance_score": raw[i], "document": DOCUMENTS[i]}
        for i in best_first(raw)[:2]
    ]
    assert said["usage"]["prompt_tokens"] > 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": "a", "texts": []}, 400),
        ({"query": "a", "texts": ["b"] * 33}, 422),
        ({"query": "a", "texts": ["b"], "documents": ["c"]}, 422),
        ({"query": "a"}, 422),
        ({"query": "a", "texts": "b"}, 422),
    ],
)
def test_teis_errors_have_its_type(post: Any, body: Any, status: int) -> None:
    response = post("/rerank", **body)
    assert response.status_code == status
    assert response.json()["error_type"] == ("Empty" if status == 400 else "Validation")


def test_an_error_in_infinitys_words_has_its_body(post: Any) -> None:
    response = post("/rerank", query="a", documents=["b"], model="nobody")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"
