"""reference.py against the stored outputs of transformers (float32, scripts/make_fixtures.py)."""

import dataclasses

import numpy as np
import pytest

from bertie import reference


def run(checkpoint, arrays, expected, **changes):
    config = dataclasses.replace(checkpoint.config, **changes)
    return reference.forward(
        config, arrays, expected["ids"], expected["type_ids"], expected["lengths"]
    )


def test_every_layer_equals_transformers(tiny, tiny_arrays, tiny_expected):
    states = run(tiny, tiny_arrays, tiny_expected)
    assert states.shape == tiny_expected["hidden"].shape
    assert np.abs(states - tiny_expected["hidden"]).max() < 1e-5


@pytest.mark.parametrize(
    ("hidden_act", "key"), [("gelu_new", "hidden_gelu_new"), ("relu", "hidden_relu")]
)
def test_other_activations_equal_transformers(tiny, tiny_arrays, tiny_expected, hidden_act, key):
    states = run(tiny, tiny_arrays, tiny_expected, hidden_act=hidden_act)
    assert np.abs(states[-1] - tiny_expected[key]).max() < 1e-5


def test_the_activations_differ_enough_to_tell_them_apart(tiny_expected):
    last = tiny_expected["hidden"][-1]
    assert np.abs(last - tiny_expected["hidden_gelu_new"]).max() > 1e-4
    assert np.abs(last - tiny_expected["hidden_relu"]).max() > 1e-2
