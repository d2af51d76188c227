"""The table of calls says of the methods what is so."""

import inspect
from importlib import import_module

import pytest

from bertie.tasks.calls import CALLS
from bertie.tasks.model import Model
from bertie.tasks.table import TASKS


def class_of(task: str) -> type[Model]:
    """Find the class of a task's models."""
    home = import_module(f"bertie.tasks.{task}")
    (found,) = (
        one
        for one in vars(home).values()
        if isinstance(one, type) and issubclass(one, Model) and one.task == task
    )
    return found


@pytest.mark.parametrize("call", CALLS)
def test_a_rule_says_what_its_method_says(call: str) -> None:
    rule = CALLS[call]
    assert rule.task in TASKS
    parameters = inspect.signature(getattr(class_of(rule.task), rule.method)).parameters
    if not rule.tensors:
        assert rule.truncate == parameters["truncate"].default
    assert rule.prompted == ("prompt" in parameters and not rule.tensors)
    assert rule.token_ids == ("token_ids" in parameters and not rule.tensors)
    assert rule.crossed == ("hypothesis" in parameters)
    assert {name for name, _ in rule.probe_options} <= set(parameters)
