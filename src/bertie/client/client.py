"""A server's models as if they were here: the same methods, and the same records back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from functools import cached_property, update_wrapper
from itertools import islice
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from bertie.calls.prefetching import prefetch
from bertie.client.connection import Connection, warn_truncated
from bertie.client.methods import REMOTE_METHODS
from bertie.client.request import Exchange, Request, Sleep
from bertie.client.response import Response
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


def _blocking(
    local: Callable[Concatenate[Any, P], R],
) -> Callable[Concatenate["Client", P], R]:
    """Make a method that has the server do what the local one does."""
    remote = REMOTE_METHODS[local.__name__]

    def method(self: "Client", /, *args: P.args, **named: P.kwargs) -> Any:
        body, single = remote.body(args, named)
        response = self._run(self._call_method(remote, body))
        warn_truncated(response["work"]["truncated"], stacklevel=2)
        return remote.read_answers(response, body, single)

    update_wrapper(method, local)
    return method


def _awaitable(
    local: Callable[Concatenate[Any, P], R],
) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, R]]:
    """Make the same, awaited."""
    remote = REMOTE_METHODS[local.__name__]

    async def method(self: "AsyncClient", /, *args: P.args, **named: P.kwargs) -> Any:
        body, single = remote.body(args, named)
        response = await self._run(self._call_method(remote, body))
        warn_truncated(response["work"]["truncated"], stacklevel=2)
        return remote.read_answers(response, body, single)

    update_wrapper(method, local)
    return method


def _streaming(
    local: Callable[Concatenate[Any, P], Iterator[R]],
) -> Callable[Concatenate["Client", P], Iterator[R]]:
    """Make a method for any number of inputs; a request is prepared while another is answered."""
    remote = REMOTE_METHODS[local.__name__.removesuffix("_stream")]

    def method(self: "Client", /, *args: P.args, **named: P.kwargs) -> Any:
        inputs, options = remote.split_stream(local, args, named)
        left_out: list[int] = []

        def answers(chunk: list[Any]) -> Any:
            body, _ = remote.body(remote.spread(chunk), options)
            response = self._run(self._call_method(remote, body))
            left_out.extend(response["work"]["truncated"])
            return remote.read_answers(response, body, False)

        def stream() -> Iterator[Any]:
            for some in prefetch(_chunks(inputs), list, answers):
                yield from some
            warn_truncated(left_out, stacklevel=2)

        return stream()

    update_wrapper(method, local)
    return method


def _streaming_async(
    local: Callable[Concatenate[Any, P], Iterator[R]],
) -> Callable[Concatenate["AsyncClient", P], AsyncIterator[R]]:
    """Make the same, iterated over with `async for`."""
    remote = REMOTE_METHODS[local.__name__.removesuffix("_stream")]

    async def method(self: "AsyncClient", /, *args: P.args, **named: P.kwargs) -> Any:
        inputs, options = remote.split_stream(local, args, named)
        left_out: list[int] = []
        for chunk in _chunks(inputs):
            body, _ = remote.body(remote.spread(chunk), options)
            response = await self._run(self._call_method(remote, body))
            left_out.extend(response["work"]["truncated"])
            for answer in remote.read_answers(response, body, False):
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

    embed = _blocking(Embedder.embed)
    embed_stream = _streaming(Embedder.embed_stream)
    embed_tokens = _blocking(Embedder.embed_tokens)
    classify = _blocking(Classifier.classify)
    classify_stream = _streaming(Classifier.classify_stream)
    zero_shot = _blocking(ZeroShotClassifier.zero_shot)
    zero_shot_stream = _streaming(ZeroShotClassifier.zero_shot_stream)
    rank = _blocking(Reranker.rank)
    score = _blocking(Reranker.score)
    score_stream = _streaming(Reranker.score_stream)
    tag = _blocking(Tagger.tag)
    tag_stream = _streaming(Tagger.tag_stream)
    answer = _blocking(Reader.answer)
    answer_stream = _streaming(Reader.answer_stream)
    fill = _blocking(Filler.fill)
    fill_stream = _streaming(Filler.fill_stream)
    next_sentence = _blocking(PairModel.next_sentence)
    next_sentence_stream = _streaming(PairModel.next_sentence_stream)
    embed_sparse = _blocking(SparseEmbedder.embed_sparse)
    embed_sparse_stream = _streaming(SparseEmbedder.embed_sparse_stream)
    embed_multi = _blocking(MultiVectorEmbedder.embed_multi)
    embed_multi_stream = _streaming(MultiVectorEmbedder.embed_multi_stream)
    rank_multi = _blocking(MultiVectorEmbedder.rank_multi)

    def info(self) -> ModelInfo:
        """Describe the model."""
        described: ModelInfo = self._run(self._fetch_info())
        return described

    @cached_property
    def dimensions(self) -> int | None:
        """Floats in one vector; None where the model's task gives none."""
        return self.info().dimensions

    def models(self) -> list[dict[str, Any]]:
        """List the server's models, each with its id and task."""
        listed: list[dict[str, Any]] = self._run(self._list_models())
        return listed

    def tokens(self, vector: SparseVector) -> list[tuple[str, float]]:
        """Name a sparse vector's tokens with their weights, the largest first."""
        order = (-vector.weights).argsort(kind="stable")
        names = self._run(self._decode_ids(vector.indices[order].tolist()))
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

    def _run(self, exchange: Exchange) -> Any:
        """Do what an exchange says, until it ends."""
        response: Response | None = None
        while True:
            try:
                step = exchange.send(response)
            except StopIteration as end:
                return end.value
            if isinstance(step, Sleep):
                time.sleep(step.seconds)
                response = None
            else:
                response = self._send(step)

    def _send(self, request: Request) -> Response:
        """Send one request."""
        try:
            response = self._http.request(request.method, request.path, json=request.body)
        except httpx.HTTPError as error:
            raise _connection_error(self.url, error) from error
        return _read_response(response)


class AsyncClient(Connection):
    """The same as Client, awaited; its streams are iterated over with `async for`."""

    embed = _awaitable(Embedder.embed)
    embed_stream = _streaming_async(Embedder.embed_stream)
    embed_tokens = _awaitable(Embedder.embed_tokens)
    classify = _awaitable(Classifier.classify)
    classify_stream = _streaming_async(Classifier.classify_stream)
    zero_shot = _awaitable(ZeroShotClassifier.zero_shot)
    zero_shot_stream = _streaming_async(ZeroShotClassifier.zero_shot_stream)
    rank = _awaitable(Reranker.rank)
    score = _awaitable(Reranker.score)
    score_stream = _streaming_async(Reranker.score_stream)
    tag = _awaitable(Tagger.tag)
    tag_stream = _streaming_async(Tagger.tag_stream)
    answer = _awaitable(Reader.answer)
    answer_stream = _streaming_async(Reader.answer_stream)
    fill = _awaitable(Filler.fill)
    fill_stream = _streaming_async(Filler.fill_stream)
    next_sentence = _awaitable(PairModel.next_sentence)
    next_sentence_stream = _streaming_async(PairModel.next_sentence_stream)
    embed_sparse = _awaitable(SparseEmbedder.embed_sparse)
    embed_sparse_stream = _streaming_async(SparseEmbedder.embed_sparse_stream)
    embed_multi = _awaitable(MultiVectorEmbedder.embed_multi)
    embed_multi_stream = _streaming_async(MultiVectorEmbedder.embed_multi_stream)
    rank_multi = _awaitable(MultiVectorEmbedder.rank_multi)

    async def info(self) -> ModelInfo:
        """Describe the model."""
        described: ModelInfo = await self._run(self._fetch_info())
        return described

    async def models(self) -> list[dict[str, Any]]:
        """List the server's models, each with its id and task."""
        listed: list[dict[str, Any]] = await self._run(self._list_models())
        return listed

    async def tokens(self, vector: SparseVector) -> list[tuple[str, float]]:
        """Name a sparse vector's tokens with their weights, the largest first."""
        order = (-vector.weights).argsort(kind="stable")
        names = await self._run(self._decode_ids(vector.indices[order].tolist()))
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

    async def _run(self, exchange: Exchange) -> Any:
        """Do what an exchange says, until it ends."""
        response: Response | None = None
        while True:
            try:
                step = exchange.send(response)
            except StopIteration as end:
                return end.value
            if isinstance(step, Sleep):
                await asyncio.sleep(step.seconds)
                response = None
            else:
                response = await self._send(step)

    async def _send(self, request: Request) -> Response:
        """Send one request."""
        try:
            response = await self._http.request(request.method, request.path, json=request.body)
        except httpx.HTTPError as error:
            raise _connection_error(self.url, error) from error
        return _read_response(response)


def _read_response(response: httpx.Response) -> Response:
    """Read a response."""
    try:
        body = response.json()
    except ValueError:
        body = None
    return Response(response.status_code, response.headers, body, response.reason_phrase)


def _connection_error(url: str, error: httpx.HTTPError) -> ServerError:
    """Say why there is no response."""
    if isinstance(error, httpx.TimeoutException):
        return DeadlineExceeded(f"{url} didn't answer in time: {type(error).__name__}")
    why = str(error) or type(error).__name__
    return ServerError(f"{url} can't be reached: {why}; is the server running there?")
