"""What a response stands for: an answer, an error of a class, or another try."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bertie.client.conversation import Pause, Request, asked
from bertie.client.exchange import Reply
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
FINE = Reply(200, {}, {"answers": []})


def failure(status: int, code: str | None = None, **headers: str) -> Reply:
    """A response that refuses."""
    body = None if code is None else {"error": {"message": "what was seen", "code": code}}
    return Reply(status, headers, body, "Reason")


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
        Reply(502, {}, "<html>", "Reason").result()


def test_retry_after_is_seconds_or_a_date_and_else_doubles() -> None:
    assert failure(429, **{"retry-after": "2.5"}).pause(3) == 2.5
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert 10 < failure(429, **{"retry-after": soon}).pause(0) <= 20
    assert failure(429, **{"retry-after": "Thu, 01 Jan 2026 00:00:00 GMT"}).pause(0) == 0
    assert [failure(503).pause(n) for n in range(4)] == [0.25, 0.5, 1.0, 2.0]
    with pytest.raises(Overloaded) as caught:
        failure(429, "overloaded", **{"retry-after": "7"}).result()
    assert caught.value.retry_after == 7


def test_a_refused_request_is_sent_again_after_the_time_named() -> None:
    talk = asked(REQUEST, retries=2)
    assert next(talk) == REQUEST
    assert talk.send(failure(429, "overloaded", **{"retry-after": "3"})) == Pause(3.0)
    assert talk.send(None) == REQUEST
    with pytest.raises(StopIteration) as end:
        talk.send(FINE)
    assert end.value.value == FINE.body


def test_the_last_of_all_tries_says_what_is_wrong() -> None:
    talk = asked(REQUEST, retries=1)
    next(talk)
    assert talk.send(failure(503, "engine_failed")) == Pause(0.25)
    next(talk)
    with pytest.raises(EngineFailed):
        talk.send(failure(503, "engine_failed"))


@pytest.mark.parametrize("status", [400, 404, 500, 504])
def test_what_would_fail_again_is_not_sent_again(status: int) -> None:
    talk = asked(REQUEST, retries=5)
    next(talk)
    with pytest.raises(BertieError):
        talk.send(failure(status))


def test_a_wait_of_minutes_is_the_callers_to_decide() -> None:
    talk = asked(REQUEST, retries=5)
    next(talk)
    with pytest.raises(Overloaded):
        talk.send(failure(429, "overloaded", **{"retry-after": "600"}))
