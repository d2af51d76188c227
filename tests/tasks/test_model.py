"""What every loaded model has, whatever its task."""

from pathlib import Path

import pytest

import bertie
from bertie.errors import InputError, TaskError
from bertie.opened import Given
from bertie.tasks.table import TASK_OF_METHOD


def test_an_attribute_that_no_task_has_is_missing_as_usual(bert: Path) -> None:
    model = bertie.load(bert)
    assert isinstance(model, bertie.Model)
    with pytest.raises(AttributeError, match="'Embedder' object has no attribute 'nothing'"):
        model.nothing  # noqa: B018


def test_a_call_of_another_task_says_what_the_checkpoint_has(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TASK_OF_METHOD, "translate", "translate")
    model = bertie.load(bert)
    message = r"translate\(\) is of task 'translate', .* loaded for 'embed'; .* loaded for: embed"
    with pytest.raises(TaskError, match=message):
        model.translate("text")
    assert not hasattr(model, "translate")


def test_a_setting_that_the_task_has_no_use_for_is_refused() -> None:
    Given(max_length=8, pooling="cls").require_only("embed", frozenset({"pooling"}))
    with pytest.raises(InputError, match="pooling: given, but the task 'tag' has no use for it"):
        Given(max_length=8, pooling="cls").require_only("tag", frozenset({"labels"}))
