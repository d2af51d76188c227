"""Directories with TensorFlow's checkpoints, against what TensorFlow computes with them."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from bertie.checkpoint.directory import Checkpoint, require_files
from bertie.checkpoint.protobuf import Message
from bertie.checkpoint.shapes import encoder_tensors
from bertie.checkpoint.tensorflow.checkpoint import checkpoint_config, find_checkpoint
from bertie.engine.encoder import Encoder
from bertie.errors import CheckpointError, SourceError

from .writing import DATA, expected_states

REAL = Path(__file__).parents[4] / "shared/models/tf1-tiny"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A copy of the release."""
    return Path(shutil.copytree(DATA / "release", tmp_path / "release"))


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A copy of the directory that training a classifier leaves."""
    return Path(shutil.copytree(DATA / "classifier", tmp_path / "trained"))


def name_latest(directory: Path, line: str) -> None:
    (directory / "checkpoint").write_text(f"# written by a test\n{line}\n")


def copy_as(directory: Path, name: str) -> None:
    """Copy model.ckpt-2 under another name."""
    for path in directory.glob("model.ckpt-2.*"):
        shutil.copy(path, directory / path.name.replace("model.ckpt-2", name))


@pytest.mark.parametrize("name", ["release", "classifier"])
def test_hidden_states_are_tensorflows(name: str) -> None:
    checkpoint = Checkpoint.open(DATA / name)
    encoder = Encoder(checkpoint.config, encoder_tensors(checkpoint))
    packed, hidden = expected_states(name)
    assert np.allclose(encoder.forward(*packed), hidden, rtol=0, atol=1e-4)  # float32
    other = Checkpoint.open(DATA / name, activation="gelu_new")
    encoder = Encoder(other.config, encoder_tensors(other))
    assert not np.allclose(encoder.forward(*packed), hidden, rtol=0, atol=1e-4)


def test_a_release_has_its_heads_and_ties(release: Path) -> None:
    require_files(release)
    checkpoint = Checkpoint.open(release)
    assert [path.name for path in checkpoint.files] == [
        "bert_model.ckpt.index",
        "bert_model.ckpt.data-00000-of-00002",
        "bert_model.ckpt.data-00001-of-00002",
    ]
    words = checkpoint.tensors["embeddings.word_embeddings.weight"]
    assert checkpoint.tensors["cls.predictions.decoder.weight"] is words
    assert checkpoint.tensors["cls.seq_relationship.weight"].shape == (2, 12)
    assert "bert/pooler/dense/kernel" in checkpoint.unused(encoder_tensors(checkpoint))


def test_a_trained_directory_is_read_without_config_by_its_graph(trained: Path) -> None:
    checkpoint = Checkpoint.open(trained)
    assert checkpoint.config.setting("num_attention_heads").value == 3
    origin = checkpoint.config.setting("num_attention_heads").origin
    assert origin == "model.ckpt-2.meta: num_attention_heads"
    assert checkpoint.tensors["classifier.weight"].shape == (3, 12)
    assert not any("dam" in name for name in checkpoint.tensors)
    assert checkpoint.notes() == ()


def test_a_trained_directory_without_its_graph_needs_a_config(trained: Path) -> None:
    (trained / "model.ckpt-2.meta").unlink()
    assert checkpoint_config(trained) is None
    with pytest.raises(SourceError, match=r"lacks config.json or bert_config.json, tokenizer.json"):
        require_files(trained)
    require_files(trained, config=False, vocab=False)
    given = Checkpoint.open(trained, config=DATA / "release" / "bert_config.json")
    assert given.config.setting("hidden_act").origin == "caller's bert_config.json: hidden_act"
    assert encoder_tensors(given)


@pytest.mark.parametrize(
    "line",
    [
        'model_checkpoint_path: "model.ckpt-10"',
        'all_model_checkpoint_paths: "model.ckpt-2"\nmodel_checkpoint_path: "model.ckpt-10"',
        'model_checkpoint_path: "/home/ada/my output/model.ckpt-10"',
        'model_checkpoint_path:"gs://bucket/output/model.ckpt-10"',
        r'model_checkpoint_path: "C:\\output\\model.ckpt-10"',
        r'  model_checkpoint_path: "/r\303\251sultats/model.ckpt-10"',
    ],
)
def test_the_latest_is_the_one_that_tensorflow_names(trained: Path, line: str) -> None:
    copy_as(trained, "model.ckpt-10")
    name_latest(trained, line)
    files = find_checkpoint(trained)
    assert files is not None
    assert [path.name for path in files] == [
        "model.ckpt-10.index",
        "model.ckpt-10.data-00000-of-00001",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('model_checkpoint_path: "model.ckpt-3"', "names model.ckpt-3, but .* only model.ckpt-2"),
        ('model_checkpoint_path: "../model.ckpt-3"', "names model.ckpt-3, but"),
        ('model_checkpoint_path: ""', "names , but"),
        ("model_checkpoint_path: model.ckpt-2", "has no line model_checkpoint_path"),
        ("", "has no line model_checkpoint_path"),
        (r'model_checkpoint_path: "\377"', "is no path"),
        (r'model_checkpoint_path: "\x"', "is no path"),
    ],
)
def test_a_latest_that_is_not_here_is_refused(trained: Path, line: str, message: str) -> None:
    name_latest(trained, line)
    with pytest.raises(CheckpointError, match=rf"^checkpoint.* {message}"):
        find_checkpoint(trained)


def test_several_that_nobody_chooses_from_are_listed_with_what_to_do(trained: Path) -> None:
    copy_as(trained, "model.ckpt-10")
    (trained / "checkpoint").unlink()
    match = r'model.ckpt-10, model.ckpt-2 and no file .* write the line model_checkpoint_path: "mod'
    with pytest.raises(CheckpointError, match=match):
        find_checkpoint(trained)


def test_other_files_that_end_in_index_are_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / "faiss.index").touch()
    assert find_checkpoint(tmp_path) is None


def test_shards_without_an_index_are_said_so(release: Path) -> None:
    (release / "bert_model.ckpt.index").unlink()
    with pytest.raises(CheckpointError, match=r"has bert_model.*data-00000-of-00002 without an"):
        find_checkpoint(release)


def test_a_note_says_which_gelu_is_taken_where_nothing_decides(release: Path) -> None:
    (note,) = Checkpoint.open(release).notes()
    assert "erf is used; give activation='gelu_new' for tanh" in note
    assert Checkpoint.open(release, activation="gelu").notes() == ()
    assert Checkpoint.open(release, activation="gelu_new").notes() == ()


def test_a_note_says_where_the_graph_computes_the_other_gelu(trained: Path) -> None:
    shutil.copy(DATA / "release" / "bert_config.json", trained)
    assert Checkpoint.open(trained).notes() == ()
    meta = trained / "model.ckpt-2.meta"
    saved = memoryview((DATA / "tuned" / "saved_model.pb").read_bytes())
    meta.write_bytes(Message(saved, "saved").bytes(2))
    (note,) = Checkpoint.open(trained).notes()
    assert note.endswith("model.ckpt-2.meta computes gelu_new: give activation='gelu_new' for that")
    meta.write_bytes(b"no graph")
    assert "erf is used" in Checkpoint.open(trained).notes()[0]


@pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/models")
def test_a_real_checkpoint_of_google_s_own_code_reads() -> None:
    require_files(REAL)
    checkpoint = Checkpoint.open(REAL)
    assert len(encoder_tensors(checkpoint)) == 5 + 2 * 16
    assert not any("adam" in name for name in checkpoint.tensors)
    assert checkpoint.notes() == ()  # its graph has Erf
    told = checkpoint_config(REAL)
    assert told is not None
    assert {name: checkpoint.raw_config[name] for name in told[0] if name in checkpoint.raw_config}
    for name, value in told[0].items():
        assert checkpoint.raw_config.get(name, value) == value, name
