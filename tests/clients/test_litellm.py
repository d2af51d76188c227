"""LiteLLM, which speaks for other clients, sends null for what they leave out."""

import asyncio
from typing import Any

import pytest

import bertie
from tests.clients.expected import QUERY, TEXTS, Local, ranked, same
from tests.server.running import Running

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def litellm() -> Any:
    return pytest.importorskip("litellm")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"encoding_format": None},
        {"encoding_format": "float"},
        {"dimensions": None, "user": None},
        {"user": "me"},
        {"extra_body": {"mine": None}},
    ],
)
@pytest.mark.parametrize("provider", ["openai", "hosted_vllm"])
def test_embedding(
    litellm: Any, url: str, local: Local, provider: str, options: dict[str, Any]
) -> None:
    asked = {"model": f"{provider}/embed", "input": TEXTS, "api_base": f"{url}/v1", **options}
    said = litellm.embedding(api_key="any", **asked)
    assert same([one["embedding"] for one in said.data], local("embed").embed(TEXTS))
    said = asyncio.run(litellm.aembedding(api_key="any", **asked))
    assert same([one["embedding"] for one in said.data], local("embed").embed(TEXTS))


def test_embedding_as_of_infinity_and_of_fewer_dimensions(
    litellm: Any, everything: Running
) -> None:
    said = litellm.embedding(
        model="infinity/embed", input=TEXTS, api_base=everything.url, api_key="any", dimensions=4
    )
    path, _ = everything.sources["embed"]
    model: Any = bertie.load(path, dimensions=4, precision="float32", threads=1)
    expected = model.embed(TEXTS)
    assert same([one["embedding"] for one in said.data], expected)


@pytest.mark.parametrize("provider", ["cohere", "infinity", "jina_ai", "huggingface"])
def test_reranking(litellm: Any, url: str, local: Local, provider: str) -> None:
    said = litellm.rerank(
        model=f"{provider}/rank",
        query=QUERY,
        documents=TEXTS,
        top_n=3,
        return_documents=True,
        api_base=url,
        api_key="any",
    )
    assert [(one["index"], one["relevance_score"]) for one in said.results] == ranked(local)


def test_comparing_sentences_as_hugging_face_does(litellm: Any, url: str, local: Local) -> None:
    said = litellm.embedding(
        model="huggingface/embed",
        input=[QUERY, *TEXTS],
        api_base=url,
        api_key="any",
        input_type="sentence-similarity",
    )
    model = local("embed")
    expected = model.similarity(model.embed([QUERY]), model.embed(TEXTS))[0]
    assert same([one["embedding"] for one in said.data], expected)
