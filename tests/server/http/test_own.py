"""Our own APIs answer what the library's methods do, to the last bit."""

from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from tests.server.running import Running
from tests.timeouts import TIMEOUT

Local = Callable[[str], Any]

TEXTS = ["the old bridge", "", "who reads"]


@pytest.fixture(scope="module")
def post(everything: Running) -> Any:
    """Posts JSON, expects a success, and gives the body."""
    with httpx.Client(base_url=everything.url, timeout=TIMEOUT) as client:

        def posted(path: str, **body: Any) -> Any:
            response = client.post(path, json=body)
            assert response.status_code == 200, response.text
            return response.json()

        yield posted


def test_vectors_are_those_of_the_library(post: Any, local: Local) -> None:
    said = post("/v1/embed", inputs=TEXTS)
    expected = local("embed").embed(TEXTS)
    assert np.array_equal(np.array(said["answers"], np.float32), expected)
    assert said["model"] == "embed"
    assert said["fingerprint"] == local("embed").fingerprint
    assert said["work"]["truncated"] == [0, 0, 0]
    one = post("/v1/embed", inputs=TEXTS[0], normalize=False, output="float16")
    expected = local("embed").embed(TEXTS[0], normalize=False, output="float16")
    assert np.array_equal(np.array(one["answers"][0], np.float16), expected)


def test_tokens_sparse_vectors_and_multiple_ones_are_those_of_the_library(
    post: Any, local: Local
) -> None:
    tokens = post("/v1/embed_tokens", inputs=TEXTS)["answers"]
    for said, expected in zip(tokens, local("embed").embed_tokens(TEXTS), strict=True):
        assert np.array_equal(np.array(said["vectors"], np.float32), expected.vectors)
        assert said["tokens"] == expected.tokens
        assert [tuple(place) for place in said["offsets"]] == expected.offsets
    sparse = post("/v1/embed_sparse", inputs=TEXTS, top_k=4)["answers"]
    for said, expected in zip(sparse, local("sparse").embed_sparse(TEXTS, top_k=4), strict=True):
        assert said["indices"] == expected.indices.tolist()
        assert np.array_equal(np.array(said["weights"], np.float32), expected.weights)
    multi = post("/v1/embed_multi", inputs=TEXTS, kind="query")["answers"]
    for said, expected in zip(
        multi, local("colbert").embed_multi(TEXTS, kind="query"), strict=True
    ):
        assert np.array_equal(np.array(said, np.float32), expected)


@pytest.mark.parametrize(
    ("route", "model", "body", "call"),
    [
        (
            "classify",
            "classify",
            {"inputs": TEXTS, "top_k": 2},
            lambda m: m.classify(TEXTS, top_k=2),
        ),
        (
            "classify",
            "classify",
            {"inputs": ["one", ["a", "pair"]], "raw": True},
            lambda m: m.classify(["one", ("a", "pair")], raw=True),
        ),
        (
            "zero_shot",
            "nli",
            {"inputs": TEXTS, "labels": ["stone", "dog"], "multi_label": True},
            lambda m: m.zero_shot(TEXTS, ["stone", "dog"], multi_label=True),
        ),
        ("tag", "tag", {"inputs": TEXTS}, lambda m: m.tag(TEXTS)),
        (
            "tag",
            "tag",
            {"inputs": [["old", "bridge"]], "split_words": True},
            lambda m: m.tag([["old", "bridge"]], split_words=True),
        ),
        (
            "fill",
            "fill",
            {"inputs": ["the [MASK] bridge"], "top_k": 3},
            lambda m: m.fill(["the [MASK] bridge"], top_k=3),
        ),
    ],
)
def test_records_are_those_of_the_library(
    post: Any, local: Local, route: str, model: str, body: dict[str, Any], call: Any
) -> None:
    def plain(value: Any) -> Any:
        return [plain(v) for v in value] if isinstance(value, list) else value.to_dict()

    assert post(f"/v1/{route}", **body)["answers"] == plain(call(local(model)))


def test_answers_and_next_sentences_are_those_of_the_library(post: Any, local: Local) -> None:
    pairs = [["who reads", "the dog reads the old song"], ["what", "a bridge of stone"]]
    questions, contexts = [a for a, _ in pairs], [b for _, b in pairs]
    best = [one.to_dict() for one in local("answer").answer(questions, contexts)]
    assert post("/v1/answer", inputs=pairs)["answers"] == [[one] for one in best]
    several = local("answer").answer(questions, contexts, top_k=3)
    said = post("/v1/answer", inputs=pairs, top_k=3)["answers"]
    assert said == [[one.to_dict() for one in each] for each in several]
    expected = local("next").next_sentence(questions, contexts)
    assert post("/v1/next_sentence", inputs=pairs)["answers"] == expected.tolist()


def test_ranks_are_those_of_the_library_by_pairs_and_by_tokens(post: Any, local: Local) -> None:
    query, documents = "old stone", ["a bridge", "the old song", "dog", "stone"]
    ranked = post("/v1/rank", query=query, documents=documents, top_k=3)["answers"]
    expected = local("rank").rank(query, documents, top_k=3)
    assert ranked == [one.to_dict() for one in expected]
    scores = post("/v1/score", inputs=[[query, one] for one in documents], raw=True)["answers"]
    pairs = [(query, one) for one in documents]
    assert scores == local("rank").score(pairs, raw=True).tolist()
    by_tokens = post("/models/colbert/v1/rank", query=query, documents=documents)["answers"]
    expected = local("colbert").rank_multi(query, documents)
    assert by_tokens == [one.to_dict() for one in expected]


def test_tokens_are_those_of_the_tokenizer(post: Any, local: Local) -> None:
    said = post("/models/tag/v1/tokenize", inputs=["Über, old", ["a", "b"]], max_length=5)[
        "answers"
    ]
    tokenizer = local("tag").tokenizer
    for one, given in zip(said, [("Über, old",), ("a", "b")], strict=True):
        expected = tokenizer.encode(*given, max_length=5)
        assert one["ids"] == expected.ids
        assert one["tokens"] == expected.tokens
        assert one["offsets"] == [list(place) for place in expected.offsets]
        assert one["truncated"] == expected.truncated


WORDS = [["Über", "old"], ["bridge"]]


@pytest.mark.parametrize(
    ("route", "model", "inputs", "call"),
    [
        ("classify", "classify", [WORDS, WORDS[0]], lambda m, i, **o: m.classify(i, **o)),
        ("score", "rank", [WORDS, WORDS[::-1]], lambda m, i, **o: m.score(i, **o)),
        (
            "next_sentence",
            "next",
            [WORDS, WORDS[::-1]],
            lambda m, i, **o: m.next_sentence(*map(list, zip(*i, strict=True)), **o),
        ),
    ],
)
def test_pairs_may_be_of_words(
    post: Any, local: Local, route: str, model: str, inputs: list[Any], call: Any
) -> None:
    said = post(f"/v1/{route}", inputs=inputs, split_words=True)["answers"]
    given = [tuple(one) if isinstance(one[0], list) else one for one in inputs]
    expected = call(local(model), given, split_words=True)
    if route == "classify":
        assert said == [[label.to_dict() for label in one] for one in expected]
    else:
        assert said == expected.tolist()


def test_ranks_and_tokens_may_be_of_words(post: Any, local: Local) -> None:
    ranked = post("/v1/rank", query=["old"], documents=WORDS, split_words=True)["answers"]
    expected = local("rank").rank(["old"], WORDS, split_words=True)
    assert ranked == [one.to_dict() for one in expected]
    route = "/models/tag/v1/tokenize"
    said = post(route, inputs=[WORDS[0], WORDS], split_words=True)["answers"]
    for one, given in zip(said, [(WORDS[0],), WORDS], strict=True):
        encoding = local("tag").tokenizer.encode(*given, split_words=True)
        assert (one["ids"], one["word_ids"]) == (encoding.ids, encoding.word_ids)


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("v1/classify", {"inputs": [[["a"], "b"]], "split_words": True}),
        ("v1/classify", {"inputs": [[["a"], ["b"], ["c"]]], "split_words": True}),
        ("v1/classify", {"inputs": [[["a"], ["b"]]]}),
        ("v1/classify", {"inputs": ["a"], "split_words": True}),
        ("v1/classify", {"inputs": [["a", "b", "c"]]}),
        ("v1/classify", {"inputs": [[]]}),
        ("v1/score", {"inputs": [["a", "b"]], "split_words": True}),
        ("v1/score", {"inputs": [[["a"], ["b"]]]}),
        ("v1/next_sentence", {"inputs": [[["a"], "b"]], "split_words": True}),
        ("v1/answer", {"inputs": [[["a"], ["b"]]]}),
        ("v1/answer", {"inputs": [["a", "b"]], "split_words": True}),
        ("v1/rank", {"query": "a", "documents": ["a"], "split_words": True}),
        ("v1/rank", {"query": ["a"], "documents": [["a"]]}),
        ("models/colbert/v1/rank", {"query": ["a"], "documents": [["a"]], "split_words": True}),
        ("models/colbert/v1/rank", {"query": ["a"], "documents": [["a"]]}),
        ("v1/tokenize", {"inputs": [[["a"]]], "split_words": True}),
        ("v1/tokenize", {"inputs": [["a", "b", "c"]]}),
        ("v1/tokenize", {"inputs": [[]]}),
        ("v1/tokenize", {"inputs": ["a"], "split_words": True}),
        ("v1/tokenize", {"inputs": [[["a"], ["b"]]]}),
    ],
)
def test_words_where_texts_are_expected_are_refused_and_the_other_way_round(
    everything: Running, route: str, body: dict[str, Any]
) -> None:
    response = httpx.post(f"{everything.url}/{route}", json=body, timeout=TIMEOUT)
    assert response.status_code == 422, response.text


def test_a_field_that_nobody_knows_is_refused(everything: Running) -> None:
    response = httpx.post(
        f"{everything.url}/v1/tag", json={"inputs": ["a"], "agregation": "max"}, timeout=TIMEOUT
    )
    assert response.status_code == 422
    assert "agregation" in response.json()["error"]["message"]


def test_no_inputs_have_no_answers(post: Any) -> None:
    assert post("/v1/tag", inputs=[])["answers"] == []
    assert post("/v1/rank", query="a", documents=[])["answers"] == []
