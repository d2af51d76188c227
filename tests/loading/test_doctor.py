"""An examination finds what is open, at odds and broken, and goes on as far as it can."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bertie.export import write_bundle
from bertie.loading.doctor import diagnose
from bertie.opened import Given
from tests.architectures import write
from tests.editing import edit_json, edit_tensors

VOCAB = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n"


def texts(source: Path, level: str, **given: Any) -> str:
    """The findings of one level."""
    found = diagnose(source, Given(**given)).findings
    return "\n".join(finding.text for finding in found if finding.level == level)


def test_a_model_in_order_has_nothing_broken(tiny_sentence: Path) -> None:
    found = diagnose(tiny_sentence)
    assert not found.broken
    assert "embed" in found.tasks
    assert texts(tiny_sentence, "conflict") == ""
    assert found.settings["pooling"].origin == "1_Pooling/config.json: pooling_mode"
    assert json.loads(json.dumps(found.to_dict()))["broken"] is False


CONFLICTS: list[tuple[str, dict[str, Any], str]] = [
    ("config.json", {"pad_token_id": 9}, "pad_token_id is 9, but [PAD] is 0 in the vocabulary"),
    (
        "config.json",
        {"num_labels": 5, "id2label": {"0": "a"}},
        "num_labels is 5 and id2label names 1 labels",
    ),
    ("tokenizer_config.json", {"model_max_length": 99}, "is 99 tokens, but the model has 64 pos"),
    ("sentence_bert_config.json", {"max_seq_length": 77}, "is 77 tokens, but the model has 64"),
    ("sentence_bert_config.json", {"max_seq_length": 7}, "the files disagree on maximum length"),
    ("tokenizer_config.json", {"do_lower_case": False}, "do_lower_case is false and tokenizer.js"),
]


@pytest.mark.parametrize(("file", "change", "message"), CONFLICTS)
def test_files_that_disagree_are_conflicts(
    bert: Path, file: str, change: dict[str, Any], message: str
) -> None:
    assert message not in texts(bert, "conflict")
    edit_json(bert / file, **change)
    assert message in texts(bert, "conflict")
    assert not diagnose(bert).broken


NOTES: list[tuple[dict[str, Any], str]] = [
    ({"model_type": None}, "has no model_type; by its other keys it is taken for bert's"),
    ({"layer_norm_eps": None}, "doesn't state layer_norm_eps; 1e-12 is used"),
]


@pytest.mark.parametrize(("change", "message"), NOTES)
def test_what_a_config_leaves_open_is_noted(
    bert: Path, change: dict[str, Any], message: str
) -> None:
    assert message not in texts(bert, "note")
    edit_json(bert / "config.json", **change)
    assert message in texts(bert, "note")


def test_what_an_architecture_leaves_no_choice_of_is_not_open(tmp_path: Path) -> None:
    folder = write(tmp_path, "neobert", "pooler")
    (folder / "vocab.txt").write_text(VOCAB, encoding="utf-8")
    assert "doesn't state" not in texts(folder, "note")


def test_modernberts_second_epsilon_is_known_to_be_idle(tmp_path: Path) -> None:
    folder = write(tmp_path, "modernbert", "pooler")
    (folder / "vocab.txt").write_text(VOCAB, encoding="utf-8")
    edit_json(folder / "config.json", layer_norm_eps=1e-5)
    assert "layer_norm_eps" not in texts(folder, "note")


def test_pooling_that_nobody_states_is_noted(bert: Path, tiny_sentence: Path) -> None:
    message = "nothing says how tokens become one vector"
    assert message in texts(bert, "note")
    assert message not in texts(bert, "note", pooling="cls")
    assert message not in texts(tiny_sentence, "note")


def test_weights_in_two_formats_and_unused_ones_are_noted(bert: Path) -> None:
    (bert / "pytorch_model.bin").touch()
    notes = texts(bert, "note")
    assert "the weights are there in safetensors, which is read, and in pytorch" in notes
    assert "2 tensors aren't used for embed: pooler.dense.bias, pooler.dense.weight" in notes


def test_names_that_a_wrapper_has_changed_are_noted(bert: Path) -> None:
    edit_tensors(bert, lambda found: {f"module.{name}": value for name, value in found.items()})
    assert "begins with 'module'" in texts(bert, "note")


def test_a_vocabulary_of_more_or_fewer_tokens_than_embeddings_is_noted(bert: Path) -> None:
    (bert / "tokenizer.json").unlink()
    vocab = bert / "vocab.txt"
    tokens = vocab.read_text()
    vocab.write_text(tokens + "additional\n")
    assert "has 180 tokens, and there are embeddings of 179" in texts(bert, "conflict")
    assert not diagnose(bert).broken
    vocab.write_text("".join(tokens.splitlines(keepends=True)[:-3]))
    assert "has 176 tokens and there are embeddings of 179" in texts(bert, "note")


def forget(name: str) -> Callable[[Path], None]:
    """Make a source that lacks a file."""
    return lambda directory: (directory / name).unlink()


def spoil(directory: Path) -> None:
    """Put a number that is none into a weight."""

    def change(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        tensors["encoder.layer.0.output.dense.weight"][0, 0] = np.nan
        return tensors

    edit_tensors(directory, change)


def widen(directory: Path) -> None:
    """Have the config say another size than the tensors."""
    edit_json(directory / "config.json", intermediate_size=41)


BROKEN: list[tuple[Callable[[Path], None], str, str]] = [
    (forget("config.json"), "lacks config.json or bert_config.json", "lower"),
    (forget("model.safetensors"), "lacks model.safetensors", "lower"),
    (spoil, "values that are NaN or infinite", "pooling"),
    (widen, "expected (41, 24) from intermediate_size", "intermediate_size"),
]


@pytest.mark.parametrize(("damage", "message", "known"), BROKEN)
def test_what_cannot_be_loaded_is_examined_as_far_as_it_can_be(
    bert: Path, damage: Callable[[Path], None], message: str, known: str
) -> None:
    damage(bert)
    found = diagnose(bert)
    assert found.broken
    assert found.tasks == ()
    assert message in texts(bert, "broken")
    assert found.findings[0].level == "broken"
    if known != "pooling":
        assert known in found.settings


def test_an_option_that_cannot_be_is_broken(tiny_sentence: Path) -> None:
    assert texts(tiny_sentence, "broken", max_length=2) == ""
    assert "max_length is 1, expected" in texts(tiny_sentence, "broken", max_length=1)


def test_a_source_that_is_not_there_is_broken(tmp_path: Path) -> None:
    found = diagnose(tmp_path / "nowhere")
    assert (found.broken, found.directory) == (True, None)
    assert "does not exist" in found.findings[0].text


def test_a_damaged_bundle_is_broken(tiny_bert: Path, tmp_path: Path) -> None:
    bundle = write_bundle(tiny_bert, tmp_path / "bundle", precision="int8").path
    assert not diagnose(bundle).broken
    assert diagnose(bundle).settings["precision"].value == "int8"
    (bundle / "more.txt").touch()
    assert texts(bundle, "broken") == "more.txt is not part of the bundle"
