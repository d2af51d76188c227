"""LlamaIndex' embeddings and rerankers."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.clients.expected import QUERY, TEXTS, Local, ranked, same

pytestmark = pytest.mark.filterwarnings("ignore")


def embedded(make: Callable[[], Any], expected: Any) -> None:
    """Compare every way in which a text is embedded; some keep to one event loop."""
    assert same(make().get_text_embedding_batch(TEXTS), expected)
    assert same(asyncio.run(make().aget_text_embedding_batch(TEXTS)), expected)
    assert same(make().get_query_embedding(TEXTS[0]), expected[0])


def test_openai(url: str, local: Local) -> None:
    package = pytest.importorskip("llama_index.embeddings.openai")
    options = {"model_name": "embed", "api_base": f"{url}/v1", "api_key": "any"}
    embedded(lambda: package.OpenAIEmbedding(**options), local("embed").embed(TEXTS))
    few = package.OpenAIEmbedding(**options, dimensions=4)
    assert len(few.get_query_embedding(TEXTS[0])) == 4


@pytest.mark.parametrize("token", [None, "any"])
def test_text_embeddings_inference(url: str, local: Local, token: str | None) -> None:
    package = pytest.importorskip("llama_index.embeddings.text_embeddings_inference")
    make = partial(
        package.TextEmbeddingsInference,
        model_name="embed",
        base_url=url,
        query_instruction="",
        text_instruction="",
        auth_token=token,
    )
    embedded(make, local("embed").embed(TEXTS, normalize=True))


def test_hugging_face(url: str, local: Local) -> None:
    package = pytest.importorskip("llama_index.embeddings.huggingface_api")
    make = partial(
        package.HuggingFaceInferenceAPIEmbedding,
        model_name=f"{url}/models/embed",
        token="any",
        query_instruction="",
        text_instruction="",
    )
    embedded(make, local("embed").embed(TEXTS, normalize=True))


def reranked(made: Any, local: Local) -> None:
    """Compare a reranker's order and scores."""
    schema = pytest.importorskip("llama_index.core.schema")
    nodes = [schema.NodeWithScore(node=schema.TextNode(text=text), score=0.0) for text in TEXTS]
    found = made.postprocess_nodes(nodes, schema.QueryBundle(QUERY))
    assert [(TEXTS.index(one.node.text), one.score) for one in found] == ranked(local)


def test_reranking_as_text_embeddings_inference_does(url: str, local: Local) -> None:
    package = pytest.importorskip("llama_index.postprocessor.tei_rerank")
    reranked(package.TextEmbeddingInference(base_url=url, top_n=3), local)


def test_reranking_as_cohere_does(url: str, local: Local) -> None:
    package = pytest.importorskip("llama_index.postprocessor.cohere_rerank")
    reranked(package.CohereRerank(base_url=url, api_key="any", model="rank", top_n=3), local)
