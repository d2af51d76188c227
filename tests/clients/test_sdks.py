"""The clients that OpenAI, Cohere and Hugging Face give out."""

import asyncio
from typing import Any

import pytest

from tests.clients.expected import QUERY, TEXTS, Local, ranked, same
from tests.timeouts import TIMEOUT

pytestmark = pytest.mark.filterwarnings("ignore")


def test_openai(url: str, local: Local) -> None:
    openai = pytest.importorskip("openai")
    expected = local("embed").embed(TEXTS)
    with openai.OpenAI(base_url=f"{url}/v1/", api_key="any", timeout=TIMEOUT) as client:
        for options in (
            {},
            {"encoding_format": "float"},
            {"extra_body": {"encoding_format": None, "dimensions": None, "user": None}},
            {"user": "me", "extra_body": {"mine": {"a": [None]}}, "extra_headers": {"x-mine": "1"}},
        ):
            said = client.embeddings.create(model="embed", input=TEXTS, **options)
            assert same([one.embedding for one in said.data], expected)
        raw = client.embeddings.with_raw_response.create(model="embed", input=[""])
        assert int(raw.headers["x-compute-tokens"]) == raw.parse().usage.total_tokens
        assert client.models.retrieve("embed").id == "embed"


def test_openai_without_v1_and_asynchronously(url: str, local: Local) -> None:
    openai = pytest.importorskip("openai")

    async def asked() -> Any:
        async with openai.AsyncOpenAI(base_url=url, api_key="any", timeout=TIMEOUT) as client:
            models = [one.id async for one in client.models.list()]
            assert (await client.models.retrieve("tag")).id == "tag"
            said = await asyncio.gather(
                *(client.embeddings.create(model="embed", input=text) for text in TEXTS)
            )
            return models, [one.data[0].embedding for one in said]

    models, vectors = asyncio.run(asked())
    assert "embed" in models
    assert same(vectors, local("embed").embed(TEXTS))


@pytest.mark.parametrize("name", ["Client", "ClientV2"])
def test_cohere(url: str, local: Local, name: str) -> None:
    cohere = pytest.importorskip("cohere")
    client = getattr(cohere, name)(api_key="any", base_url=url, timeout=TIMEOUT)
    asked = {"model": "rank", "query": QUERY, "documents": TEXTS}
    found = client.rerank(**asked).results
    assert [(one.index, one.relevance_score) for one in found] == ranked(local)
    assert len(client.rerank(**asked, top_n=1).results) == 1
    if name == "ClientV2":
        assert len(client.rerank(**asked, max_tokens_per_doc=2).results) == len(TEXTS)
    else:
        records = [{"text": text, "title": "a"} for text in TEXTS]
        said = client.rerank(
            **{**asked, "documents": records}, return_documents=True, rank_fields=["text"]
        )
        assert [(one.index, one.relevance_score) for one in said.results] == ranked(local)
        assert said.results[0].document.text == TEXTS[said.results[0].index]


def test_hugging_face(url: str, local: Local) -> None:
    hub = pytest.importorskip("huggingface_hub")

    async def asked() -> Any:
        client = hub.AsyncInferenceClient(model=url, token="any", timeout=TIMEOUT)
        features = await client.feature_extraction(TEXTS)  # type: ignore[arg-type]
        labels = await client.zero_shot_classification(TEXTS[0], ["a song", "a dog"])
        named = hub.AsyncInferenceClient(model=f"{url}/models/tag", token="any", timeout=TIMEOUT)
        return features, labels, await named.token_classification(TEXTS[0], ignore_labels=[])

    features, labels, entities = asyncio.run(asked())
    assert same(features, local("embed").embed(TEXTS, normalize=True))
    best = local("nli").zero_shot(TEXTS[0], ["a song", "a dog"])
    assert [(one.label, one.score) for one in labels] == [(one.label, one.score) for one in best]
    spans = local("tag").tag(TEXTS[0], ignore=[])
    assert [(one.word, one.start) for one in entities] == [(one.text, one.start) for one in spans]
