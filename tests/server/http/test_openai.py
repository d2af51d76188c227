"""OpenAI's own client works against the server."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest

import bertie
from tests.server.running import Running, running
from tests.timeouts import TIMEOUT

Local = Callable[[str], Any]

TEXTS = ["the old bridge", "who reads", ""]


@pytest.fixture(scope="module")
def client(everything: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{everything.url}/v1", api_key="any", timeout=TIMEOUT, max_retries=0
    ) as made:
        yield made


def test_vectors_are_the_librarys_to_the_last_bit(client: openai.OpenAI, local: Local) -> None:
    expected = local("embed").embed(TEXTS)
    said = client.embeddings.create(model="embed", input=TEXTS)
    found = np.array([one.embedding for one in said.data], np.float32)
    assert np.array_equal(found, expected)
    assert [one.index for one in said.data] == [0, 1, 2]
    assert said.model == "embed"
    tokens = sum(len(local("embed").tokenizer.encode(text).ids) for text in TEXTS)
    assert said.usage.prompt_tokens == said.usage.total_tokens == tokens
    numbers = client.embeddings.create(model="embed", input=TEXTS[0], encoding_format="float")
    assert np.array_equal(np.array(numbers.data[0].embedding, np.float32), expected[0])


def test_base64_is_little_endian_float32(everything: Running, local: Local) -> None:
    body = {"input": TEXTS[0], "encoding_format": "base64"}
    said = httpx.post(f"{everything.url}/embeddings", json=body, timeout=TIMEOUT).json()
    vector = np.frombuffer(base64.b64decode(said["data"][0]["embedding"]), "<f4")
    assert np.array_equal(vector, local("embed").embed(TEXTS[0]))


def test_token_ids_are_used_as_they_are(client: openai.OpenAI, local: Local) -> None:
    ids = local("embed").tokenizer.encode(TEXTS[0], add_special_tokens=False).ids
    framed = local("embed").tokenizer.encode(TEXTS[0]).ids
    expected = local("embed").embed(TEXTS[0])
    for given in (ids, [ids], framed, [framed]):
        found = client.embeddings.create(model="embed", input=given).data
        assert len(found) == 1
        assert np.array_equal(np.array(found[0].embedding, np.float32), expected)


def test_ids_of_another_tokenizer_are_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="tokenizer"):
        client.embeddings.create(model="embed", input=[[5, 100_257]])


def test_fewer_dimensions_are_those_of_a_model_loaded_so(
    client: openai.OpenAI, tiny_sentence: Path
) -> None:
    found = client.embeddings.create(model="embed", input=TEXTS, dimensions=4).data
    model = bertie.load(tiny_sentence, dimensions=4, precision="float32", threads=1)
    expected = model.embed(TEXTS)  # type: ignore[attr-defined]
    assert np.array_equal(np.array([one.embedding for one in found], np.float32), expected)
    with pytest.raises(openai.BadRequestError, match="dimensions is 9999"):
        client.embeddings.create(model="embed", input=TEXTS, dimensions=9999)


def test_models_are_listed_and_described(client: openai.OpenAI, everything: Running) -> None:
    assert [one.id for one in client.models.list()] == list(everything.sources)
    assert client.models.retrieve("tag").id == "tag"
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("nobody")
    assert refused.value.code == "model_not_found"


def test_an_unknown_model_is_404_among_several_and_no_matter_where_there_is_one(
    client: openai.OpenAI, tiny_sentence: Path
) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.embeddings.create(model="text-embedding-3-small", input="a")
    assert refused.value.code == "model_not_found"
    with running({"m": (tiny_sentence, {})}) as up:
        alone = openai.OpenAI(base_url=f"{up.url}/v1", api_key="any", timeout=TIMEOUT)
        said = alone.embeddings.create(model="text-embedding-3-small", input="a")
        assert said.model == "m"
        alone.close()


def test_what_is_cut_is_said_of_each_input_and_in_headers(everything: Running) -> None:
    body = {"input": ["old " * 300, "old"]}
    response = httpx.post(f"{everything.url}/v1/embeddings", json=body, timeout=TIMEOUT)
    long, short = response.json()["data"]
    assert long["truncated"] > 200
    assert "truncated" not in short
    assert response.headers["x-truncated-inputs"] == "1"
    assert response.headers["x-truncated-tokens"] == str(long["truncated"])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"input": []}, "input is empty"),
        ({"input": ["a", 5]}, "mixes"),
        ({"input": 5}, "input"),
        ({"input": [[True]]}, "input"),
        ({"input": [[-5]]}, "input"),
        ({}, "input"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": ["a"] * 2049}, "2049"),
    ],
)
def test_a_body_that_cannot_be_is_400_in_openais_words(
    everything: Running, body: Any, says: str
) -> None:
    response = httpx.post(f"{everything.url}/v1/embeddings", json=body, timeout=TIMEOUT)
    assert response.status_code == 400
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert says in error["message"]
