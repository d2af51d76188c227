"""Whole exports as ONNX: what stands in the directory, and that it is the model it was made of."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers.implementations import BertWordPieceTokenizer

from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.heads import heads
from bertie.checkpoint.shapes import encoder_tensors
from bertie.errors import CheckpointError, InputError, TaskError
from bertie.export import onnx as onnx_export
from bertie.export import onnx_check
from bertie.export.onnx import write_onnx
from bertie.loading.load import load
from bertie.opened import Given
from tests.architectures import NAMES, write
from tests.editing import edit_json, edit_tensors
from tests.export.test_architectures import TEXTS, TOKENS

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


def session(directory: Path):
    """Open an export in onnxruntime."""
    return onnxruntime.InferenceSession(
        directory / "model.onnx", providers=["CPUExecutionProvider"]
    )


def metadata(directory: Path) -> dict[str, str]:
    """Read what an export says of itself."""
    model = onnx.load(directory / "model.onnx", load_external_data=False)
    return {entry.key: entry.value for entry in model.metadata_props}


def test_an_export_is_checked_and_says_so(tiny_bert: Path, tmp_path: Path) -> None:
    made = write_onnx(tiny_bert, tmp_path / "out")
    assert made.inputs == ("input_ids", "attention_mask", "token_type_ids")
    assert made.outputs == ("last_hidden_state",)
    assert 0 < made.check.max_difference < 1e-5  # float32
    assert made.bytes == (tmp_path / "out/model.onnx").stat().st_size
    said = metadata(tmp_path / "out")
    assert float(said["check_max_difference"]) == made.check.max_difference
    assert said["check_runtime"] == f"onnxruntime {onnxruntime.__version__}"
    assert said["model_type"] == "bert"
    assert json.dumps(made.to_dict())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_export_loads_as_the_model_that_it_was_made_of(
    tiny_sentence: Path, tmp_path: Path
) -> None:
    write_onnx(tiny_sentence, tmp_path / "out")
    one, other = (
        load(tiny_sentence, precision="float32"),
        load(tmp_path / "out", precision="float32"),
    )
    texts = ["The old bridge of stone.", ""]
    assert np.array_equal(one.embed(texts), other.embed(texts))
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize("name", NAMES)
def test_an_export_of_any_architecture_has_the_weights_and_heads_that_it_was_made_of(
    name: str, tmp_path: Path
) -> None:
    source = write(tmp_path / "source", name, "sequence_classification")
    numbers = {token: number for number, token in enumerate(TOKENS)}
    BertWordPieceTokenizer(numbers).save(str(source / "tokenizer.json"))
    (source / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
    made = write_onnx(source, tmp_path / "out", output="logits")
    assert made.check.max_difference < 2e-5  # float32
    was, found = Checkpoint.open(source), Checkpoint.open(tmp_path / "out")
    assert found.config == was.config
    read = encoder_tensors(found)
    for key, tensor in encoder_tensors(was).items():
        assert np.array_equal(read[key].float32(), tensor.float32())
    kind = "sequence_classification"
    assert heads(found)[kind].labels == heads(was)[kind].labels
    one, other = (load(path, precision="float32") for path in (source, tmp_path / "out"))
    assert other.classify(TEXTS) == one.classify(TEXTS)
    assert other.fingerprint == one.fingerprint


def test_vectors_equal_the_models_own(tiny_sentence: Path, tmp_path: Path) -> None:
    made = write_onnx(tiny_sentence, tmp_path / "out", output="embedding")
    assert made.outputs == ("sentence_embedding",)
    model = load(tiny_sentence, precision="float32")
    encoded = model.tokenizer.encode("the river", max_length=model.max_length)
    feed = {
        "input_ids": [encoded.ids],
        "attention_mask": [[1] * len(encoded.ids)],
        "token_type_ids": [encoded.type_ids],
    }
    (found,) = session(tmp_path / "out").run(None, {k: np.array(v) for k, v in feed.items()})
    assert np.abs(found[0] - model.embed("the river", prompt="")).max() < 1e-5  # float32
    said = metadata(tmp_path / "out")
    assert json.loads(said["pooling"]) == ["cls", "mean"]
    assert json.loads(said["normalize"]) is True


def test_the_caller_may_say_how_vectors_are_pooled(tiny_bert: Path, tmp_path: Path) -> None:
    given = Given(pooling="max", normalize=True, activation="relu")
    write_onnx(tiny_bert, tmp_path / "out", output="embedding", given=given)
    assert json.loads(metadata(tmp_path / "out")["pooling"]) == ["max"]
    assert json.loads((tmp_path / "out/config.json").read_text())["hidden_act"] == "relu"
    with pytest.raises(
        InputError, match="pooling: given, but an ONNX graph of hidden has no place"
    ):
        write_onnx(tiny_bert, tmp_path / "other", given=given)
    with pytest.raises(InputError, match="prompts: given, but an ONNX graph of embedding"):
        write_onnx(tiny_bert, tmp_path / "other", output="embedding", given=Given(prompts={}))


@pytest.mark.parametrize(
    "given",
    [
        {"layers": [-2, 1], "pooling": ["weightedmean", "lasttoken"], "dimensions": 40},
        {"pooling": "first_last", "normalize": True},
        {"pooling": ["mean_max"], "normalize": True, "dimensions": 10},
    ],
)
def test_vectors_equal_those_of_any_layers_and_dimensions(
    tiny_bert: Path, tmp_path: Path, given: dict[str, Any]
) -> None:
    made = write_onnx(tiny_bert, tmp_path / "out", output="embedding", given=Given(**given))
    assert made.check.max_difference < 1e-5  # float32
    model = load(tiny_bert, precision="float32", **given)
    (output,) = session(tmp_path / "out").get_outputs()
    assert output.shape == ["batch", model.dimensions]


def test_pooling_that_leaves_the_prompt_out_is_refused(sentence: Path, tmp_path: Path) -> None:
    edit_json(sentence / "1_Pooling/config.json", include_prompt=False)
    with pytest.raises(CheckpointError, match="leaves the prompt's tokens out, which a graph"):
        write_onnx(sentence, tmp_path / "out", output="embedding")
    assert write_onnx(sentence, tmp_path / "out").outputs == ("last_hidden_state",)


def test_logits_are_of_the_head_that_the_checkpoint_has(bert: Path, tmp_path: Path) -> None:
    made = write_onnx(bert, tmp_path / "pooler", output="logits")
    assert made.outputs == ("pooler_output",)
    edit_tensors(
        bert,
        lambda tensors: {
            **tensors,
            "classifier.weight": tensors["pooler.dense.weight"][:2],
            "classifier.bias": tensors["pooler.dense.bias"][:2],
        },
    )
    edit_json(
        bert / "config.json",
        id2label={"0": "no", "1": "yes"},
        architectures=["BertForSequenceClassification"],
    )
    made = write_onnx(bert, tmp_path / "classifier", output="logits")
    assert made.outputs == ("logits",)
    said = metadata(tmp_path / "classifier")
    assert json.loads(said["head"]) == "sequence_classification"
    assert json.loads(said["labels"]) == ["no", "yes"]
    with pytest.raises(TaskError, match="no head for masked_lm; it has sequence_classification"):
        write_onnx(bert, tmp_path / "filler", output="logits", head="masked_lm")


def test_the_tokenizers_files_say_what_the_caller_said(bert: Path, tmp_path: Path) -> None:
    (bert / "tokenizer.json").unlink()
    write_onnx(bert, tmp_path / "out", given=Given(lower=False))
    tokenizer = load(tmp_path / "out").tokenizer
    assert tokenizer.identity() == load(bert, lower=False).tokenizer.identity()
    assert (
        json.loads((tmp_path / "out/tokenizer_config.json").read_text())["do_lower_case"] is False
    )


def test_weights_may_lie_in_a_file_of_their_own(tiny_bert: Path, tmp_path: Path) -> None:
    made = write_onnx(tiny_bert, tmp_path / "out", external=True)
    assert made.files == ("model.onnx", "model.onnx.data")
    read = encoder_tensors(Checkpoint.open(tmp_path / "out"))
    for name, tensor in encoder_tensors(Checkpoint.open(tiny_bert)).items():
        assert np.array_equal(read[name].float32(), tensor.float32())


def test_what_differs_from_the_core_is_refused_and_leaves_nothing(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_check, "TOLERANCE", 1e-12)
    with pytest.raises(CheckpointError, match="expected at most 1e-12; the file is not kept"):
        write_onnx(tiny_bert, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_nothing(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(onnx_export, "write_model", full)
    with pytest.raises(InputError, match="can't be written: No space left on device"):
        write_onnx(tiny_bert, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_options_that_cannot_be_are_refused(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="output is 'words', expected one of hidden, embedding"):
        write_onnx(tiny_bert, tmp_path / "out", output="words")
    with pytest.raises(InputError, match="only logits have a head"):
        write_onnx(tiny_bert, tmp_path / "out", head="pooler")
    with pytest.raises(InputError, match="head is 'tail', expected one of sequence_classification"):
        write_onnx(tiny_bert, tmp_path / "out", output="logits", head="tail")
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="out exists already; name another place"):
        write_onnx(tiny_bert, tmp_path / "out")


def test_numbers_that_are_none_are_refused(bert: Path, tmp_path: Path) -> None:
    edit_tensors(bert, lambda tensors: {n: t * np.nan for n, t in tensors.items()})
    with pytest.raises(CheckpointError, match="NaN or infinite"):
        write_onnx(bert, tmp_path / "out")
