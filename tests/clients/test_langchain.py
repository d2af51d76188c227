"""LangChain's embeddings and rerankers."""

import asyncio

import pytest

from tests.clients.expected import QUERY, TEXTS, Local, ranked, same

pytestmark = pytest.mark.filterwarnings("ignore")


def test_openai(url: str, local: Local) -> None:
    made = pytest.importorskip("langchain_openai").OpenAIEmbeddings(
        model="embed",
        base_url=f"{url}/v1",
        api_key="any",
        check_embedding_ctx_length=False,  # or it sends the ids of OpenAI's own tokenizer
    )
    expected = local("embed").embed(TEXTS)
    assert same(made.embed_documents(TEXTS), expected)
    assert same(asyncio.run(made.aembed_documents(TEXTS)), expected)
    assert same(made.embed_query(TEXTS[0]), expected[0])


def test_hugging_face(url: str, local: Local) -> None:
    hub = pytest.importorskip("huggingface_hub")
    # An address is refused as its model, but the client that it makes can be put in its place.
    made = pytest.importorskip("langchain_huggingface").HuggingFaceEndpointEmbeddings(
        model="embed", huggingfacehub_api_token="any", provider="hf-inference"
    )
    for place in (url, f"{url}/models/embed"):
        made.client = hub.InferenceClient(model=place, token="any")
        made.async_client = hub.AsyncInferenceClient(model=place, token="any")
        expected = local("embed").embed(TEXTS, normalize=True)
        assert same(made.embed_documents(TEXTS), expected)
        assert same(asyncio.run(made.aembed_documents(TEXTS)), expected)
        assert same(made.embed_query(TEXTS[0]), expected[0])
        made.model_kwargs = {"normalize": False, "truncate": True}
        assert same(made.embed_documents(TEXTS), local("embed").embed(TEXTS, normalize=False))
        made.model_kwargs = None
    assert len(made.embed_documents(TEXTS * 40)) == 120  # at once, as it does


def test_cohere(url: str, local: Local) -> None:
    documents = pytest.importorskip("langchain_core.documents")
    made = pytest.importorskip("langchain_cohere").CohereRerank(
        model="rank", base_url=url, cohere_api_key="any", top_n=3
    )
    found = made.compress_documents([documents.Document(page_content=one) for one in TEXTS], QUERY)
    assert [(TEXTS.index(one.page_content), one.metadata["relevance_score"]) for one in found] == (
        ranked(local)
    )
