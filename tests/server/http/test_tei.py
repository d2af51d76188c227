"""Requests as Text Embeddings Inference takes them are answered as it answers."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from tests.server.running import Running
from tests.timeouts import TIMEOUT

Local = Callable[[str], Any]
Post = Callable[..., httpx.Response]

TEXTS = ["the old bridge", "who reads"]


@pytest.fixture(scope="module")
def post(everything: Running) -> Iterator[Post]:
    with httpx.Client(base_url=everything.url, timeout=TIMEOUT) as client:
        yield lambda path, **body: client.post(path, json=body)


def floats(response: httpx.Response) -> np.ndarray:
    assert response.status_code == 200, response.text
    return np.array(response.json(), np.float32)


def test_embed_gives_vectors_of_length_1_unless_asked_otherwise(post: Post, local: Local) -> None:
    model = local("embed")
    assert np.array_equal(floats(post("/embed", inputs=TEXTS)), model.embed(TEXTS, normalize=True))
    raw = floats(post("/embed", inputs=TEXTS, normalize=False))
    assert np.array_equal(raw, model.embed(TEXTS, normalize=False))
    one = floats(post("/embed", inputs=TEXTS[0]))
    assert one.shape == (1, model.dimensions)
    ids = model.tokenizer.encode(TEXTS[0], add_special_tokens=False).ids
    assert np.array_equal(floats(post("/embed", inputs=ids)), one)
    assert np.array_equal(floats(post("/embed", inputs=[ids])), one)


def test_headers_tell_what_it_took(post: Post, local: Local) -> None:
    headers = post("/embed", inputs=TEXTS).headers
    assert headers["x-compute-type"] == "cpu"
    assert headers["x-compute-characters"] == str(sum(map(len, TEXTS)))
    tokens = sum(len(local("embed").tokenizer.encode(text).ids) for text in TEXTS)
    assert headers["x-compute-tokens"] == str(tokens)
    for name in ("compute", "total", "tokenization", "queue", "inference"):
        assert int(headers[f"x-{name}-time"]) >= 0
    assert headers["x-bertie-fingerprint"] == local("embed").fingerprint


def test_truncation_is_the_callers_word_else_the_servers(post: Post, local: Local) -> None:
    long = " ".join(["old", "bridge", "dog"] * 60)
    tokens = local("embed").tokenizer.encode(long, add_special_tokens=False)
    room = local("embed").max_length - 2
    kept = long[tokens.offsets[-room][0] :]
    left = floats(post("/embed", inputs=long, truncate=True, truncation_direction="Left"))
    assert np.array_equal(left, local("embed").embed([kept], normalize=True))
    right = floats(post("/embed", inputs=long))
    start = long[: tokens.offsets[room - 1][1]]
    assert np.array_equal(right, local("embed").embed([start], normalize=True))
    refused = post("/embed", inputs=long, truncate=False)
    assert refused.status_code == 422
    assert refused.json()["error_type"] == "Validation"


def test_tokens_and_sparse_vectors_are_the_librarys(post: Post, local: Local) -> None:
    said = post("/embed_all", inputs=TEXTS).json()
    for rows, expected in zip(said, local("embed").embed_tokens(TEXTS), strict=True):
        assert np.array_equal(np.array(rows, np.float32), expected.vectors)
    said = post("/embed_sparse", inputs=TEXTS).json()
    for values, expected in zip(said, local("sparse").embed_sparse(TEXTS), strict=True):
        assert [one["index"] for one in values] == expected.indices.tolist()
        weights = np.array([one["value"] for one in values], np.float32)
        assert np.array_equal(weights, expected.weights)


@pytest.mark.parametrize(
    ("inputs", "given", "single"),
    [
        ("who reads", ["who reads"], True),
        (["who reads"], ["who reads"], True),
        (["who", "reads"], [("who", "reads")], True),
        ([["who"], ["a", "pair"]], ["who", ("a", "pair")], False),
    ],
)
def test_predict_tells_a_pair_from_a_batch(
    post: Post, local: Local, inputs: Any, given: Any, single: bool
) -> None:
    expected = [
        [{"score": one.score, "label": one.label} for one in labels]
        for labels in local("classify").classify(given)
    ]
    assert post("/predict", inputs=inputs).json() == (expected[0] if single else expected)


def test_predict_gives_logits_where_raw_scores_are_asked_for(post: Post, local: Local) -> None:
    said = post("/predict", inputs="who reads", raw_scores=True).json()
    expected = local("classify").classify("who reads", raw=True)
    assert said == [{"score": one.score, "label": one.label} for one in expected]


def test_similarity_is_the_models(post: Post, local: Local) -> None:
    body = {"source_sentence": "the bridge", "sentences": TEXTS}
    model = local("embed")
    expected = model.similarity(model.embed(["the bridge"]), model.embed(TEXTS))
    assert np.array_equal(floats(post("/similarity", inputs=body)), expected[0])


def test_tokens_have_places_in_bytes(post: Post, local: Local) -> None:
    text = "Über old"
    (said,) = post("/tokenize", inputs=text).json()
    assert [one["id"] for one in said] == local("embed").tokenizer.encode(text).ids
    assert said[0] == {
        "id": said[0]["id"],
        "text": "[CLS]",
        "special": True,
        "start": None,
        "stop": None,
    }
    for one in said[1:-1]:
        assert one["text"] == text.encode()[one["start"] : one["stop"]].decode()
    ids = [one["id"] for one in said]
    assert post("/decode", ids=ids).json() == [local("embed").tokenizer.decode(ids)]
    bare = post("/tokenize", inputs=[text], add_special_tokens=False).json()
    assert bare == [said[1:-1]]


def test_the_root_does_what_the_default_model_is_for(post: Post, local: Local) -> None:
    assert np.array_equal(floats(post("/", inputs=TEXTS)), floats(post("/embed", inputs=TEXTS)))
    pair = ["who", "reads"]
    assert post("/models/classify/", inputs=pair).json() == post("/predict", inputs=pair).json()
    ranked = post("/models/rank/", query="old", texts=TEXTS)
    assert ranked.json() == post("/rerank", query="old", texts=TEXTS).json()
    assert post("/models/next/", inputs="a").status_code == 424


def test_a_path_names_the_model(post: Post) -> None:
    assert post("/models/embed/embed", inputs="a").json() == post("/embed", inputs="a").json()
    unknown = post("/models/nobody/embed", inputs="a")
    assert unknown.status_code == 404
    assert unknown.json()["error_type"] == "Validation"
    wrong = post("/models/tag/embed", inputs="a")
    assert wrong.status_code == 424
    assert wrong.json()["error_type"] == "Backend"


def test_info_describes_the_default_model(everything: Running, local: Local) -> None:
    info = httpx.get(f"{everything.url}/info", timeout=TIMEOUT).json()
    assert (
        info["model_type"] == {"embedding": {"pooling": "mean"}}
        or "embedding" in info["model_type"]
    )
    assert info["max_input_length"] == local("embed").max_length
    assert info["max_client_batch_size"] == 32
    assert info["fingerprint"] == local("embed").fingerprint
    other = httpx.get(f"{everything.url}/models/classify/info", timeout=TIMEOUT).json()
    assert other["model_type"]["classifier"]["id2label"]["0"] == "bad"


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("/embed", {"inputs": []}, 400, "Empty"),
        ("/embed", {"inputs": ["a"] * 33}, 422, "Validation"),
        ("/embed", {"inputs": 5}, 422, "Validation"),
        ("/embed", {"inputs": "a", "truncation_direction": "up"}, 422, "Validation"),
        ("/embed", {"inputs": "a", "prompt_name": "nobody"}, 422, "Validation"),
        ("/embed_all", {"inputs": "a", "prompt_name": "nobody"}, 422, "Validation"),
        ("/embed", {"inputs": [1, 99_999]}, 422, "Validation"),
        ("/predict", {"inputs": ["a", "b", "c"]}, 422, "Validation"),
        ("/predict", {"inputs": []}, 400, "Empty"),
        ("/decode", {"ids": [99_999]}, 422, "Validation"),
        ("/tokenize", {"inputs": []}, 400, "Empty"),
        ("/similarity", {"inputs": {"source_sentence": "a", "sentences": []}}, 400, "Empty"),
    ],
)
def test_errors_have_teis_status_and_type(
    post: Post, path: str, body: Any, status: int, kind: str
) -> None:
    response = post(path, **body)
    assert (response.status_code, response.json()["error_type"]) == (status, kind)
    assert set(response.json()) == {"error", "error_type"}
