"""The methods of local models as requests."""

import inspect
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.client import AsyncClient, Client
from bertie.client.methods import REMOTE_METHODS
from bertie.errors import InputError
from bertie.tasks.answer import Answer
from bertie.tasks.table import TASK_OF_METHOD


def body(name: str, *args: Any, **named: Any) -> dict[str, Any]:
    return REMOTE_METHODS[name].body(args, named)[0]


def test_every_tasks_method_can_be_asked_for_with_the_local_ones_arguments() -> None:
    assert set(TASK_OF_METHOD) <= set(REMOTE_METHODS)
    for name, remote in REMOTE_METHODS.items():
        for client in (Client, AsyncClient):
            assert inspect.signature(getattr(client, name)) == inspect.signature(remote.local)


def test_only_what_the_caller_says_is_sent() -> None:
    assert body("tag", ["a"]) == {"inputs": ["a"]}
    assert body("tag", "a", aggregation="max", ignore=("O", "PER")) == {
        "inputs": ["a"],
        "aggregation": "max",
        "ignore": ["O", "PER"],
    }
    with pytest.raises(TypeError, match="agregation"):
        body("tag", "a", agregation="max")


def test_a_question_goes_with_every_context_as_in_the_library() -> None:
    assert body("answer", "who?", ["one", "two"]) == {"inputs": [("who?", "one"), ("who?", "two")]}
    assert REMOTE_METHODS["answer"].body(("who?", "one"), {}) == (
        {"inputs": [("who?", "one")]},
        True,
    )
    with pytest.raises(InputError, match="questions has 2 texts and contexts 3"):
        body("answer", ["a", "b"], ["1", "2", "3"])


def test_inputs_that_are_no_texts_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(InputError, match="text 1 is int 7"):
        body("embed", ["a", 7])
    with pytest.raises(InputError, match="text 0 stands alone"):
        body("score", ["a"])
    with pytest.raises(InputError, match="documents is one text"):
        body("rank", "a", "b")
    with pytest.raises(InputError, match="url is 'localhost'"):
        Client("localhost")


def test_answers_come_back_as_the_librarys_own_records() -> None:
    given = {"text": "b", "score": 0.5, "start": 2, "end": 3}
    response = {"answers": [[given]]}
    remote = REMOTE_METHODS["answer"]
    request_body, single = remote.body(("who?", "a b"), {})
    assert remote.read_answers(response, request_body, single) == Answer("b", 0.5, 2, 3)
    request_body, single = remote.body(("who?", ["a b"]), {"top_k": 2})
    assert remote.read_answers(response, request_body, single) == [[Answer("b", 0.5, 2, 3)]]


def test_vectors_come_back_in_the_type_that_was_asked_for() -> None:
    remote = REMOTE_METHODS["embed"]
    request_body, single = remote.body(("a",), {"output": "int8"})
    vector = remote.read_answers({"answers": ["AACAPwAAAMA="]}, request_body, single)
    assert vector.dtype == np.int8
    assert vector.tolist() == [1, -2]
    request_body, single = remote.body((["a"],), {})
    assert (
        remote.read_answers({"answers": ["AACAPwAAAMA="]}, request_body, single).dtype == np.float32
    )


def test_clients_are_public() -> None:
    assert bertie.Client is Client
    assert bertie.AsyncClient is AsyncClient
