"""What several test modules share: the tiny checkpoint, and how property tests run."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from bertie.checkpoint import Checkpoint, encoder_tensors

# No time limit on one example, for CI machines are uneven.
settings.register_profile(
    "bertie", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("bertie")

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def tiny():
    """A random BERT of awkward sizes (scripts/make_fixtures.py)."""
    return Checkpoint.open(DATA / "tiny-bert")


@pytest.fixture(scope="session")
def tiny_tensors(tiny):
    """The tiny checkpoint's encoder tensors, as they lie in its file."""
    return encoder_tensors(tiny)


@pytest.fixture(scope="session")
def tiny_arrays(tiny_tensors):
    """The same as float32 arrays."""
    return {name: tensor.float32() for name, tensor in tiny_tensors.items()}


@pytest.fixture(scope="session")
def tiny_expected():
    """What transformers computes with the tiny checkpoint."""
    with np.load(DATA / "tiny-bert" / "expected.npz") as stored:
        return dict(stored)
