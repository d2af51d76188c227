"""reference.py against the stored outputs of transformers (float32, scripts/make_fixtures.py)."""

import dataclasses

import numpy as np
import pytest

from bertie.engine import reference


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


def test_distances_fall_into_transformers_buckets():
    torch = pytest.importorskip("torch")
    modeling = pytest.importorskip("transformers.models.mpnet.modeling_mpnet")
    distances = np.arange(-700, 701)
    for buckets in (8, 12, 32, 64):
        expected = modeling.MPNetEncoder.relative_position_bucket(
            torch.tensor(distances), num_buckets=buckets
        )
        found = reference.distance_bucket(distances, buckets)
        assert np.array_equal(found, expected.numpy())


def test_near_distances_have_buckets_of_their_own_and_both_ways_differ():
    found = reference.distance_bucket(np.array([-200, -128, -8, -7, 0, 1, 7, 8, 11, 12, 500]), 32)
    assert found.tolist() == [15, 15, 8, 7, 0, 17, 23, 24, 24, 25, 31]
