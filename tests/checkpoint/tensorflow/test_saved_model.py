"""SavedModels as gobert exports them, against what TensorFlow computes with them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import bertie
from bertie.checkpoint.directory import Checkpoint, require_files
from bertie.checkpoint.shapes import encoder_tensors
from bertie.checkpoint.tensorflow.saved_model import find_saved_model
from bertie.engine.encoder import Encoder
from bertie.errors import CheckpointError, SourceError

from .writing import DATA, expected_states


@pytest.fixture
def embedding(tmp_path: Path) -> Path:
    """A copy of an export of states."""
    return Path(shutil.copytree(DATA / "embedding", tmp_path / "embedding"))


@pytest.mark.parametrize(("name", "activation"), [("embedding", "gelu"), ("tuned", "gelu_new")])
def test_hidden_states_are_tensorflows_by_the_graphs_activation(name: str, activation: str) -> None:
    checkpoint = Checkpoint.open(DATA / name)
    setting = checkpoint.config.setting("hidden_act")
    assert (setting.value, setting.origin) == (activation, "saved_model.pb: hidden_act")
    encoder = Encoder(checkpoint.config, encoder_tensors(checkpoint))
    packed, hidden = expected_states(name)
    assert np.allclose(encoder.forward(*packed), hidden, rtol=0, atol=1e-4)  # float32


def test_the_layer_before_the_last_is_what_goberts_graph_gives() -> None:
    checkpoint = Checkpoint.open(DATA / "embedding")
    encoder = Encoder(checkpoint.config, encoder_tensors(checkpoint))
    packed, expected = expected_states("embedding", "embedding")
    got = encoder.forward(*packed, layers=(-2,))
    assert np.allclose(got, expected, rtol=0, atol=1e-4)  # float32
    assert not np.allclose(encoder.forward(*packed), expected, rtol=0, atol=1e-4)


def test_load_reads_a_saved_model_and_says_which_layer_it_gives(embedding: Path) -> None:
    model = bertie.load(embedding)
    assert model.embed("the river bank.").shape == (12,)
    notes = " ".join(model.info().notes)
    assert "bert-pretrained gives the second-to-last layer; here layers=[-2] does" in notes


def test_a_vocabulary_is_asked_for_where_there_is_none(embedding: Path) -> None:
    (embedding / "vocab.txt").unlink()
    with pytest.raises(
        SourceError, match=r"it lacks tokenizer.json or vocab.txt or .*; it has saved_mo"
    ):
        require_files(embedding)
    model = bertie.load(embedding, vocab=DATA / "release" / "vocab.txt")
    assert model.embed("the river bank.").shape == (12,)


def test_a_fixed_length_is_told() -> None:
    (note,) = Checkpoint.open(DATA / "tuned").notes()
    assert "exported for 10 tokens; here 24 positions are usable: give max_length=10" in note


def test_the_files_are_the_graph_the_index_and_the_shards(embedding: Path) -> None:
    files = find_saved_model(embedding)
    assert files is not None
    assert [path.relative_to(embedding).as_posix() for path in files] == [
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
    ]
    assert find_saved_model(DATA) is None


@pytest.mark.parametrize("harm", ["folder", "index", "all"])
def test_variables_that_are_missing_are_said_so(embedding: Path, harm: str) -> None:
    if harm == "index":
        (embedding / "variables" / "variables.index").unlink()
        match = r"data-00000-of-00001 without an index"
    else:
        shutil.rmtree(embedding / "variables")
        if harm == "all":
            (embedding / "variables").mkdir()
        match = r"has saved_model.pb without variables/variables.index"
    with pytest.raises(CheckpointError, match=match):
        find_saved_model(embedding)


def test_the_callers_config_wins_over_the_graph(embedding: Path) -> None:
    given = Checkpoint.open(embedding, config=DATA / "release" / "bert_config.json").config
    assert given.setting("hidden_size").origin == "caller's bert_config.json: hidden_size"


def test_the_callers_activation_wins_over_the_graph(embedding: Path) -> None:
    given = Checkpoint.open(embedding, activation="relu").config
    assert given.setting("hidden_act").origin == "caller"
