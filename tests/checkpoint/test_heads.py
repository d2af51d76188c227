"""The heads of a checkpoint become records."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertie.checkpoint.architectures import ARCHITECTURES
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.heads import head_errors, heads, require_head
from bertie.checkpoint.shapes import encoder_tensors
from bertie.errors import CheckpointError
from tests.architectures import HEADS, NAMES, architecture_of, write
from tests.editing import edit_json, edit_tensors


def test_every_architecture_has_fixtures() -> None:
    fixtures = {architecture_of(name) for name in NAMES}
    assert fixtures == set(ARCHITECTURES), "run scripts/make_architecture_fixtures.py"
    for name, architecture in ARCHITECTURES.items():
        kinds = {form.kind for form in architecture.heads}
        made = {kind for other, kind in HEADS if architecture_of(other) == name}
        assert kinds == made, f"{name} has heads that its row lacks, or the other way round"


@pytest.mark.parametrize(("name", "kind"), HEADS)
def test_a_checkpoint_has_its_head_and_uses_all_of_its_tensors(
    name: str, kind: str, tmp_path: Path
) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, name, kind))
    found = heads(checkpoint)
    assert set(found) <= {kind, "pooler"}
    record = found[kind]
    labels = {"sequence_classification": 3, "token_classification": 5}.get(kind, 0)
    assert record.labels == tuple(f"LABEL_{number}" for number in range(labels))
    assert not record.notes
    assert not head_errors(checkpoint)
    assert checkpoint.unused([*encoder_tensors(checkpoint), *record.tensors]) == ()
    assert require_head(checkpoint, kind).tensors.keys() == record.tensors.keys()


def test_an_encoder_alone_has_no_heads(tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, "distilbert", "pooler"))
    assert heads(checkpoint) == {}
    assert require_head(checkpoint, "masked_lm") is None


def test_a_discriminator_fills_no_masks(tmp_path: Path) -> None:
    directory = write(tmp_path, "electra", "pooler")

    def discriminate(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        tensors = {f"electra.{name}": values for name, values in tensors.items()}
        dense = np.zeros((30, 30), np.float32)
        return {**tensors, "discriminator_predictions.dense.weight": dense}

    edit_tensors(directory, discriminate)
    checkpoint = Checkpoint.open(directory)
    assert heads(checkpoint) == {}
    assert not checkpoint.tied


@pytest.mark.parametrize("name", ["bert", "albert", "distilbert"])
@pytest.mark.parametrize("classes", [True, False])
def test_a_classifier_is_of_sequences_or_tokens_as_the_config_says_or_the_tensors_tell(
    name: str, classes: bool, tmp_path: Path
) -> None:
    for kind in ("sequence_classification", "token_classification"):
        directory = write(tmp_path / kind, name, kind)
        if not classes:
            edit_json(directory / "config.json", architectures=None)
        assert set(heads(Checkpoint.open(directory))) - {"pooler"} == {kind}


def test_the_config_wins_over_a_pooler(tmp_path: Path) -> None:
    directory = write(tmp_path, "bert", "sequence_classification")
    edit_json(directory / "config.json", architectures=["BertForTokenClassification"])
    assert set(heads(Checkpoint.open(directory))) == {"token_classification", "pooler"}


def test_googles_names_for_a_classifier_are_read(tmp_path: Path) -> None:
    directory = write(tmp_path, "bert", "sequence_classification")
    expected = heads(Checkpoint.open(directory))["sequence_classification"]
    renamed = {"classifier.weight": "output_weights", "classifier.bias": "output_bias"}
    edit_tensors(directory, lambda t: {renamed.get(name, name): value for name, value in t.items()})
    edit_json(directory / "config.json", architectures=None, id2label=None, label2id=None)
    found = heads(Checkpoint.open(directory))["sequence_classification"]
    assert found.layers[-1].weight.name == "output_weights"
    for name, tensor in found.tensors.items():
        assert np.array_equal(tensor.float32(), expected.tensors[name].float32())


def test_what_the_config_says_of_labels_is_recorded(tmp_path: Path) -> None:
    directory = write(tmp_path, "roberta", "sequence_classification")
    labels = {"0": "no", "1": "maybe", "2": "yes"}
    kind = "multi_label_classification"
    edit_json(directory / "config.json", id2label=labels, problem_type=kind)
    record = heads(Checkpoint.open(directory))["sequence_classification"]
    assert record.labels == ("no", "maybe", "yes")
    assert (record.labels_origin, record.problem_type) == ("config.json: id2label", kind)
    edit_json(directory / "config.json", problem_type="guessing", num_labels=2)
    record = heads(Checkpoint.open(directory))["sequence_classification"]
    assert record.problem_type is None
    assert [note.partition(",")[0] for note in record.notes] == [
        "config.json: num_labels is 2",
        "config.json: problem_type is 'guessing'",
    ]


WEIGHT = "classifier.out_proj.weight"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({WEIGHT: np.zeros((3, 29), np.float32)}, r"is \(3, 29\), expected \(any, 30\)"),
        ({WEIGHT: np.zeros((0, 30), np.float32)}, r"is \(0, 30\), expected \(any, 30\)"),
        ({WEIGHT: np.zeros(3, np.float32)}, r"is \(3,\), expected \(any, 30\)"),
        ({WEIGHT: np.zeros((), np.float32)}, r"is \(\), expected \(any, 30\)"),
        ({WEIGHT: np.zeros((3, 30), np.int32)}, r"is I32, expected one of F32, F16, BF16, F64"),
        ({WEIGHT: None}, rf"{WEIGHT} missing, expected \(any, 30\)"),
        ({"classifier.out_proj.bias": None}, r"out_proj.bias missing, expected \(3,\)"),
        ({"classifier.dense.bias": np.zeros(31, np.float32)}, r"is \(31,\), expected \(30,\)"),
        ({"classifier.dense.weight": np.zeros((9, 30), np.float32)}, r"expected \(any, 9\)"),
    ],
)
def test_a_broken_head_is_an_error_for_who_asks_for_it_only(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    directory = write(tmp_path, "roberta", "sequence_classification")

    def damage(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        tensors = {**tensors, **changes}
        return {name: value for name, value in tensors.items() if value is not None}

    edit_tensors(directory, damage)
    checkpoint = Checkpoint.open(directory)
    assert heads(checkpoint) == {}
    assert encoder_tensors(checkpoint)
    with pytest.raises(CheckpointError, match=message):
        require_head(checkpoint, "sequence_classification")
    assert require_head(checkpoint, "masked_lm") is None


@pytest.mark.parametrize(
    ("name", "kind", "tensor", "expected"),
    [
        ("bert", "question_answering", "qa_outputs", r"\(2, 30\)"),
        ("bert", "next_sentence", "cls.seq_relationship", r"\(2, 30\)"),
        ("albert", "masked_lm", "predictions.decoder", r"\(101, 14\)"),
    ],
)
def test_a_head_gives_as_many_outputs_as_its_kind_asks_for(
    name: str, kind: str, tensor: str, expected: str, tmp_path: Path
) -> None:
    directory = write(tmp_path, name, kind)
    width = 14 if name == "albert" else 30
    more = {f"{tensor}.weight": np.zeros((7, width)), f"{tensor}.bias": np.zeros(7)}
    edit_tensors(directory, lambda tensors: {**tensors, **more})
    with pytest.raises(CheckpointError, match=rf"weight is \(7, {width}\), expected {expected}"):
        require_head(Checkpoint.open(directory), kind)


def test_a_tensor_under_two_names_is_an_error(tmp_path: Path) -> None:
    directory = write(tmp_path, "bert", "sequence_classification")
    edit_tensors(directory, lambda t: {**t, "output_bias": t["classifier.bias"]})
    errors = head_errors(Checkpoint.open(directory))["sequence_classification"]
    assert len(errors) == 1
    assert "tensors classifier.bias and output_bias are both classifier.bias" in errors[0]


def test_an_untied_decoder_that_is_absent_leaves_no_head(tmp_path: Path) -> None:
    directory = write(tmp_path, "distilbert", "masked_lm")
    edit_json(directory / "config.json", tie_word_embeddings=False)
    match = r"vocab_projector.weight missing, expected \(101, 30\)"
    with pytest.raises(CheckpointError, match=match):
        require_head(Checkpoint.open(directory), "masked_lm")


def reads(directory: Path, kind: str = "sequence_classification") -> str:
    """Say what a head reads."""
    return heads(Checkpoint.open(directory))[kind].reads


@pytest.mark.parametrize(
    ("name", "stated", "expected"),
    [
        ("modernbert", {}, "first"),
        ("modernbert", {"classifier_pooling": "cls"}, "first"),
        ("modernbert", {"classifier_pooling": "mean"}, "mean"),
        ("eurobert", {}, "late"),
        ("eurobert", {"classifier_pooling": None}, "late"),
        ("eurobert", {"clf_pooling": "bos", "classifier_pooling": None}, "first"),
        ("eurobert", {"clf_pooling": "bos", "classifier_pooling": "mean"}, "mean"),
    ],
)
def test_a_classifier_reads_what_the_config_says(
    name: str, stated: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    directory = write(tmp_path, name, "sequence_classification")
    edit_json(directory / "config.json", **stated)
    assert reads(directory) == expected
    edit_json(directory / "config.json", architectures=[f"{name}ForTokenClassification"])
    assert reads(directory, "token_classification") == "tokens"


@pytest.mark.parametrize("value", ["max", 7, ["cls"], True])
def test_an_unknown_way_of_reading_is_an_error_that_names_it(value: Any, tmp_path: Path) -> None:
    directory = write(tmp_path, "modernbert", "sequence_classification")
    edit_json(directory / "config.json", classifier_pooling=value)
    said = r"config.json: classifier_pooling is .*, expected one of \"cls\", \"mean\""
    with pytest.raises(CheckpointError, match=said):
        require_head(Checkpoint.open(directory), "sequence_classification")


def test_a_head_has_the_biases_that_the_config_says(tmp_path: Path) -> None:
    directory = write(tmp_path, "modernbert", "sequence_classification")
    bias = np.zeros(30, np.float32)
    edit_tensors(directory, lambda tensors: {**tensors, "head.dense.bias": bias})
    checkpoint = Checkpoint.open(directory)
    record = heads(checkpoint)["sequence_classification"]
    assert [layer.bias is None for layer in record.layers] == [True, True, False]
    assert checkpoint.unused([*encoder_tensors(checkpoint), *record.tensors]) == (
        "head.dense.bias",
    )
    edit_json(directory / "config.json", classifier_bias=True, norm_bias=False)
    record = heads(Checkpoint.open(directory))["sequence_classification"]
    assert [layer.bias is None for layer in record.layers] == [False, True, False]
    edit_json(directory / "config.json", norm_bias=True)
    with pytest.raises(CheckpointError, match=r"tensor head.norm.bias missing, expected \(30,\)"):
        require_head(Checkpoint.open(directory), "sequence_classification")


@pytest.mark.parametrize(
    ("stated", "norm"), [({}, "cls"), ({"legacy": True}, "cls"), ({"legacy": False}, "lm")]
)
def test_of_two_heads_of_a_kind_the_config_says_which_is_meant(
    stated: dict[str, bool], norm: str, tmp_path: Path
) -> None:
    directory = write(tmp_path / "one", "deberta-plain", "masked_lm")
    own = write(tmp_path / "other", "deberta-v2-position", "masked_lm")
    theirs = {n: t.float32() for n, t in Checkpoint.open(own).tensors.items() if "cls." in n}
    edit_json(directory / "config.json", legacy=None)
    edit_tensors(directory, lambda tensors: {**tensors, **theirs})
    edit_json(directory / "config.json", **stated)
    record = heads(Checkpoint.open(directory))["masked_lm"]
    assert record.layers[1].name.startswith(norm)
    edit_tensors(directory, lambda tensors: {n: t for n, t in tensors.items() if n not in theirs})
    record = heads(Checkpoint.open(directory))["masked_lm"]
    assert record.layers[1].name.startswith("lm_predictions")


def test_a_classifier_under_its_authors_name_is_read(tmp_path: Path) -> None:
    directory = write(tmp_path, "eurobert", "sequence_classification")
    before = heads(Checkpoint.open(directory))["sequence_classification"]

    def rename(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name.replace("classifier", "out_proj"): t for name, t in tensors.items()}

    edit_tensors(directory, rename)
    after = heads(Checkpoint.open(directory))["sequence_classification"]
    assert np.array_equal(after.layers[1].weight.float32(), before.layers[1].weight.float32())
    assert after.reads == before.reads


def test_a_decoder_of_words_is_tied_where_the_file_has_its_head_alone(tmp_path: Path) -> None:
    # modernbert-biased's decoder has no bias, so nothing but the layers before it shows the head.
    directory = write(tmp_path, "modernbert-biased", "masked_lm")
    assert set(Checkpoint.open(directory).tied) == {"decoder.weight"}
    directory = write(tmp_path, "modernbert-biased", "sequence_classification")
    assert not Checkpoint.open(directory).tied


@pytest.mark.parametrize("stated", [True, False, None])
def test_a_decoder_is_tied_where_the_config_demands_it(stated: Any, tmp_path: Path) -> None:
    directory = write(tmp_path, "eurobert-mean", "masked_lm")
    edit_json(directory / "config.json", tie_word_embeddings=stated)
    checkpoint = Checkpoint.open(directory)
    assert ("masked_lm" in heads(checkpoint)) == (stated is True)
