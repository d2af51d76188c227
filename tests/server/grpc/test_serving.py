"""A client of tei.v1 is answered what the library gives, by every RPC."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from bertie.calls.probabilities import sigmoid
from bertie.server.grpc import tei_pb2 as pb
from bertie.server.grpc.rpcs import RPCS
from bertie.server.grpc.serving import start
from tests.server.running import Running, running
from tests.timeouts import TIMEOUT

Local = Callable[[str], Any]
Invoke = Callable[..., Any]

TEXTS = ["the old bridge", "who reads"]


def channel_to(up: Running) -> Iterator[grpc.Channel]:
    """Start gRPC beside a server, and connect to it."""
    server, port = up.on_loop(start(up.application.state))
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    up.on_loop(server.stop(0))


@pytest.fixture(scope="module")
def channel(everything: Running) -> Iterator[grpc.Channel]:
    yield from channel_to(everything)


@pytest.fixture(scope="module")
def invoke(channel: grpc.Channel) -> Invoke:
    """Invokes an RPC by its path with a message, and gives the answer."""

    def invoked(path: str, message: Any, response_type: Any, *metadata: tuple[str, str]) -> Any:
        send = channel.unary_unary(
            f"/tei.v1.{path}",
            request_serializer=lambda one: one.SerializeToString(),
            response_deserializer=response_type.FromString,
        )
        return send(message, timeout=TIMEOUT, metadata=metadata)

    return invoked


def streamed(channel: grpc.Channel, path: str, messages: Any, response_type: Any) -> Any:
    """Invoke an RPC that takes a stream and gives one."""
    send = channel.stream_stream(
        f"/tei.v1.{path}",
        request_serializer=lambda one: one.SerializeToString(),
        response_deserializer=response_type.FromString,
    )
    return send(iter(messages), timeout=TIMEOUT)


def test_embed_gives_the_librarys_vectors(invoke: Invoke, local: Local) -> None:
    model = local("embed")
    found = invoke("Embed/Embed", pb.EmbedRequest(inputs=TEXTS[0]), pb.EmbedResponse)
    assert found.embeddings == model.embed(TEXTS[0], normalize=True).tolist()
    assert found.metadata.compute_tokens == len(model.tokenizer.encode(TEXTS[0]).ids)
    assert found.metadata.compute_chars == len(TEXTS[0])
    assert found.metadata.total_time_ns >= found.metadata.inference_time_ns > 0
    raw = pb.EmbedRequest(inputs=TEXTS[0], normalize=False)
    found = invoke("Embed/Embed", raw, pb.EmbedResponse)
    assert found.embeddings == model.embed(TEXTS[0], normalize=False).tolist()
    short = pb.EmbedRequest(inputs=TEXTS[0], dimensions=4)
    assert len(invoke("Embed/Embed", short, pb.EmbedResponse).embeddings) == 4


def test_tokens_and_sparse_vectors_are_the_librarys(invoke: Invoke, local: Local) -> None:
    found = invoke("Embed/EmbedAll", pb.EmbedAllRequest(inputs=TEXTS[0]), pb.EmbedAllResponse)
    rows = np.array([one.embeddings for one in found.token_embeddings], np.float32)
    assert np.array_equal(rows, local("embed").embed_tokens(TEXTS[0]).vectors)
    found = invoke(
        "Embed/EmbedSparse", pb.EmbedSparseRequest(inputs=TEXTS[0]), pb.EmbedSparseResponse
    )
    expected = local("sparse").embed_sparse(TEXTS[0])
    assert [one.index for one in found.sparse_embeddings] == expected.indices.tolist()
    assert [one.value for one in found.sparse_embeddings] == expected.weights.tolist()


def test_predict_gives_labels_of_texts_and_pairs(invoke: Invoke, local: Local) -> None:
    for path, message, given in (
        ("Predict/Predict", pb.PredictRequest(inputs=TEXTS[0]), TEXTS[0]),
        ("Predict/PredictPair", pb.PredictPairRequest(inputs=TEXTS), tuple(TEXTS)),
    ):
        found = invoke(path, message, pb.PredictResponse).predictions
        expected = local("classify").classify(given)
        assert [one.label for one in found] == [one.label for one in expected]
        assert [one.score for one in found] == [np.float32(one.score) for one in expected]


def test_rerank_orders_texts_alone_and_from_a_stream(
    invoke: Invoke, channel: grpc.Channel, local: Local
) -> None:
    pairs = [("old", text) for text in TEXTS]
    scores = sigmoid(local("rank").score(pairs, raw=True))
    order = np.argsort(-scores, kind="stable").tolist()
    request = pb.RerankRequest(query="old", texts=TEXTS, return_text=True)
    found = invoke("Rerank/Rerank", request, pb.RerankResponse).ranks
    assert [one.index for one in found] == order
    assert [one.text for one in found] == [TEXTS[i] for i in order]
    assert [one.score for one in found] == [np.float32(scores[i]) for i in order]
    send = channel.stream_unary(
        "/tei.v1.Rerank/RerankStream",
        request_serializer=pb.RerankStreamRequest.SerializeToString,
        response_deserializer=pb.RerankResponse.FromString,
    )
    messages = [pb.RerankStreamRequest(query="old", text=text) for text in TEXTS]
    ranks = send(iter(messages), timeout=TIMEOUT).ranks
    assert [(one.index, one.score) for one in ranks] == [(one.index, one.score) for one in found]
    assert not any(one.HasField("text") for one in ranks)


def test_tokens_have_places_in_bytes_and_go_back(invoke: Invoke, local: Local) -> None:
    request = pb.EncodeRequest(inputs="Über old", add_special_tokens=True)
    found = invoke("Tokenize/Tokenize", request, pb.EncodeResponse).tokens
    assert [one.id for one in found] == local("embed").tokenizer.encode("Über old").ids
    assert not found[0].HasField("start")
    assert found[-2].stop == len("Über old".encode())
    ids = [one.id for one in found]
    text = invoke(
        "Tokenize/Decode", pb.DecodeRequest(ids=ids, skip_special_tokens=True), pb.DecodeResponse
    )
    assert text.text == local("embed").tokenizer.decode(ids)


def test_a_stream_is_answered_in_order_while_it_is_open(
    channel: grpc.Channel, local: Local
) -> None:
    texts = [f"{text} {n}" for n in range(20) for text in TEXTS]
    messages = (pb.EmbedRequest(inputs=text) for text in texts)
    found = [
        one.embeddings for one in streamed(channel, "Embed/EmbedStream", messages, pb.EmbedResponse)
    ]
    expected = local("embed").embed(texts, normalize=True)
    assert np.array_equal(np.array(found, np.float32), expected)

    heard = threading.Semaphore(1)

    def one_after_another() -> Iterator[Any]:
        for _ in range(3):
            assert heard.acquire(timeout=TIMEOUT)  # what was sent before is answered
            yield pb.EmbedRequest(inputs=TEXTS[0])

    for _ in streamed(channel, "Embed/EmbedStream", one_after_another(), pb.EmbedResponse):
        heard.release()


def test_metadata_names_the_model_and_errors_have_their_status(invoke: Invoke) -> None:
    request = pb.EmbedRequest(inputs="a")
    with pytest.raises(grpc.RpcError) as unknown:
        invoke("Embed/Embed", request, pb.EmbedResponse, ("x-model", "nobody"))
    assert unknown.value.code() == grpc.StatusCode.NOT_FOUND
    assert "nobody" in unknown.value.details()
    with pytest.raises(grpc.RpcError) as wrong:
        invoke("Embed/Embed", request, pb.EmbedResponse, ("x-model", "tag"))
    assert wrong.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    long = pb.EmbedRequest(inputs="old " * 500)
    with pytest.raises(grpc.RpcError) as refused:
        invoke("Embed/Embed", long, pb.EmbedResponse)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as broken:
        invoke("Predict/PredictPair", pb.PredictPairRequest(inputs=["a"]), pb.PredictResponse)
    assert broken.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert invoke("Embed/Embed", request, pb.EmbedResponse, ("x-model", "embed")).embeddings


def code_of(call: Callable[[], Any]) -> grpc.StatusCode:
    """Make a call that fails. Returns: how."""
    with pytest.raises(grpc.RpcError) as refused:
        call()
    code: grpc.StatusCode = refused.value.code()
    return code


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"\x0a\x02\xff\xfe", b"\x0a\x7fcut", b"\x08" + b"\xff" * 20],
    ids=["no field", "utf8", "cut", "endless number"],
)
def test_bytes_that_are_no_message_are_the_callers_error(
    channel: grpc.Channel, data: bytes
) -> None:
    for rpc in RPCS:
        if rpc.name == "Info":  # which has no fields that could be wrong
            continue
        send = channel.unary_unary(f"/tei.v1.{rpc.service}/{rpc.name}")
        call = partial(send, data, timeout=TIMEOUT)
        assert code_of(call) == grpc.StatusCode.INVALID_ARGUMENT, rpc.name
        if rpc.streamed:
            flow = channel.stream_stream(f"/tei.v1.{rpc.service}/{rpc.streamed}")
            call = partial(list, flow(iter([data]), timeout=TIMEOUT))
            assert code_of(call) == grpc.StatusCode.INVALID_ARGUMENT, rpc.streamed
    rank = channel.stream_unary("/tei.v1.Rerank/RerankStream")
    call = partial(rank, iter([data]), timeout=TIMEOUT)
    assert code_of(call) == grpc.StatusCode.INVALID_ARGUMENT


def test_what_is_too_much_or_beyond_the_vocabulary_is_refused(
    invoke: Invoke, channel: grpc.Channel
) -> None:
    many = pb.RerankRequest(query="a", texts=["b"] * 10_000)
    call = partial(invoke, "Rerank/Rerank", many, pb.RerankResponse)
    assert code_of(call) == grpc.StatusCode.INVALID_ARGUMENT
    rank = channel.stream_unary(
        "/tei.v1.Rerank/RerankStream",
        request_serializer=pb.RerankStreamRequest.SerializeToString,
    )
    flow = (pb.RerankStreamRequest(query="a", text="b") for _ in range(10_000))
    call = partial(rank, flow, timeout=TIMEOUT)
    assert code_of(call) == grpc.StatusCode.INVALID_ARGUMENT
    large = pb.EmbedRequest(inputs="a" * 3_000_000)
    call = partial(invoke, "Embed/Embed", large, pb.EmbedResponse)
    assert code_of(call) == grpc.StatusCode.RESOURCE_EXHAUSTED
    beyond = pb.DecodeRequest(ids=[2**31])
    call = partial(invoke, "Tokenize/Decode", beyond, pb.DecodeResponse)
    assert code_of(call) == grpc.StatusCode.INVALID_ARGUMENT
    call = partial(invoke, "Embed/Nothing", beyond, pb.EmbedResponse)
    assert code_of(call) == grpc.StatusCode.UNIMPLEMENTED


def test_time_that_is_over_is_said_whoever_set_it(invoke: Invoke) -> None:
    request = pb.EmbedRequest(inputs="old bridge " * 100_000, truncate=True)
    call = partial(invoke, "Embed/Embed", request, pb.EmbedResponse, ("x-timeout-ms", "1"))
    assert code_of(call) == grpc.StatusCode.DEADLINE_EXCEEDED


def test_health_is_what_an_inference_says_and_reflection_lists_the_services(
    channel: grpc.Channel,
) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    checked = health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)
    assert checked.status == health_pb2.HealthCheckResponse.SERVING
    watched = health.Watch(health_pb2.HealthCheckRequest(service="tei.v1.Embed"), timeout=TIMEOUT)
    assert next(watched).status == health_pb2.HealthCheckResponse.SERVING
    watched.cancel()
    with pytest.raises(grpc.RpcError) as unknown:
        health.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=TIMEOUT)
    assert unknown.value.code() == grpc.StatusCode.NOT_FOUND
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    (listed,) = stub.ServerReflectionInfo(asked, timeout=TIMEOUT)
    names = {one.name for one in listed.list_services_response.service}
    assert {"tei.v1.Embed", "tei.v1.Info", "grpc.health.v1.Health"} <= names


def test_info_says_what_the_default_model_is(invoke: Invoke, local: Local) -> None:
    found = invoke("Info/Info", pb.InfoRequest(), pb.InfoResponse)
    assert found.model_type == pb.MODEL_TYPE_EMBEDDING
    assert found.model_dtype == "float32"
    assert found.max_input_length == local("embed").max_length
    assert not found.HasField("model_sha")


def test_keys_are_asked_for(tiny_sentence: Path) -> None:
    digest = hashlib.sha256(b"secret").hexdigest()
    with running({"m": (tiny_sentence, {})}, api_keys=(f"sha256:{digest}",)) as up:
        for channel in channel_to(up):
            send = channel.unary_unary(
                "/tei.v1.Embed/Embed",
                request_serializer=pb.EmbedRequest.SerializeToString,
                response_deserializer=pb.EmbedResponse.FromString,
            )
            with pytest.raises(grpc.RpcError) as refused:
                send(pb.EmbedRequest(inputs="a"), timeout=TIMEOUT)
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
            key = (("authorization", "Bearer secret"),)
            assert send(pb.EmbedRequest(inputs="a"), timeout=TIMEOUT, metadata=key).embeddings
