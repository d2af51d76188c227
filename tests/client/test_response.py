"""What a response stands for: an answer, an error of a class, or another try."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bertie.client.request import Request, Sleep, send_with_retries
from bertie.client.response import Response
from bertie.errors import (
    BertieError,
    DeadlineExceeded,
    EngineFailed,
    InputError,
    Overloaded,
    ServerError,
    TaskError,
    UnknownModel,
)

REQUEST = Request("POST", "/v1/embed", {"inputs": ["a"]})
FINE = Response(200, {}, {"answers": []})


def failure(status: int, code: str | None = None, **headers: str) -> Response:
    """A response that refuses."""
    body = None if code is None else {"error": {"message": "what was seen", "code": code}}
    return Response(status, headers, body, "Reason")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("invalid", 422, InputError),
        ("malformed", 400, InputError),
        ("wrong_task", 400, TaskError),
        ("model_not_found", 404, UnknownModel),
        ("overloaded", 429, Overloaded),
        ("engine_failed", 503, EngineFailed),
        ("late", 504, DeadlineExceeded),
        ("internal", 500, ServerError),
        ("unauthorized", 401, ServerError),
    ],
)
def test_a_servers_error_is_raised_as_the_class_it_was_there(
    code: str, status: int, kind: type[BertieError]
) -> None:
    with pytest.raises(kind, match="what was seen") as caught:
        failure(status, code).result()
    assert type(caught.value) is kind
    assert FINE.result() == {"answers": []}


def test_what_stands_before_a_server_is_understood_by_its_status() -> None:
    with pytest.raises(EngineFailed, match="503 Reason"):
        failure(503).result()
    with pytest.raises(ServerError, match="502 Reason"):
        Response(502, {}, "<html>", "Reason").result()


def test_retry_after_is_seconds_or_a_date_and_else_doubles() -> None:
    assert failure(429, **{"retry-after": "2.5"}).backoff(3) == 2.5
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert 10 < failure(429, **{"retry-after": soon}).backoff(0) <= 20
    assert failure(429, **{"retry-after": "Thu, 01 Jan 2026 00:00:00 GMT"}).backoff(0) == 0
    assert [failure(503).backoff(n) for n in range(4)] == [0.25, 0.5, 1.0, 2.0]
    with pytest.raises(Overloaded) as caught:
        failure(429, "overloaded", **{"retry-after": "7"}).result()
    assert caught.value.retry_after == 7


def test_a_refused_request_is_sent_again_after_the_time_named() -> None:
    exchange = send_with_retries(REQUEST, retries=2)
    assert next(exchange) == REQUEST
    assert exchange.send(failure(429, "overloaded", **{"retry-after": "3"})) == Sleep(3.0)
    assert exchange.send(None) == REQUEST
    with pytest.raises(StopIteration) as end:
        exchange.send(FINE)
    assert end.value.value == FINE.body


def test_the_last_of_all_tries_says_what_is_wrong() -> None:
    exchange = send_with_retries(REQUEST, retries=1)
    next(exchange)
    assert exchange.send(failure(503, "engine_failed")) == Sleep(0.25)
    next(exchange)
    with pytest.raises(EngineFailed):
        exchange.send(failure(503, "engine_failed"))


@pytest.mark.parametrize("status", [400, 404, 500, 504])
def test_what_would_fail_again_is_not_sent_again(status: int) -> None:
    exchange = send_with_retries(REQUEST, retries=5)
    next(exchange)
    with pytest.raises(BertieError):
        exchange.send(failure(status))


def test_a_wait_of_minutes_is_the_callers_to_decide() -> None:
    exchange = send_with_retries(REQUEST, retries=5)
    next(exchange)
    with pytest.raises(Overloaded):
        exchange.send(failure(429, "overloaded", **{"retry-after": "600"}))
