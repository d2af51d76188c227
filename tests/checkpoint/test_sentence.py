"""sentence-transformers' files, of every age, become one layout."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertie.checkpoint.config import Setting
from bertie.checkpoint.dense import Dense
from bertie.checkpoint.sentence import read_layout
from bertie.checkpoint.sentence_layout import Normalize
from bertie.errors import CheckpointError, SourceError
from tests.editing import edit_json

POOLING = "1_Pooling/config.json"
OLD_POOLING = {
    "word_embedding_dimension": 24,
    "pooling_mode_cls_token": False,
    "pooling_mode_mean_tokens": True,
    "pooling_mode_max_tokens": True,
    "pooling_mode_mean_sqrt_len_tokens": False,
}


def test_a_new_checkpoint_reads_as_it_was_saved(sentence: Path) -> None:
    layout = read_layout(sentence)
    assert layout.transformer == sentence
    assert layout.pooling == Setting(("cls", "mean"), f"{POOLING}: pooling_mode")
    assert layout.pooling_width == Setting(24, f"{POOLING}: embedding_dimension")
    dense, normalize = layout.modules
    assert isinstance(dense, Dense)
    assert (dense.inputs, dense.outputs, dense.activation) == (48, 10, "tanh")
    assert isinstance(normalize, Normalize)
    assert layout.prompts.value == {"query": "what is ", "document": ""}
    assert layout.default_prompt_name.value == "document"


def test_without_modules_it_is_the_mean_and_not_normalized(bert: Path) -> None:
    layout = read_layout(bert)
    assert layout.pooling == Setting(("mean",), "default: there is no modules.json")
    assert layout.modules == ()
    assert layout.max_length is None
    assert layout.prompts == Setting({}, "default")


def test_an_old_checkpoint_reads_by_its_booleans(sentence: Path) -> None:
    (sentence / POOLING).write_text(json.dumps(OLD_POOLING))
    (sentence / "3_Normalize/config.json").unlink()
    edit_json(sentence / "sentence_bert_config.json", max_seq_length=20, do_lower_case=True)
    layout = read_layout(sentence)
    origin = f"{POOLING}: pooling_mode_max_tokens, pooling_mode_mean_tokens"
    assert layout.pooling == Setting(("max", "mean"), origin)
    assert layout.pooling_width == Setting(24, f"{POOLING}: word_embedding_dimension")
    assert layout.max_length == Setting(20, "sentence_bert_config.json: max_seq_length")
    assert layout.lower_first == Setting(True, "sentence_bert_config.json: do_lower_case")
    assert isinstance(layout.modules[-1], Normalize)


def test_no_boolean_at_all_is_the_mean(sentence: Path) -> None:
    (sentence / POOLING).write_text("{}")
    assert read_layout(sentence).pooling == Setting(("mean",), "default")


def test_the_encoder_may_lie_in_a_folder(sentence: Path) -> None:
    modules = json.loads((sentence / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    modules[0]["type"] = "sentence_transformers.models.Transformer"
    modules.append({"type": "sentence_transformers.models.Dropout", "path": "4_Dropout"})
    (sentence / "modules.json").write_text(json.dumps(modules))
    (sentence / "0_Transformer").mkdir()
    edit_json(sentence / "0_Transformer/sentence_bert_config.json", max_seq_length=9)
    layout = read_layout(sentence)
    assert layout.transformer == sentence / "0_Transformer"
    assert layout.max_length == Setting(9, "sentence_bert_config.json: max_seq_length")
    assert len(layout.modules) == 2


MODULES = ["Transformer", "Pooling", "Dense", "Normalize"]


@pytest.mark.parametrize(
    ("index", "change", "message"),
    [
        (0, None, "expected Transformer, Pooling"),
        (1, None, "the modules Transformer, Dense, Normalize; expected Transformer, Pooling"),
        (2, {"type": "sentence_transformers.models.LSTM"}, "models.LSTM' is not supported"),
        (2, {"type": "my_code.Dense"}, "'my_code.Dense' is not supported; supported: sentence-"),
        (2, {"type": "sentence_transformers.models.Transformer"}, "expected Transformer, Pooling"),
        (
            2,
            {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
            "second Pooling",
        ),
        (2, {"type": 3}, "expected an object with type and path"),
        (2, {"path": "../elsewhere"}, "'../elsewhere', which leads out of the checkpoint's"),
        (2, {"path": "/etc"}, "'/etc', which leads out of the checkpoint's"),
        (2, {"path": ["a"]}, "expected a path in the directory"),
        (2, {"path": "2_Nowhere"}, "2_Nowhere/config.json can't be read: No such file"),
    ],
)
def test_modules_that_are_not_supported_are_refused_by_name(
    sentence: Path, index: int, change: dict[str, Any] | None, message: str
) -> None:
    modules = json.loads((sentence / "modules.json").read_text())
    modules[index : index + 1] = [{**modules[index], **change}] if change else []
    (sentence / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(CheckpointError, match=message):
        read_layout(sentence)


@pytest.mark.parametrize("content", ["{}", "[]", "3", "[3]"])
def test_modules_must_be_a_list_of_objects(sentence: Path, content: str) -> None:
    (sentence / "modules.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"modules.json.* expected (a list|an object)"):
        read_layout(sentence)


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        (POOLING, {"pooling_mode": ["mean", "median"]}, "pooling mode median is not support"),
        (
            POOLING,
            {"pooling_mode": "attention"},
            "attention is not supported; supported: mean",
        ),
        (POOLING, {"pooling_mode": {"a": 1}}, "pooling_mode is {'a': 1}, expected mode names"),
        (POOLING, {"pooling_mode": []}, r"pooling_mode is \[\], expected mode names"),
        (POOLING, {"pooling_mode_cls_token": 1}, "pooling_mode_cls_token is 1, expected true or"),
        (POOLING, {"include_prompt": "no"}, "include_prompt is 'no', expected true or false"),
        ("3_Normalize/config.json", {"module_input_name": "token_embeddings"}, "module_input_name"),
        ("2_Dense/config.json", {"module_output_name": "other"}, "module_output_name is 'other'"),
        ("2_Dense/config.json", {"use_residual": True}, "use_residual is True, which adds"),
        ("2_Dense/config.json", {"bias": 1}, "bias is 1, expected true or false"),
        ("2_Dense/config.json", {"in_features": None}, "in_features is None, expected a number"),
        (
            "2_Dense/config.json",
            {"activation_function": "torch.nn.modules.activation.Mish"},
            "Mish' is not supported; supported: torch.nn's Identity, Tanh",
        ),
        (
            "2_Dense/config.json",
            {"in_features": 24, "out_features": 11},
            r"2_Dense/model.safetensors: tensor linear.weight is \(10, 48\), expected \(11, 24\)"
            r" from 2_Dense/config.json; tensor linear.bias is \(10,\), expected \(11,\)",
        ),
        ("sentence_bert_config.json", {"max_seq_length": 0}, "max_seq_length is 0, expected a num"),
        ("sentence_bert_config.json", {"max_seq_length": "9"}, "max_seq_length is '9', expected"),
        ("sentence_bert_config.json", {"do_lower_case": 1}, "do_lower_case is 1, expected true or"),
        (
            "config_sentence_transformers.json",
            {"prompts": {"a": 1}},
            "prompts is {'a': 1}, expected",
        ),
        (
            "config_sentence_transformers.json",
            {"similarity_fn_name": "hamming"},
            "similarity_fn_name is 'hamming', expected one of cosine, dot",
        ),
        ("config_sentence_transformers.json", {"prompts": [1]}, r"prompts is \[1\], expected"),
        (
            "config_sentence_transformers.json",
            {"default_prompt_name": "passage"},
            "default_prompt_name is 'passage', but the prompts are document, query",
        ),
        (
            "config_sentence_transformers.json",
            {"default_prompt_name": ["query"]},
            r"default_prompt_name is \['query'\], but the prompts are",
        ),
    ],
)
def test_settings_that_are_not_supported_are_refused_by_name(
    sentence: Path, file: str, changes: dict[str, Any], message: str
) -> None:
    edit_json(sentence / file, **changes)
    with pytest.raises(CheckpointError, match=message) as caught:
        read_layout(sentence)
    assert file.split("/")[0] in str(caught.value)


def test_a_dense_layer_saved_by_torch_is_read(sentence: Path, torch_data: Path) -> None:
    dense, _ = read_layout(sentence).modules
    weights = sentence / "2_Dense/model.safetensors"
    weights.unlink()
    shutil.copy(torch_data / "dense.bin", sentence / "2_Dense/pytorch_model.bin")
    layout = read_layout(sentence)
    pickled, _ = layout.modules
    assert isinstance(dense, Dense)
    assert isinstance(pickled, Dense)
    assert np.array_equal(pickled.weight.float32(), dense.weight.float32())
    assert sentence / "2_Dense/pytorch_model.bin" in layout.files


def test_a_dense_layer_without_weights_is_a_source_error(sentence: Path) -> None:
    (sentence / "2_Dense/model.safetensors").unlink()
    with pytest.raises(SourceError, match=r"2_Dense has no weights: expected model.safetensors"):
        read_layout(sentence)
