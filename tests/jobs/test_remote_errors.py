"""Errors of other machines are raised here as what they are."""

import pytest

from bertie.errors import InputError
from bertie.jobs.remote_errors import unwrapped_errors


def test_an_error_of_ours_is_told_from_the_text_of_a_traceback() -> None:
    said = "Traceback (most recent call last):\n  File …\nbertie.errors.InputError: no room\n\tat x"
    with pytest.raises(InputError, match=r"^no room$"), unwrapped_errors():
        raise RuntimeError(said)


@pytest.mark.parametrize("said", ["bertie.errors.Unheard: x", "bertie.errors._OURS: x", "x"])
def test_other_errors_stay_what_they_are(said: str) -> None:
    with pytest.raises(RuntimeError, match=said), unwrapped_errors():
        raise RuntimeError(said)
