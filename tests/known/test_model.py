"""Each row of the table about config.json and its neighbours is what happens."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import bertie
from bertie.checkpoint.architectures import ARCHITECTURES
from bertie.checkpoint.fields import FIELDS
from bertie.known import IDLE, MODEL_CONFIG, MODEL_FILES, NOTED, READ, REFUSED, Known
from bertie.known.sentence import COLBERT, TRANSFORMER_CONFIGS
from bertie.loading.doctor import diagnose
from bertie.sources.layout import needed_files
from tests.frameworks import ARCHITECTURES as SAVED
from tests.frameworks import unpack
from tests.known.walking import SAMPLE, called, notes, outcome, put, refusal

CLASSIFIER = "ForSequenceClassification"
SIGMOID = "torch.nn.modules.activation.Sigmoid"
# What a key that is read is changed to.
CHANGED: dict[str, Any] = {
    "model_type": "mpnet",
    "architectures": ["SomeForTokenClassification"],
    "vocab_size": 500,
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "intermediate_size": 32,
    "max_position_embeddings": 20,
    "type_vocab_size": 9,
    "hidden_act": "relu",
    "layer_norm_eps": 0.01,
    "embedding_size": 20,
    "num_hidden_groups": 2,
    "inner_group_num": 2,
    "relative_attention_num_buckets": 16,
    "pad_token_id": 5,
    "tie_word_embeddings": False,
    "id2label": {"0": "a", "1": "b", "2": "c"},
    "label2id": {"a": 0, "b": 1, "c": 2},
    "problem_type": "multi_label_classification",
    "sentence_transformers.activation_fn": SIGMOID,
    "sbert_ce_default_activation_function": SIGMOID,
}
# All names that an architecture has for one of them, of which the first wins → the same change.
OWN_NAMES = {
    names: CHANGED[field]
    for architecture in ARCHITECTURES.values()
    for field, names in architecture.keys.items()
    if field in CHANGED
}
CHANGED |= {name: value for names, value in OWN_NAMES.items() for name in names}
# What must be so for a key to matter: another class, another task, no key that says the same.
CLASSES = {"tie_word_embeddings": "ForMaskedLM"}
INSTEAD = {"label2id": "id2label"}
INSTEAD |= {other: first for first, *others in OWN_NAMES for other in others}
TASKS = {key: "rank" for key in CHANGED if "activation_f" in key}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every class of every architecture, as transformers saved it."""
    into = tmp_path_factory.mktemp("heads")
    for architecture in SAVED:
        unpack(architecture, into)
    return into


def model(saved: Path, into: Path, architecture: str, ending: str = CLASSIFIER) -> Path:
    """Copy a model, which a test may damage."""
    directory = into / architecture
    name = ARCHITECTURES[architecture].classes + ending
    return Path(shutil.copytree(saved / architecture / name, directory, dirs_exist_ok=True))


def rows(mark: str) -> list[Known]:
    """Choose rows of config.json."""
    return [row for row in MODEL_CONFIG if row.mark == mark]


@pytest.mark.parametrize("row", rows(READ), ids=called)
def test_a_key_that_is_read_changes_the_model(row: Known, saved: Path, tmp_path: Path) -> None:
    for architecture in row.where or SAVED:
        directory = model(saved, tmp_path, architecture, CLASSES.get(row.key, CLASSIFIER))
        config = directory / "config.json"
        raw = json.loads(config.read_text())
        if row.key in INSTEAD and INSTEAD[row.key] in raw:
            put(config, row.key, raw[INSTEAD[row.key]] if row.key != "label2id" else {})
            put(config, INSTEAD[row.key], None)
        task = TASKS.get(row.key)
        before = outcome(directory, task=task)
        changed = CHANGED[row.key]
        if row.key == "model_type" and architecture == "mpnet":
            changed = "bert"
        put(config, row.key, changed)
        assert outcome(directory, task=task) != before, f"{architecture}: nothing changes"


@pytest.mark.parametrize("row", rows(REFUSED), ids=called)
def test_a_key_that_is_refused_is_named(row: Known, saved: Path, tmp_path: Path) -> None:
    directory = model(saved, tmp_path, "bert")
    before = outcome(directory)
    for value in row.neutral:
        put(directory / "config.json", row.key, value)
        assert outcome(directory) == before
    put(directory / "config.json", row.key, SAMPLE)
    said = refusal(directory)
    assert f"config.json: {row.key} is '{SAMPLE}', which {row.effect}" in said
    assert row.instead in said


@pytest.mark.parametrize("row", rows(NOTED), ids=called)
def test_a_key_that_is_noted_is_in_info(row: Known, saved: Path, tmp_path: Path) -> None:
    directory = model(saved, tmp_path, "bert")
    for value in row.neutral:
        put(directory / "config.json", row.key, value)
        assert not any(f": {row.key} is " in note for note in notes(directory))
    put(directory / "config.json", row.key, SAMPLE)
    assert f"config.json: {row.key} is '{SAMPLE}', which {row.effect}" in notes(directory)


@pytest.mark.parametrize("architecture", SAVED)
def test_a_key_that_is_idle_changes_nothing(architecture: str, saved: Path, tmp_path: Path) -> None:
    directory = model(saved, tmp_path, architecture)
    before = outcome(directory)
    for row in rows(IDLE):
        if not row.where or architecture in row.where:
            put(directory / "config.json", row.key, 7)
    assert outcome(directory) == before


@pytest.mark.parametrize("row", [row for row in MODEL_FILES if row.mark == REFUSED], ids=called)
@pytest.mark.parametrize("content", ["{}", "garbage", '{"peft_type": "LORA", "r": 8}'])
@pytest.mark.parametrize("alone", [False, True])
def test_a_file_that_is_refused_is_named_whatever_it_holds(
    row: Known, content: str, alone: bool, saved: Path, tmp_path: Path
) -> None:
    directory = model(saved, tmp_path, "bert")
    (directory / row.file).write_text(content)
    if alone:
        (directory / "model.safetensors").rename(directory / "adapter_model.safetensors")
    said = refusal(directory)
    assert f"{directory} has {row.file}, which {row.effect}" in said
    assert row.instead in said


@pytest.mark.parametrize("row", [row for row in MODEL_FILES if row.mark == NOTED], ids=called)
def test_a_file_that_is_noted_is_in_info(row: Known, saved: Path, tmp_path: Path) -> None:
    directory = model(saved, tmp_path, "bert")
    name = row.file.replace("*", "safetensors")
    (directory / name).parent.mkdir(exist_ok=True)
    (directory / name).write_text("{}")
    assert f"{directory} has {name}, which {row.effect}" in notes(directory)


@pytest.mark.parametrize("row", [row for row in MODEL_FILES if row.mark == IDLE], ids=called)
def test_a_file_that_is_idle_changes_nothing(row: Known, saved: Path, tmp_path: Path) -> None:
    directory = model(saved, tmp_path, "bert")
    before = outcome(directory)
    path = directory / row.file.replace("*", "modeling")
    if row.file.endswith("/"):
        path.mkdir()
    else:
        path.write_text("anything")
    assert outcome(directory) == before


def test_an_adapter_in_the_folder_of_the_encoder_is_refused(sentence: Path) -> None:
    folder = sentence / "0_Transformer"
    folder.mkdir()
    for path in list(sentence.iterdir()):
        if path.is_file() and "sentence_transformers" not in path.name:
            path.rename(folder / path.name)
    modules = folder / "modules.json"
    modules.write_text(modules.read_text().replace('"path": ""', '"path": "0_Transformer"'))
    modules.rename(sentence / "modules.json")
    assert outcome(sentence).startswith("embed")
    (folder / "adapter_config.json").write_text("{}")
    assert f"{folder} has adapter_config.json, which says that an adapter" in refusal(sentence)


def test_a_file_beside_modules_is_noted_where_the_encoder_has_a_folder(sentence: Path) -> None:
    folder = sentence / "0_Transformer"
    shutil.copytree(sentence, folder)
    modules = (
        (sentence / "modules.json").read_text().replace('"path": ""', '"path": "0_Transformer"')
    )
    (sentence / "modules.json").write_text(modules)
    (sentence / "config_setfit.json").write_text("{}")
    (folder / "colbert_linear.pt").write_bytes(b"")
    said = notes(sentence)
    assert any(text.startswith(f"{sentence} has config_setfit.json, which is") for text in said)
    assert any(text.startswith(f"{folder} has colbert_linear.pt, which is") for text in said)


def test_every_row_that_is_read_is_changed_above() -> None:
    assert {row.key for row in rows(READ)} == set(CHANGED)


def test_every_architecture_was_saved_by_transformers() -> None:
    assert set(SAVED) == set(ARCHITECTURES), "run scripts/make_framework_fixtures.py"


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_an_architecture_calls_its_fields_is_read_of_it(name: str) -> None:
    read = {row.key for row in rows(READ) if not row.where or name in row.where}
    own = ARCHITECTURES[name]
    stated = FIELDS.keys() - own.fixed.keys() - own.same.keys()
    keys = {key for field in stated for key in own.keys.get(field, (field,))}
    assert keys - read == set(), f"these lack a row for {name} in bertie.known.model"


def test_labels_that_are_numbered_in_two_ways_are_noted(saved: Path, tmp_path: Path) -> None:
    directory = model(saved, tmp_path, "bert")
    put(directory / "config.json", "id2label", {"0": "a", "1": "b", "2": "c"})
    put(directory / "config.json", "label2id", {"a": 0, "b": 1, "c": 2})
    assert notes(directory) == []
    put(directory / "config.json", "label2id", {"a": 2, "b": 1, "c": 0})
    said = "config.json: id2label and label2id number the same labels differently; id2label is used"
    assert said in bertie.load(directory).info().notes


def test_files_that_are_refused_or_read_are_fetched_with_a_model() -> None:
    there = ["config.json", "model.safetensors", "vocab.txt", "adapter_config.json", "x.txt"]
    there += ["config_setfit.json", "model_head.pkl", "sparse_linear.pt", "tokenizer_78.model"]
    there += ["0_Transformer/adapter_config.json", *TRANSFORMER_CONFIGS, COLBERT]
    assert set(there) - set(needed_files(there)) == {"x.txt"}


def test_the_doctor_names_keys_that_nobody_reads(saved: Path, tmp_path: Path) -> None:
    directory = model(saved, tmp_path, "bert")
    assert not any("neither transformers" in one.text for one in diagnose(directory).findings)
    for key in ("use_rope", "dim", "_private"):
        put(directory / "config.json", key, 7)
    said = "config.json has dim, use_rope, which neither transformers nor Bertie reads for bert"
    assert any(one.text.startswith(said) for one in diagnose(directory).findings)
