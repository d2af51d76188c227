"""A server's models as if they were here: the same methods, and the same records back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from functools import cached_property, update_wrapper
from itertools import islice
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from bertie.calls.prefetching import prefetch
from bertie.client.calls import CALLS
from bertie.client.connection import Connection, warn_truncated
from bertie.client.conversation import Pause, Request, Talk
from bertie.client.exchange import Reply
from bertie.errors import DeadlineExceeded, ExtraMissing, ServerError
from bertie.tasks.answer import Reader
from bertie.tasks.classify import Classifier
from bertie.tasks.embed import Embedder
from bertie.tasks.fill import Filler
from bertie.tasks.info import ModelInfo
from bertie.tasks.multivector import MultiVectorEmbedder
from bertie.tasks.next_sentence import PairModel
from bertie.tasks.rank import Reranker
from bertie.tasks.sparse import SparseEmbedder, SparseVector
from bertie.tasks.tag import Tagger
from bertie.tasks.zero_shot import ZeroShotClassifier

try:
    import httpx
except ImportError as error:
    raise ExtraMissing("a client needs httpx: pip install 'bertie[client]'") from error

P = ParamSpec("P")
R = TypeVar("R")

_CHUNK = 256  # inputs of a stream that go in one request


def _at_once(
    local: Callable[Concatenate[Any, P], R],
) -> Callable[Concatenate["Client", P], R]:
    """Make a method that asks the server for what the local one does."""
    call = CALLS[local.__name__]

    def method(self: "Client", /, *args: P.args, **named: P.kwargs) -> Any:
        body, single = call.body(args, named)
        reply = self._run(self._calling(call, body))
        warn_truncated(reply["work"]["truncated"], stacklevel=2)
        return call.answer(reply, body, single)

    update_wrapper(method, local)
    return method


def _awaited(
    local: Callable[Concatenate[Any, P], R],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, R]]:
    """Make the same, awaited."""
    call = CALLS[local.__name__]

    async def method(self: "AsyncClient", /, *args: P.args, **named: P.kwargs) -> Any:
        body, single = call.body(args, named)
        reply = await self._run(self._calling(call, body))
        warn_truncated(reply["work"]["truncated"], stacklevel=2)
        return call.answer(reply, body, single)

    update_wrapper(method, local)
    return method


def _streamed(
    local: Callable[Concatenate[Any, P], Iterator[R]],
) -> Callable[Concatenate["Client", P], Iterator[R]]:
    """Make a method for any number of inputs; a request is prepared while another is answered."""
    call = CALLS[local.__name__.removesuffix("_stream")]

    def method(self: "Client", /, *args: P.args, **named: P.kwargs) -> Any:
        inputs, options = call.streamed(local, args, named)
        left_out: list[int] = []

        def answers(chunk: list[Any]) -> Any:
            body, _ = call.body(call.spread(chunk), options)
            reply = self._run(self._calling(call, body))
            left_out.extend(reply["work"]["truncated"])
            return call.answer(reply, body, False)

        def stream() -> Iterator[Any]:
            for some in prefetch(_chunks(inputs), list, answers):
                yield from some
            warn_truncated(left_out, stacklevel=2)

        return stream()

    update_wrapper(method, local)
    return method


def _streamed_async(
    local: Callable[Concatenate[Any, P], Iterator[R]],
) -> Callable[Concatenate["AsyncClient", P], AsyncIterator[R]]:
    """Make the same, iterated over with `async for`."""
    call = CALLS[local.__name__.removesuffix("_stream")]

    async def method(self: "AsyncClient", /, *args: P.args, **named: P.kwargs) -> Any:
        inputs, options = call.streamed(local, args, named)
        left_out: list[int] = []
        for chunk in _chunks(inputs):
            body, _ = call.body(call.spread(chunk), options)
            reply = await self._run(self._calling(call, body))
            left_out.extend(reply["work"]["truncated"])
            for answer in call.answer(reply, body, False):
                yield answer
        warn_truncated(left_out, stacklevel=2)

    update_wrapper(method, local)
    return method


def _chunks(inputs: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut a stream into lists."""
    source = iter(inputs)
    while chunk := list(islice(source, _CHUNK)):
        yield chunk


class Client(Connection):
    """A server's models, called as local ones are.

    The methods are those of the local models' classes, with the same arguments; which of them a
    server answers depends on the models that it has. Safe to share between threads.

    Raises, beside what the local methods raise: Overloaded, EngineFailed, after all retries;
    DeadlineExceeded; UnknownModel; TaskError: no model there does this; ServerError: the server
    can't be reached, or says something else.
    """

    embed = _at_once(Embedder.embed)
    embed_stream = _streamed(Embedder.embed_stream)
    embed_tokens = _at_once(Embedder.embed_tokens)
    classify = _at_once(Classifier.classify)
    classify_stream = _streamed(Classifier.classify_stream)
    zero_shot = _at_once(ZeroShotClassifier.zero_shot)
    zero_shot_stream = _streamed(ZeroShotClassifier.zero_shot_stream)
    rank = _at_once(Reranker.rank)
    score = _at_once(Reranker.score)
    score_stream = _streamed(Reranker.score_stream)
    tag = _at_once(Tagger.tag)
    tag_stream = _streamed(Tagger.tag_stream)
    answer = _at_once(Reader.answer)
    answer_stream = _streamed(Reader.answer_stream)
    fill = _at_once(Filler.fill)
    fill_stream = _streamed(Filler.fill_stream)
    next_sentence = _at_once(PairModel.next_sentence)
    next_sentence_stream = _streamed(PairModel.next_sentence_stream)
    embed_sparse = _at_once(SparseEmbedder.embed_sparse)
    embed_sparse_stream = _streamed(SparseEmbedder.embed_sparse_stream)
    embed_multi = _at_once(MultiVectorEmbedder.embed_multi)
    embed_multi_stream = _streamed(MultiVectorEmbedder.embed_multi_stream)
    rank_multi = _at_once(MultiVectorEmbedder.rank_multi)

    def info(self) -> ModelInfo:
        """Describe the model."""
        described: ModelInfo = self._run(self._describing())
        return described

    @cached_property
    def dimensions(self) -> int | None:
        """Floats in one vector; None where the model's task gives none."""
        return self.info().dimensions

    def models(self) -> list[dict[str, Any]]:
        """List the server's models, each with its id and task."""
        listed: list[dict[str, Any]] = self._run(self._listing())
        return listed

    def tokens(self, vector: SparseVector) -> list[tuple[str, float]]:
        """Name a sparse vector's tokens with their weights, the largest first."""
        order = (-vector.weights).argsort(kind="stable")
        names = self._run(self._naming(vector.indices[order].tolist()))
        return list(zip(names, vector.weights[order].tolist(), strict=True))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def _http(self) -> httpx.Client:
        return httpx.Client(**self._transport)

    def _run(self, talk: Talk) -> Any:
        """Do what a conversation says, until it ends."""
        reply: Reply | None = None
        while True:
            try:
                step = talk.send(reply)
            except StopIteration as end:
                return end.value
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                reply = None
            else:
                reply = self._sent(step)

    def _sent(self, request: Request) -> Reply:
        """Send one request."""
        try:
            response = self._http.request(request.method, request.path, json=request.body)
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from error
        return _reply(response)


class AsyncClient(Connection):
    """The same as Client, awaited; its streams are iterated over with `async for`."""

    embed = _awaited(Embedder.embed)
    embed_stream = _streamed_async(Embedder.embed_stream)
    embed_tokens = _awaited(Embedder.embed_tokens)
    classify = _awaited(Classifier.classify)
    classify_stream = _streamed_async(Classifier.classify_stream)
    zero_shot = _awaited(ZeroShotClassifier.zero_shot)
    zero_shot_stream = _streamed_async(ZeroShotClassifier.zero_shot_stream)
    rank = _awaited(Reranker.rank)
    score = _awaited(Reranker.score)
    score_stream = _streamed_async(Reranker.score_stream)
    tag = _awaited(Tagger.tag)
    tag_stream = _streamed_async(Tagger.tag_stream)
    answer = _awaited(Reader.answer)
    answer_stream = _streamed_async(Reader.answer_stream)
    fill = _awaited(Filler.fill)
    fill_stream = _streamed_async(Filler.fill_stream)
    next_sentence = _awaited(PairModel.next_sentence)
    next_sentence_stream = _streamed_async(PairModel.next_sentence_stream)
    embed_sparse = _awaited(SparseEmbedder.embed_sparse)
    embed_sparse_stream = _streamed_async(SparseEmbedder.embed_sparse_stream)
    embed_multi = _awaited(MultiVectorEmbedder.embed_multi)
    embed_multi_stream = _streamed_async(MultiVectorEmbedder.embed_multi_stream)
    rank_multi = _awaited(MultiVectorEmbedder.rank_multi)

    async def info(self) -> ModelInfo:
        """Describe the model."""
        described: ModelInfo = await self._run(self._describing())
        return described

    async def models(self) -> list[dict[str, Any]]:
        """List the server's models, each with its id and task."""
        listed: list[dict[str, Any]] = await self._run(self._listing())
        return listed

    async def tokens(self, vector: SparseVector) -> list[tuple[str, float]]:
        """Name a sparse vector's tokens with their weights, the largest first."""
        order = (-vector.weights).argsort(kind="stable")
        names = await self._run(self._naming(vector.indices[order].tolist()))
        return list(zip(names, vector.weights[order].tolist(), strict=True))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(**self._transport)

    async def _run(self, talk: Talk) -> Any:
        """Do what a conversation says, until it ends."""
        reply: Reply | None = None
        while True:
            try:
                step = talk.send(reply)
            except StopIteration as end:
                return end.value
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                reply = None
            else:
                reply = await self._sent(step)

    async def _sent(self, request: Request) -> Reply:
        """Send one request."""
        try:
            response = await self._http.request(request.method, request.path, json=request.body)
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from error
        return _reply(response)


def _reply(response: httpx.Response) -> Reply:
    """Read a response."""
    try:
        body = response.json()
    except ValueError:
        body = None
    return Reply(response.status_code, response.headers, body, response.reason_phrase)


def _unreachable(url: str, error: httpx.HTTPError) -> ServerError:
    """Say why there is no response."""
    if isinstance(error, httpx.TimeoutException):
        return DeadlineExceeded(f"{url} didn't answer in time: {type(error).__name__}")
    why = str(error) or type(error).__name__
    return ServerError(f"{url} can't be reached: {why}; is the server running there?")
