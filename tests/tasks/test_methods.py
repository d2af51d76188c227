"""The table of calls says of the methods what is so."""

import inspect
from importlib import import_module

import pytest

from bertie.server.methods import METHODS
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


@pytest.mark.parametrize("call", METHODS)
def test_a_rule_says_what_its_method_says(call: str) -> None:
    method = METHODS[call]
    assert method.task in TASKS
    parameters = inspect.signature(getattr(class_of(method.task), method.name)).parameters
    if method.count is None:
        assert method.truncate == parameters["truncate"].default
    assert method.prompted == ("prompt" in parameters and method.count is None)
    assert method.token_ids == ("token_ids" in parameters and method.count is None)
    assert method.per_label == ("hypothesis" in parameters)
    assert {name for name, _ in method.probe_options} <= set(parameters)
