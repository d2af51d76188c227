"""Haystack's embedders and rankers."""

from typing import Any

import pytest

from tests.clients.expected import QUERY, TEXTS, Local, ranked, same
from tests.server.running import Running

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def haystack() -> Any:
    return pytest.importorskip("haystack")


@pytest.fixture
def token(haystack: Any) -> Any:
    """A key of no matter."""
    return haystack.utils.Secret.from_token("any")


def vectors(found: Any) -> list[Any]:
    """Take the vectors of documents."""
    return [one.embedding for one in found["documents"]]


def places(found: Any) -> list[tuple[int, float]]:
    """Take the order and the scores of documents."""
    return [(TEXTS.index(one.content), one.score) for one in found["documents"]]


def test_openai(haystack: Any, token: Any, url: str, local: Local) -> None:
    package = pytest.importorskip("haystack.components.embedders")
    options = {"model": "embed", "api_key": token, "api_base_url": f"{url}/v1"}
    documents = [haystack.Document(content=text) for text in TEXTS]
    expected = local("embed").embed(TEXTS)
    made = package.OpenAIDocumentEmbedder(**options, progress_bar=False)
    assert same(vectors(made.run(documents)), expected)
    assert same(package.OpenAITextEmbedder(**options).run(TEXTS[0])["embedding"], expected[0])
    few = package.OpenAITextEmbedder(**options, dimensions=4).run(TEXTS[0])
    assert len(few["embedding"]) == 4


def test_hugging_face(haystack: Any, token: Any, url: str, local: Local) -> None:
    package = pytest.importorskip("haystack_integrations.components.embedders.huggingface_api")
    documents = [haystack.Document(content=text) for text in TEXTS * 20]
    for place in (url, f"{url}/models/embed"):
        for normalize in (True, False):
            options = {
                "api_type": "text_embeddings_inference",
                "api_params": {"url": place},
                "token": token,
                "normalize": normalize,
            }
            expected = local("embed").embed(TEXTS, normalize=normalize)
            made = package.HuggingFaceAPIDocumentEmbedder(**options, progress_bar=False)
            assert same(vectors(made.run(documents))[:3], expected)
            made = package.HuggingFaceAPITextEmbedder(**options)
            assert same(made.run(TEXTS[0])["embedding"], expected[0])


def test_ranking(haystack: Any, token: Any, url: str, local: Local) -> None:
    documents = [haystack.Document(content=text) for text in TEXTS]
    tei = pytest.importorskip("haystack_integrations.components.rankers.huggingface_api")
    made = tei.HuggingFaceTEIRanker(url=url, token=token)
    assert places(made.run(query=QUERY, documents=documents)) == ranked(local)
    cohere = pytest.importorskip("haystack_integrations.components.rankers.cohere")
    made = cohere.CohereRanker(model="rank", api_key=token, api_base_url=url)
    assert places(made.run(query=QUERY, documents=documents)) == ranked(local)


def test_grpc(haystack: Any, token: Any, everything: Running, local: Local) -> None:
    """Haystack finds the methods by reflection."""
    pytest.importorskip("grpc_requests")
    embedders = pytest.importorskip("haystack_integrations.components.embedders.huggingface_api")
    rankers = pytest.importorskip("haystack_integrations.components.rankers.huggingface_api")
    from bertie.server.grpc.serving import start

    server, port = everything.on_loop(start(everything.application.state))
    try:
        place = f"127.0.0.1:{port}"
        documents = [haystack.Document(content=text) for text in TEXTS]
        made = embedders.HuggingFaceAPIDocumentEmbedder(
            api_type="text_embeddings_inference",
            api_params={"url": place},
            token=token,
            normalize=True,
            progress_bar=False,
            use_grpc=True,
        )
        assert same(vectors(made.run(documents)), local("embed").embed(TEXTS, normalize=True))
        ranker = rankers.HuggingFaceTEIRanker(url=place, token=token, use_grpc=True)
        found = places(ranker.run(query=QUERY, documents=documents))
        assert [place for place, _ in found] == [place for place, _ in ranked(local)]
    finally:
        everything.on_loop(server.stop(0))
