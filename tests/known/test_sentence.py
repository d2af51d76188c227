"""Each row of the table about sentence-transformers' files is what happens."""

import json
from pathlib import Path
from typing import Any

import pytest

from bertie.known import (
    IDLE,
    MODULE_CONFIGS,
    MODULES_FILE,
    NOTED,
    READ,
    REFUSED,
    SENTENCE_CONFIGS,
    SENTENCE_SETTINGS,
    Known,
)
from bertie.known.sentence import COLBERT, MODULES, PROMPTS_CONFIG, TRANSFORMER_CONFIGS
from tests.known.walking import SAMPLE, called, notes, outcome, put, refusal

FILE = TRANSFORMER_CONFIGS[0]
# What a key that is read is changed to, by its file.
CHANGED: dict[str, dict[str, Any]] = {
    FILE: {
        "max_seq_length": 7,
        "do_lower_case": True,
        "transformer_task": "sequence-classification",
        "processing_kwargs.common.max_length": 7,
        "processing_kwargs.text.max_length": 7,
        "processor_kwargs.model_max_length": 7,
        "tokenizer_args.model_max_length": 7,
        "query_length": 40,
        "document_length": 9,
        "query_expansion": {"strategy": "min", "length": 13},
    },
    PROMPTS_CONFIG: {
        "model_type": "SparseEncoder",
        "prompts": {"query": "stone "},
        "default_prompt_name": "query",
        "similarity_fn_name": "euclidean",
        "truncate_dim": 5,
        "max_active_dims": 3,
        "activation_fn": "torch.nn.modules.activation.Sigmoid",
        "query_length": 9,
        "document_length": 9,
        "query_prefix": "rain",
        "document_prefix": "rain",
        "skiplist_words": ["rain"],
        "attend_to_expansion_tokens": True,
        "attend_to_mask_tokens": True,
        "do_query_expansion": False,
    },
    COLBERT: {
        "query_maxlen": 9,
        "doc_maxlen": 9,
        "mask_punctuation": False,
        "attend_to_mask_tokens": True,
        "query_token_id": "rain",
        "doc_token_id": "rain",
    },
    "Pooling": {
        "pooling_mode": "max",
        "pooling_mode_cls_token": True,
        "pooling_mode_lasttoken": True,
        "pooling_mode_max_tokens": True,
        "pooling_mode_mean_sqrt_len_tokens": True,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_weightedmean_tokens": True,
        "include_prompt": False,
        "embedding_dimension": 9,
        "word_embedding_dimension": 9,
    },
    "Dense": {
        "in_features": 9,
        "out_features": 9,
        "bias": False,
        "activation_function": "torch.nn.modules.activation.ReLU",
        "module_input_name": "token_embeddings",
        "module_output_name": "token_embeddings",
    },
    "Normalize": {
        "module_input_name": "token_embeddings",
        "module_output_name": "token_embeddings",
    },
    "SpladePooling": {"activation_function": "relu"},
    "MultiVectorMask": {"skiplist_words": ["rain"], "skiplist_tasks": ["query"]},
    MODULES: {
        "type": "sentence_transformers.models.Normalize",
        "path": "nowhere",
        "name": "0",
    },
}


def file_of(row: Known, directory: Path) -> Path:
    """Find the file that a row is about."""
    if "*" not in row.file:
        return directory / row.file
    (path,) = directory.glob(f"*_{row.where[0]}/config.json")
    return path


def kinds(row: Known) -> tuple[str, ...]:
    """List the kinds of model that a row is about."""
    return (COLBERT,) if row.file == COLBERT else row.where or ("",)


def prepare(row: Known, directory: Path) -> None:
    """Make a model one to which a key matters."""
    if row.key == "do_lower_case":  # which a tokenizer that lower-cases makes needless
        put(directory / "tokenizer_config.json", "do_lower_case", False)
    if row.key == "default_prompt_name":
        put(directory / PROMPTS_CONFIG, "prompts", {"query": "stone ", "document": ""})
        put(directory / PROMPTS_CONFIG, "default_prompt_name", "document")
    if row.key == "query_length" and "multivector" in row.where:
        put(directory / FILE, "query_expansion", None)
    if row.key.startswith("pooling_mode_") or row.key == "word_embedding_dimension":
        raw = json.loads(file_of(row, directory).read_text())
        del raw["pooling_mode"], raw["embedding_dimension"]
        raw[CHANGED_MODE[row.key == "pooling_mode_mean_tokens"]] = True
        file_of(row, directory).write_text(json.dumps(raw))


CHANGED_MODE = {False: "pooling_mode_mean_tokens", True: "pooling_mode_cls_token"}
ROWS = (*SENTENCE_CONFIGS, *SENTENCE_SETTINGS, *MODULE_CONFIGS)


def rows(mark: str) -> list[Known]:
    """Choose rows about keys."""
    return [row for row in ROWS if row.mark == mark and row.key]


@pytest.mark.parametrize("row", rows(READ), ids=called)
def test_a_key_that_is_read_changes_the_model(row: Known, model: Any) -> None:
    for kind in kinds(row):
        directory = model(kind)
        prepare(row, directory)
        path = file_of(row, directory)
        before = outcome(directory)
        assert before.startswith(("embed", "sparse", "rank", "multivector"))
        changed = CHANGED[row.where[0] if "*" in row.file else row.file][row.key]
        put(path, row.key, changed)
        assert outcome(directory) != before, kind


@pytest.mark.parametrize("row", rows(REFUSED), ids=called)
def test_a_key_that_is_refused_is_named(row: Known, model: Any) -> None:
    for kind in kinds(row):
        directory = model(kind)
        path = file_of(row, directory)
        before = outcome(directory)
        for value in row.neutral:
            put(path, row.key, value)
            assert outcome(directory) == before
        put(path, row.key, SAMPLE)
        key = row.key.replace("*", "something")
        said = refusal(directory)
        assert f"{path.name}: {key} is '{SAMPLE}', which {row.effect}" in said
        assert row.instead in said


@pytest.mark.parametrize("row", rows(NOTED), ids=called)
def test_a_key_that_is_noted_is_in_info(row: Known, model: Any) -> None:
    for kind in kinds(row):
        directory = model(kind)
        path = file_of(row, directory)
        for value in row.neutral:
            put(path, row.key, value)
            assert not any(f": {row.key} is " in note for note in notes(directory))
        put(path, row.key, SAMPLE)
        key = row.key.replace("*", "something")
        assert f"{path.name}: {key} is '{SAMPLE}', which {row.effect}" in notes(directory)


@pytest.mark.parametrize("row", rows(IDLE), ids=called)
def test_a_key_that_is_idle_changes_nothing(row: Known, model: Any) -> None:
    for kind in kinds(row):
        directory = model(kind)
        before = outcome(directory)
        put(file_of(row, directory), row.key, 7)
        assert outcome(directory) == before


@pytest.mark.parametrize("row", MODULES_FILE, ids=called)
def test_a_key_of_the_modules_is_what_its_row_says(row: Known, model: Any) -> None:
    directory = model("")
    before = outcome(directory)
    modules = json.loads((directory / MODULES).read_text())
    modules[2][row.key] = CHANGED[MODULES].get(row.key, 7)
    (directory / MODULES).write_text(json.dumps(modules))
    assert (outcome(directory) != before) == (row.mark == READ)


@pytest.mark.parametrize("row", [row for row in MODULE_CONFIGS if not row.key], ids=called)
def test_a_module_that_is_refused_is_named(row: Known, model: Any) -> None:
    directory = model("")
    modules = json.loads((directory / MODULES).read_text())
    modules[2]["type"] = f"sentence_transformers.some.modules.{row.where[0]}"
    (directory / MODULES).write_text(json.dumps(modules))
    said = refusal(directory)
    assert f"is not supported: {row.where[0]} {row.effect}; {row.instead}" in said


def test_every_row_that_is_read_is_changed_above() -> None:
    listed = {(row.where[0] if "*" in row.file else row.file, row.key) for row in rows(READ)}
    listed |= {(row.file, row.key) for row in MODULES_FILE if row.mark == READ}
    assert listed == {(file, key) for file, keys in CHANGED.items() for key in keys}
