"""What sentence-transformers 6 and transformers 5 save gives what they compute.

Every directory was saved by its framework, and so was what came out (make_framework_fixtures.py).
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.engine.heads import Head
from bertie.errors import CheckpointError, TaskError
from bertie.opened import open_source
from tests.frameworks import ARCHITECTURES, LIBRARY, PAIRS, TEXTS, models, unpack

# Within so much in float32, of logits and of vectors that aren't of length 1.
CLOSE = 1e-4

pytestmark = pytest.mark.filterwarnings("ignore::bertie.errors.TruncationWarning")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of sentence-transformers' models."""
    return unpack(LIBRARY, tmp_path_factory.mktemp("frameworks"))


@pytest.fixture(scope="module", params=ARCHITECTURES)
def architecture(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of every class of one architecture."""
    return unpack(request.param, tmp_path_factory.mktemp("heads"))


def names(start: str) -> list[str]:
    """Name sentence-transformers' models of one kind."""
    return [name for name in models(LIBRARY) if name.startswith(start)]


def load(directory: Path, **options: Any) -> Any:
    """Load a model in float32."""
    return bertie.load(directory, precision="float32", **options)


def expected(directory: Path) -> dict[str, np.ndarray]:
    """Read what the framework computed."""
    with np.load(directory / "expected.npz") as file:
        return dict(file)


def runs(directory: Path) -> bool:
    """Tell whether the framework's outputs are there; where they aren't, a model is refused."""
    return (directory / "expected.npz").is_file()


REFUSED = {
    "sentence-router": "is not supported: Router sends queries and documents through modules",
    "sentence-static": "is not supported: StaticEmbedding takes vectors of tokens from a table",
    "sentence-layer-norm": "is not supported: LayerNorm is a norm over the pooled vector",
    "sentence-residual": r"2_Dense/config.json: use_residual is True, which adds what comes in",
    "sparse-autoencoder": "is not supported: SparseAutoEncoder makes vectors sparse",
    "sparse-router": "is not supported: Router sends queries and documents through modules",
    "sparse-sum": "1_SpladePooling/config.json: pooling_strategy is 'sum', which adds",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_nothing_here_computes_is_refused_by_name(saved: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match=REFUSED[name]):
        load(saved / name)


def test_every_model_is_tried(saved: Path) -> None:
    tried = {*names("sentence-"), *names("cross-"), *names("sparse"), *names("multi-vector")}
    assert {name for name in models(LIBRARY) if not runs(saved / name)} == set(REFUSED)
    assert tried == set(models(LIBRARY))


@pytest.mark.parametrize("name", [name for name in names("sentence-") if name not in REFUSED])
def test_a_sentence_encoder_gives_the_frameworks_vectors(saved: Path, name: str) -> None:
    model, wanted = load(saved / name), expected(saved / name)
    assert model.task == "embed"
    for kind, vectors in wanted.items():
        found = model.embed(TEXTS, kind=None if kind == "vectors" else kind)
        assert found.shape == vectors.shape
        assert np.abs(found - vectors).max() < CLOSE, kind


@pytest.mark.parametrize("name", names("cross-"))
def test_a_cross_encoder_gives_the_frameworks_scores(saved: Path, name: str) -> None:
    wanted = expected(saved / name)["scores"].reshape(len(PAIRS), -1)
    for options in ({}, {"task": "rank"}):
        model = load(saved / name, **options)
        assert model.task == "rank"
        assert len(model.labels) == wanted.shape[1]
        for column, label in enumerate(model.labels):
            found = model.score(PAIRS, label=label)
            assert np.abs(found - wanted[:, column]).max() < CLOSE


def test_where_a_cross_encoder_has_its_activation_from_is_said(saved: Path) -> None:
    score = load(saved / "cross-1-identity").info().settings["score"]
    assert score.value == "identity"
    assert score.origin == "config_sentence_transformers.json: activation_fn"


def test_a_cross_encoder_is_loaded_for_other_tasks_when_asked(saved: Path) -> None:
    model = load(saved / "cross-3", task="classify")
    logits = expected(saved / "cross-3")["scores"]
    found = model.classify(PAIRS, raw=True)
    assert {one.label for one in found[0]} == {"LABEL_0", "LABEL_1", "LABEL_2"}
    for row, labels in zip(logits, found, strict=True):
        assert [one.score for one in labels] == pytest.approx(sorted(row, reverse=True), abs=CLOSE)
    embedder = load(saved / "cross-3", task="embed")
    assert embedder.embed(TEXTS).shape == (len(TEXTS), 24)
    with pytest.raises(TaskError, match="needs a head for masked lm"):
        load(saved / "cross-3", task="fill")


@pytest.mark.parametrize("name", [name for name in names("sparse") if name not in REFUSED])
def test_a_sparse_encoder_gives_the_frameworks_weights(saved: Path, name: str) -> None:
    model, wanted = load(saved / name), expected(saved / name)["vectors"]
    assert model.task == "sparse"
    found = np.zeros_like(wanted)
    for row, vector in zip(found, model.embed_sparse(TEXTS), strict=True):
        row[vector.indices] = vector.weights
    assert np.abs(found - wanted).max() < CLOSE


@pytest.mark.parametrize("name", names("multi-vector"))
def test_a_multi_vector_encoder_gives_the_frameworks_vectors(saved: Path, name: str) -> None:
    model, wanted = load(saved / name), expected(saved / name)
    assert model.task == "multivector"
    for kind in ("query", "document"):
        found = model.embed_multi(TEXTS, kind=kind)
        assert [len(rows) for rows in found] == wanted[f"{kind}_tokens"].tolist()
        assert np.abs(np.concatenate(found) - wanted[kind]).max() < CLOSE


# How a class's name ends → the task that it is for, the head, and the framework's outputs.
CLASSES: dict[str, tuple[str, str | None, tuple[str, ...]]] = {
    "LMHeadModel": ("embed", "masked_lm", ("logits",)),
    "ForCausalLM": ("embed", "masked_lm", ("logits",)),
    "Model": ("embed", None, ("last_hidden_state",)),
    "ForPreTraining": ("embed", "masked_lm", ("prediction_logits",)),
    "ForMaskedLM": ("fill", "masked_lm", ("logits",)),
    "ForNextSentencePrediction": ("next_sentence", "next_sentence", ("logits",)),
    "ForSequenceClassification": ("classify", "sequence_classification", ("logits",)),
    "ForMultipleChoice": ("embed", None, ()),
    "ForTokenClassification": ("tag", "token_classification", ("logits",)),
    "ForQuestionAnswering": ("answer", "question_answering", ("start_logits", "end_logits")),
}


def test_every_class_gives_the_frameworks_outputs(architecture: Path) -> None:
    tried = set()
    for directory in sorted(architecture.iterdir()):
        ending = next(one for one in CLASSES if directory.name.endswith(one))
        task, kind, keys = CLASSES[ending]
        wanted = expected(directory)
        opened = open_source(directory)
        model = load(directory)
        assert model.task == task, directory.name
        ids = wanted["ids"][0].astype(np.int32)
        lengths = np.array([len(ids)], np.int32)
        hidden = model.encoder.forward(ids, np.zeros_like(ids), lengths)
        if kind is None:
            found = {"last_hidden_state": hidden}
        elif directory.name == "ElectraForPreTraining":  # of every token, whether it was replaced
            assert kind not in opened.heads
            continue
        else:
            logits = Head(opened.heads[kind]).of_sequences(hidden, lengths)
            halves = np.split(logits, len(keys), axis=1)
            found = dict(zip(keys, halves, strict=True))
        for key in keys:
            assert np.abs(found[key].ravel() - wanted[key].ravel()).max() < CLOSE, directory.name
        tried.add(ending)
    assert {"Model", "ForMaskedLM", "ForSequenceClassification"} <= tried


def test_a_class_that_no_task_is_for_is_named(architecture: Path) -> None:
    for directory in architecture.iterdir():
        if directory.name.endswith(
            ("ForMultipleChoice", "ForPreTraining", "ForCausalLM", "LMHeadModel")
        ):
            notes = " ".join(load(directory).info().notes)
            assert f"architectures names {directory.name}, and no task here computes" in notes
        if directory.name.endswith("ForMultipleChoice"):  # whose classifier looks like another's
            assert open_source(directory).heads.keys() <= {"pooler"}
