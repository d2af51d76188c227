"""A request is admitted whole or not at all."""

import pytest

from bertie.errors import InputError, Overloaded
from bertie.server.scheduling.admission import Admission, Usage
from bertie.server.settings import SchedulingSettings


def admit(admission: Admission, inputs: int = 1, characters: int = 1) -> Usage:
    """Admit a request."""
    usage = Usage()
    admission.admit(usage, inputs, characters, 0)
    return usage


LIMITS = SchedulingSettings(
    queue_requests=3, queue_inputs=10, queue_characters=100, queue_tokens=50
)


@pytest.mark.parametrize(
    ("inputs", "characters", "name"), [(5, 10, "inputs"), (1, 60, "characters")]
)
def test_what_does_not_fit_is_refused_and_holds_nothing(
    inputs: int, characters: int, name: str
) -> None:
    admission = Admission(LIMITS)
    usage = admit(admission, 6, 50)
    with pytest.raises(Overloaded, match=f"{name} are waiting") as refused:
        admit(admission, inputs, characters)
    assert refused.value.retry_after >= 1
    assert admission.usage == Usage(1, 6, 50, 0)
    admission.release(usage)
    admit(admission, inputs, characters)


def test_tokens_are_checked_when_they_are_known() -> None:
    admission = Admission(LIMITS)
    first, second = admit(admission, 1, 1), admit(admission, 1, 1)
    admission.admit_tokens(first, 40, 10)
    with pytest.raises(Overloaded, match="40 tokens are waiting") as refused:
        admission.admit_tokens(second, 20, 10)
    assert refused.value.retry_after == pytest.approx(4)
    assert second.tokens == 0
    admission.release(first)
    admission.release(second)
    assert admission.usage == Usage()


def test_what_would_wait_too_long_is_refused_however_little_it_is() -> None:
    admission = Admission(SchedulingSettings(queue_s=2))
    first, second = admit(admission, 1, 1), admit(admission, 1, 1)
    admission.admit_tokens(first, 1000, 100)  # alone it is let in, however long it takes
    with pytest.raises(Overloaded, match=r"takes 10\.0 seconds to compute") as refused:
        admission.admit_tokens(second, 1, 100)
    assert refused.value.retry_after == pytest.approx(10)
    admission.admit_tokens(second, 1, 1000)


def test_what_can_never_fit_is_the_callers_error() -> None:
    with pytest.raises(InputError, match="has 11 inputs, expected at most 10"):
        admit(Admission(LIMITS), 11)


def test_requests_are_counted() -> None:
    admission = Admission(LIMITS)
    for _ in range(3):
        admit(admission, 1, 1)
    with pytest.raises(Overloaded, match="3 requests are waiting"):
        admit(admission, 1, 1)


def test_nothing_is_admitted_once_it_is_closed() -> None:
    admission = Admission(LIMITS)
    admission.closed = True
    with pytest.raises(Overloaded, match="the server is stopping"):
        admit(admission, 1, 1)
