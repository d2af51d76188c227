"""A source becomes a ready model, with the caller's word over the files'."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import bertie
from bertie.errors import CheckpointError, InputError, SourceError, TaskError
from tests.editing import edit_json, edit_tensors

TEXTS = ["the old bridge", "Who reads the new book at night?"]


def test_info_says_where_every_setting_came_from(sentence: Path) -> None:
    info = bertie.load(sentence).info()
    assert (info.source, info.directory, info.task) == (str(sentence), str(sentence), "embed")
    assert (info.dimensions, info.precision) == (10, "float32")
    assert info.modules == ("dense 48 → 10, tanh",)
    assert info.unused == ("pooler.dense.bias", "pooler.dense.weight")
    origins = {name: setting.origin for name, setting in info.settings.items()}
    assert origins["pooling"] == "1_Pooling/config.json: pooling_mode"
    assert origins["normalize"] == "modules.json"
    assert origins["max_length"] == "tokenizer_config.json: model_max_length"
    assert origins["hidden_act"] == "config.json: hidden_act"
    assert origins["prompts"] == "config_sentence_transformers.json: prompts"
    assert all(origins.values())


def test_info_becomes_json(sentence: Path) -> None:
    described = json.loads(json.dumps(bertie.load(sentence).info().to_dict()))
    origin = "1_Pooling/config.json: pooling_mode"
    assert described["settings"]["pooling"] == {"value": ["cls", "mean"], "origin": origin}


def test_the_callers_settings_are_recorded_as_the_callers(bert: Path) -> None:
    given = {"pooling": "max", "normalize": True, "max_length": 9, "lower": False}
    model = bertie.load(bert, prompts={"query": "what "}, activation="relu", **given)
    settings = model.info().settings
    assert settings["pooling"].value == ("max",)
    assert settings["normalize"].value is True
    assert settings["max_length"].value == model.max_length == 9
    assert settings["lower"].value is False
    assert settings["prompts"].value == {"query": "what "}
    assert settings["hidden_act"].value == "relu"
    for name in (*given, "prompts", "hidden_act"):
        assert settings[name].origin == "caller"


def test_the_callers_activation_changes_the_vectors(bert: Path) -> None:
    plain, other = bertie.load(bert), bertie.load(bert, activation="relu")
    assert not np.allclose(plain.embed(TEXTS), other.embed(TEXTS), atol=1e-2)
    edit_json(bert / "config.json", hidden_act="relu")
    assert np.array_equal(bertie.load(bert).embed(TEXTS), other.embed(TEXTS))


def test_the_callers_config_and_vocabulary_replace_missing_ones(bert: Path, tmp_path: Path) -> None:
    expected = bertie.load(bert).embed(TEXTS)
    config, vocab = tmp_path / "some.json", tmp_path / "some.txt"
    (bert / "config.json").rename(config)
    (bert / "vocab.txt").rename(vocab)
    (bert / "tokenizer.json").unlink()
    model = bertie.load(bert, config=config, vocab=vocab)
    assert np.array_equal(model.embed(TEXTS), expected)
    assert model.info().settings["hidden_size"].origin == "caller's some.json: hidden_size"


def test_files_that_disagree_are_noted(bert: Path) -> None:
    edit_json(bert / "sentence_bert_config.json", max_seq_length=32, do_lower_case=False)
    model = bertie.load(bert)
    assert model.max_length == 32
    length, lower = model.info().notes
    assert length.endswith("tokenizer_config.json: model_max_length says 64; 32 tokens are used")
    assert lower.endswith("texts are lower-cased")


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F64"])
def test_other_float_types_load(bert: Path, dtype: str) -> None:
    expected = bertie.load(bert).embed(TEXTS)
    if dtype == "BF16":
        write_bfloat16(bert / "model.safetensors")
    else:
        kind = np.float16 if dtype == "F16" else np.float64
        edit_tensors(bert, lambda tensors: {k: v.astype(kind) for k, v in tensors.items()})
    found = bertie.load(bert).embed(TEXTS)
    assert np.abs(found - expected).max() < {"F16": 0.01, "BF16": 0.1, "F64": 1e-9}[dtype]


def write_bfloat16(path: Path) -> None:
    """Cut every tensor of a file to bfloat16."""
    parts, header, end = [], {}, 0
    for name, value in safetensors.numpy.load_file(path).items():
        data = (value.view(np.uint32) >> 16).astype("<u2").tobytes()
        offsets = [end, end := end + len(data)]
        header[name] = {"dtype": "BF16", "shape": value.shape, "data_offsets": offsets}
        parts.append(data)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))


def test_shards_load_as_one_file_does(bert: Path) -> None:
    expected = bertie.load(bert).embed(TEXTS)
    tensors = safetensors.numpy.load_file(bert / "model.safetensors")
    (bert / "model.safetensors").unlink()
    names = sorted(tensors)
    places = {name: f"model-{i % 2}.safetensors" for i, name in enumerate(names)}
    for shard in set(places.values()):
        part = {name: tensors[name] for name in names if places[name] == shard}
        safetensors.numpy.save_file(part, bert / shard)
    (bert / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    assert np.array_equal(bertie.load(bert).embed(TEXTS), expected)


def test_an_encoder_in_a_folder_of_its_own_loads(sentence: Path) -> None:
    expected = bertie.load(sentence).embed(TEXTS)
    inner = sentence / "0_Transformer"
    inner.mkdir()
    for path in sentence.iterdir():
        if path.is_file() and path.name not in (
            "modules.json",
            "config_sentence_transformers.json",
        ):
            shutil.move(path, inner / path.name)
    modules = json.loads((sentence / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (sentence / "modules.json").write_text(json.dumps(modules))
    assert np.array_equal(bertie.load(sentence).embed(TEXTS), expected)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"task": "classify"}, TaskError, "task is 'classify', but this version has only: embed"),
        ({"precision": "int8"}, InputError, "precision is 'int8', but this version has only: auto"),
        ({"max_length": 1}, InputError, "max_length is 1, expected a number of tokens, at least 2"),
        ({"max_length": "9"}, InputError, "max_length is '9', expected a number of tokens"),
        ({"budget": 0}, InputError, "budget is 0, expected a number of tokens, at least 1"),
        ({"threads": 0}, InputError, "threads is 0, expected at least 1"),
        ({"pooling": "median"}, InputError, "pooling is 'median', expected one or several of"),
        ({"activation": "mish"}, InputError, "activation is 'mish', expected one of: gelu"),
        ({"config": {"model_type": "t5"}}, CheckpointError, "caller's config: model_type 't5'"),
        ({"vocab": "nowhere.txt"}, bertie.BertieError, r"nowhere.txt"),
    ],
)
def test_options_that_cannot_be_are_refused(
    bert: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        bertie.load(bert, **options)


def test_a_directory_without_a_model_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SourceError, match=r"it lacks config.json .* it has notes.txt$"):
        bertie.load(tmp_path)


def test_a_vocabulary_larger_than_the_embeddings_is_refused(bert: Path) -> None:
    (bert / "tokenizer.json").unlink()
    with (bert / "vocab.txt").open("a") as file:
        file.write("more\n")
    match = "the vocabulary has 180 tokens, expected at most 179 from vocab_size in config.json"
    with pytest.raises(CheckpointError, match=match):
        bertie.load(bert)


def test_a_pooling_module_of_another_width_is_refused(sentence: Path) -> None:
    edit_json(sentence / "1_Pooling/config.json", embedding_dimension=32)
    match = "1_Pooling/config.json: embedding_dimension is 32, expected 24 from hidden_size in"
    with pytest.raises(CheckpointError, match=match):
        bertie.load(sentence)


def test_a_pooling_that_does_not_fit_the_dense_layer_is_refused(sentence: Path) -> None:
    match = r"2_Dense/config.json: in_features is 48, but .* have 24 floats \(pooling mean\)"
    with pytest.raises(CheckpointError, match=match):
        bertie.load(sentence, pooling="mean")


def test_the_default_model_reads_256_tokens_in_lower_case_though_its_files_disagree(
    minilm: Path,
) -> None:
    model = bertie.load(minilm)
    settings = model.info().settings
    origin = "sentence_bert_config.json: max_seq_length"
    assert (settings["max_length"].value, settings["max_length"].origin) == (256, origin)
    assert settings["lower"].value is True
    assert settings["pooling"].value == ("mean",)
    assert settings["normalize"].value is True
    length, lower = (note for note in model.info().notes if "disagree" in note)
    assert all(f"says {tokens}" in length for tokens in (128, 256, 512))
    assert "says false" in lower
    assert np.array_equal(model.embed("A RIVER Bank"), model.embed("a river bank"))


def test_the_default_models_vectors_are_the_same_bits_in_any_company(minilm: Path) -> None:
    line = "the river bank was open and a boat went by under the old stone bridge "
    texts = [(line * 5)[5 * i : 9 + 16 * i] for i in range(24)]
    alone = [bertie.load(minilm, threads=1).embed(text) for text in texts[:3]]
    together = bertie.load(minilm, threads=1).embed(texts)
    assert np.array_equal(together[:3], np.stack(alone))
    for threads, budget in ((1, 40), (2, 8192), (3, 100)):
        model = bertie.load(minilm, threads=threads, budget=budget)
        assert np.array_equal(model.embed(texts[::-1])[::-1], together)
