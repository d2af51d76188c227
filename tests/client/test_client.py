"""A server's models answer as local ones, to the last bit."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from bertie.client import AsyncClient, Client
from bertie.errors import (
    DeadlineExceeded,
    InputError,
    ServerError,
    TaskError,
    TruncationWarning,
    UnknownModel,
)
from tests.server.running import LABELS

TEXTS = ["the old bridge", "", "who reads the book, at night?"]
MASKED = ["the [MASK] bridge", "[MASK] reads a [MASK]"]

# A call for each method: the model, the method, its arguments and options.
CALLS: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = [
    ("embed", "embed", ("the old bridge",), {}),
    ("embed", "embed", (TEXTS,), {"normalize": True, "prompt": "query: "}),
    ("embed", "embed", (TEXTS,), {"output": "float16"}),
    ("embed", "embed", ([["the", "old"], ["bridge"]],), {"split_words": True}),
    ("classify", "classify", ("the old bridge",), {}),
    ("classify", "classify", ([("a", "b"), "c"],), {"raw": True, "top_k": 1}),
    ("nli", "zero_shot", (TEXTS, ["stone", "song"]), {"multi_label": True}),
    ("rank", "rank", ("the bridge", TEXTS), {"top_k": 2}),
    ("rank", "score", ([("the bridge", text) for text in TEXTS],), {"raw": True}),
    ("tag", "tag", (TEXTS,), {"ignore": ()}),
    ("tag", "tag", ("the old bridge",), {"aggregation": "none", "ignore": []}),
    ("answer", "answer", ("who reads?", TEXTS), {}),
    ("answer", "answer", ("who reads?", TEXTS[2]), {"top_k": 3, "no_answer": True}),
    ("fill", "fill", (MASKED,), {"top_k": 3}),
    ("next", "next_sentence", ("the bridge", TEXTS), {}),
    ("next", "next_sentence", ("the bridge", "of stone"), {"truncate": "left"}),
    ("sparse", "embed_sparse", (TEXTS,), {"top_k": 5}),
    ("sparse", "embed_sparse", ("the old bridge",), {"truncate": "window"}),
    ("sparse", "embed_sparse", ([["the", "old"], ["bridge"]],), {"split_words": True}),
    ("colbert", "embed_multi", (TEXTS,), {"kind": "query"}),
    ("colbert", "embed_multi", (TEXTS,), {"kind": "document", "truncate": "left"}),
    ("colbert", "embed_multi", ("the old bridge",), {}),
    ("colbert", "rank_multi", ("the bridge", TEXTS), {"top_k": 2}),
    ("classify", "classify", ([(["a"], ["b"]), ["c"]],), {"split_words": True}),
    ("rank", "rank", (["the"], [["old", "bridge"], ["dog"]]), {"split_words": True}),
    ("rank", "score", ([(["the"], ["old", "bridge"])],), {"split_words": True}),
    ("next", "next_sentence", (["the"], [["old", "bridge"], ["dog"]]), {"split_words": True}),
]


def same(found: Any, expected: Any) -> None:
    """Compare two answers: their types, and their numbers to the last bit."""
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes()
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    elif hasattr(expected, "to_dict"):
        assert found.to_dict() == expected.to_dict()
    else:
        assert found == expected


@pytest.mark.parametrize(("model", "method", "args", "options"), CALLS)
def test_a_servers_answer_is_the_librarys(
    everything: Any,
    local: Callable[[str], Any],
    model: str,
    method: str,
    args: tuple[Any, ...],
    options: dict[str, Any],
) -> None:
    expected = getattr(local(model), method)(*args, **options)
    with Client(everything.url, model=model) as client:
        same(getattr(client, method)(*args, **options), expected)

    async def awaited() -> Any:
        async with AsyncClient(everything.url, model=model) as remote:
            return await getattr(remote, method)(*args, **options)

    same(asyncio.run(awaited()), expected)


def test_tokens_have_their_vectors(everything: Any, local: Callable[[str], Any]) -> None:
    with Client(everything.url, model="embed") as client:
        for one, other in zip(
            client.embed_tokens(TEXTS), local("embed").embed_tokens(TEXTS), strict=True
        ):
            assert (one.tokens, one.offsets) == (other.tokens, other.offsets)
            same(one.vectors, other.vectors)


def test_a_stream_of_many_is_answered_in_order(
    everything: Any, local: Callable[[str], Any]
) -> None:
    texts = [TEXTS[i % 3] + str(i % 7) for i in range(600)]
    expected = local("embed").embed(texts)
    with Client(everything.url, model="embed") as client:
        same(np.stack(list(client.embed_stream(iter(texts)))), expected)
    pairs = [("who?", text) for text in TEXTS]
    with Client(everything.url, model="answer") as client:
        same(list(client.answer_stream(pairs)), list(local("answer").answer_stream(pairs)))
        with pytest.raises(InputError, match="pairs is of type str"):
            client.answer_stream("who?")

    async def awaited() -> list[Any]:
        async with AsyncClient(everything.url, model="embed") as remote:
            return [vector async for vector in remote.embed_stream(texts)]

    same(np.stack(asyncio.run(awaited())), expected)


def test_a_model_is_described_as_it_describes_itself(
    everything: Any, local: Callable[[str], Any]
) -> None:
    with Client(everything.url, model="classify") as client:
        assert {one["id"] for one in client.models()} == set(everything.sources)
        found, expected = client.info(), local("classify").info()
        assert (found.task, tuple(found.settings["labels"].value)) == ("classify", tuple(LABELS))
        assert found.parameters == expected.parameters
    with Client(everything.url, model="embed") as client:
        assert client.dimensions == local("embed").dimensions


def test_a_sparse_vectors_tokens_are_named(everything: Any, local: Callable[[str], Any]) -> None:
    with Client(everything.url, model="sparse") as client:
        vector = client.embed_sparse("the old bridge", top_k=4)
        expected = local("sparse").tokens(vector)
        assert [weight for _, weight in client.tokens(vector)] == [w for _, w in expected]
        assert len(client.tokens(vector)) == 4


def test_errors_are_the_librarys(everything: Any) -> None:
    with Client(everything.url, model="embed") as client:
        with pytest.raises(InputError, match="prompt"):
            client.embed("a", prompt_name="nothing")
        with pytest.raises(TaskError, match="'tag'"):
            client.tag("a")
        with pytest.raises(InputError):
            client.embed("word " * 3000, truncate="error")
    with (
        Client(everything.url, model="nothing") as client,
        pytest.raises(UnknownModel, match="nothing"),
    ):
        client.embed("a")
    with (
        Client("http://127.0.0.1:1") as client,
        pytest.raises(ServerError, match="can't be reached"),
    ):
        client.embed("a")


def test_what_a_server_leaves_out_is_warned_of(everything: Any) -> None:
    with Client(everything.url, model="embed") as client:
        with pytest.warns(TruncationWarning, match="1 of 2 texts had more tokens") as caught:
            client.embed(["a", "word " * 3000])
        assert caught[0].filename == __file__


@contextmanager
def answering(*statuses: int) -> Any:
    """Run what answers each request by the next of these statuses. Gives its URL, and requests."""
    left, seen = list(statuses), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            seen.append(dict(self.headers))
            status = left.pop(0)
            body = b'{"answers": ["AACAPw=="], "work": {"tokens": [3], "truncated": [0]}}'
            self.send_response(status)
            self.send_header("retry-after", "0")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", seen
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def test_a_busy_server_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTIE_KEY", "secret")
    with answering(429, 503, 200) as (url, seen), Client(url, timeout=9, priority=2) as client:
        assert client.embed("a").tolist() == [1.0]
    assert len(seen) == 3
    named = {name.lower(): value for name, value in seen[0].items()}
    assert named["authorization"] == "Bearer secret"
    assert (named["x-timeout-ms"], named["x-priority"]) == ("9000", "2")
    with (
        answering(504) as (url, _),
        Client(url) as client,
        pytest.raises(DeadlineExceeded, match="504"),
    ):
        client.embed("a")
