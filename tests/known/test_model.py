"""Each row of the table about config.json and its neighbours is what happens."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import bertie
from bertie.checkpoint.architectures import ARCHITECTURES
from bertie.checkpoint.fields import FIELDS
from bertie.checkpoint.settings import STATED
from bertie.known import IDLE, MODEL_CONFIG, MODEL_FILES, NOTED, READ, REFUSED, Known
from bertie.known.modern_model import AUTHORS
from bertie.known.sentence import COLBERT, TRANSFORMER_CONFIGS
from bertie.loading.doctor import diagnose
from bertie.sources.layout import needed_files
from tests.architectures import described, write
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
    **{f"{name}_bias": True for name in ("norm", "attention", "mlp", "classifier")},
    **{f"{name}_bias": True for name in ("qkv_proj", "mlp_fc1", "mlp_fc2")},
    "decoder_bias": False,
    "classifier_pooling": "mean",
    "clf_pooling": "mean",
    "classifier_activation": "relu",
    "pooler_hidden_act": "relu",
    "local_attention": 4,
    "layer_types": ["sliding_attention", "full_attention"],
    "global_attn_every_n_layers": 1,
    "global_rope_theta": 50.0,
    "local_rope_theta": 50.0,
    "rope_theta": 50.0,
    "rope_parameters": {"rope_type": "linear", "factor": 2.0},
    "rope_scaling": {"rope_type": "linear", "factor": 2.0},
    "head_dim": 4,
    "attention_head_size": 4,
    "num_key_value_heads": 2,
    "position_biased_input": False,
    "legacy": False,
    "relative_attention": False,
    "max_relative_positions": 5,
    "pos_att_type": ["c2p"],
    "position_buckets": -1,
    "share_att_key": False,
    "norm_rel_ebd": "none",
    "conv_kernel_size": 5,
    "conv_act": "relu",
    "rotary_emb_fraction": 0.5,
    "rotary_emb_base": 50,
    "rotary_emb_interleaved": True,
    "rotary_scaling_factor": 3.0,
    "max_trained_positions": 8,
    "activation_function": "geglu",
    "position_embedding_type": "absolute",
    "feed_forward_type": "reglu",
}
# All names that an architecture has for one of them, of which the first wins → the same change.
OWN_NAMES = {
    (architecture.model_type, names): CHANGED[field]
    for architecture in ARCHITECTURES.values()
    for field, names in architecture.keys.items()
    if field in CHANGED
}
CHANGED = {name: value for (_, names), value in OWN_NAMES.items() for name in names} | CHANGED
CHANGED["n_embd"] = 48
# What must be so for a key to matter: another class, another task, no key that says the same.
CLASSES = {
    "tie_word_embeddings": "ForMaskedLM",
    "decoder_bias": "ForMaskedLM",
    ("hidden_act", "jina_bert"): "ForMaskedLM",
}
INSTEAD: dict[Any, str] = {"label2id": "id2label", "clf_pooling": "classifier_pooling"}
INSTEAD |= {
    (other, architecture): first for architecture, (first, *others) in OWN_NAMES for other in others
}
INSTEAD |= dict.fromkeys(("rope_scaling", "rope_theta"), "rope_parameters")
INSTEAD |= dict.fromkeys(("global_rope_theta", "local_rope_theta"), "rope_parameters")
INSTEAD["global_attn_every_n_layers"] = "layer_types"
TASKS = {key: "rank" for key in CHANGED if key.endswith(("activation_fn", "activation_function"))}
del TASKS["activation_function"]
# What a model as transformers saves it has no use of; tests/checkpoint/test_heads.py shows it.
UNSEEN = {
    ("legacy", "deberta"),
    ("legacy", "deberta-v2"),
    ("tie_word_embeddings", "eurobert"),
    ("tie_word_embeddings", "neobert"),
}
# Fixtures of architectures that transformers has no class for, and of Nomic's own keys.
FIXTURES = {name: name for name in AUTHORS} | {"nomic_bert": "nomic_bert-authors"}
KINDS = {CLASSIFIER: "sequence_classification", "ForMaskedLM": "masked_lm"}
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghij"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every class of every architecture, as transformers saved it."""
    into = tmp_path_factory.mktemp("heads")
    for architecture in SAVED:
        unpack(architecture, into)
    return into


def model(
    saved: Path, into: Path, architecture: str, ending: str = CLASSIFIER, *, key: str = ""
) -> Path:
    """Copy a model, which a test may damage; one as its authors saved it for a key of theirs."""
    directory = into / architecture
    theirs = set(described(FIXTURES[architecture])["config"]) if architecture in FIXTURES else set()
    if architecture in AUTHORS or key in theirs - FIELDS.keys():
        write(directory, FIXTURES[architecture], KINDS[ending])
        (directory / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
        return directory
    name = ARCHITECTURES[architecture].classes + ending
    return Path(shutil.copytree(saved / architecture / name, directory, dirs_exist_ok=True))


def concerned(row: Known) -> str:
    """Name an architecture that a row is about."""
    return row.where[0] if row.where and "bert" not in row.where else "bert"


def rows(mark: str) -> list[Known]:
    """Choose rows of config.json."""
    return [row for row in MODEL_CONFIG if row.mark == mark]


@pytest.mark.parametrize("row", rows(READ), ids=called)
def test_a_key_that_is_read_changes_the_model(row: Known, saved: Path, tmp_path: Path) -> None:
    for architecture in row.where or ARCHITECTURES:
        if (row.key, architecture) in UNSEEN:
            continue
        ending = CLASSES.get((row.key, architecture), CLASSES.get(row.key, CLASSIFIER))
        directory = model(saved, tmp_path, architecture, ending, key=row.key)
        config = directory / "config.json"
        raw = json.loads(config.read_text())
        instead = INSTEAD.get((row.key, architecture), INSTEAD.get(row.key))
        if instead in raw:
            put(config, row.key, raw[instead] if row.key != "label2id" else {})
            put(config, instead, None)
        task = TASKS.get(row.key)
        before = outcome(directory, task=task)
        changed = CHANGED[row.key]
        if row.key == "model_type" and architecture == "mpnet":
            changed = "bert"
        put(config, row.key, changed)
        assert outcome(directory, task=task) != before, f"{architecture}: nothing changes"


@pytest.mark.parametrize("row", rows(REFUSED), ids=called)
def test_a_key_that_is_refused_is_named(row: Known, saved: Path, tmp_path: Path) -> None:
    directory = model(saved, tmp_path, concerned(row), key=row.key)
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
    directory = model(saved, tmp_path, concerned(row), key=row.key)
    for value in row.neutral:
        put(directory / "config.json", row.key, value)
        assert not any(f": {row.key} is " in note for note in notes(directory))
    put(directory / "config.json", row.key, SAMPLE)
    assert f"config.json: {row.key} is '{SAMPLE}', which {row.effect}" in notes(directory)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
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
    theirs = set(ARCHITECTURES) - set(AUTHORS)
    assert set(SAVED) == theirs, "run scripts/make_framework_fixtures.py"


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_what_an_architecture_calls_its_fields_is_read_of_it(name: str) -> None:
    read = {row.key for row in rows(READ) if not row.where or name in row.where}
    own = ARCHITECTURES[name]
    known = {field for field in FIELDS if field in STATED or own.reads(field)}
    stated = known - own.fixed.keys() - own.same.keys() - own.present.keys()
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
