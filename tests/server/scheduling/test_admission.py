"""A request is admitted whole or not at all."""

import pytest

from bertie.errors import InputError, Overloaded
from bertie.server.scheduling.admission import Admission, Held
from bertie.server.settings import EngineSettings


def enter(admission: Admission, inputs: int = 1, characters: int = 1) -> Held:
    """Admit a request."""
    held = Held()
    admission.enter(held, inputs, characters, 0)
    return held


LIMITS = EngineSettings(queue_requests=3, queue_inputs=10, queue_characters=100, queue_tokens=50)


@pytest.mark.parametrize(
    ("inputs", "characters", "name"), [(5, 10, "inputs"), (1, 60, "characters")]
)
def test_what_does_not_fit_is_refused_and_holds_nothing(
    inputs: int, characters: int, name: str
) -> None:
    admission = Admission(LIMITS)
    held = enter(admission, 6, 50)
    with pytest.raises(Overloaded, match=f"{name} are waiting") as refused:
        enter(admission, inputs, characters)
    assert refused.value.retry_after >= 1
    assert admission.held == Held(1, 6, 50, 0)
    admission.leave(held)
    enter(admission, inputs, characters)


def test_tokens_are_checked_when_they_are_known() -> None:
    admission = Admission(LIMITS)
    first, second = enter(admission, 1, 1), enter(admission, 1, 1)
    admission.count(first, 40, 10)
    with pytest.raises(Overloaded, match="40 tokens are waiting") as refused:
        admission.count(second, 20, 10)
    assert refused.value.retry_after == pytest.approx(4)
    assert second.tokens == 0
    admission.leave(first)
    admission.leave(second)
    assert admission.held == Held()


def test_what_would_wait_too_long_is_refused_however_little_it_is() -> None:
    admission = Admission(EngineSettings(queue_s=2))
    first, second = enter(admission, 1, 1), enter(admission, 1, 1)
    admission.count(first, 1000, 100)  # alone it is let in, however long it takes
    with pytest.raises(Overloaded, match=r"takes 10\.0 seconds to compute") as refused:
        admission.count(second, 1, 100)
    assert refused.value.retry_after == pytest.approx(10)
    admission.count(second, 1, 1000)


def test_what_can_never_fit_is_the_callers_error() -> None:
    with pytest.raises(InputError, match="has 11 inputs, expected at most 10"):
        enter(Admission(LIMITS), 11)


def test_requests_are_counted() -> None:
    admission = Admission(LIMITS)
    for _ in range(3):
        enter(admission, 1, 1)
    with pytest.raises(Overloaded, match="3 requests are waiting"):
        enter(admission, 1, 1)


def test_nothing_is_admitted_once_it_is_closed() -> None:
    admission = Admission(LIMITS)
    admission.closed = True
    with pytest.raises(Overloaded, match="the server is stopping"):
        enter(admission, 1, 1)
