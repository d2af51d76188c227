"""bertie export, and pull of what it makes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import bertie as library

from .conftest import Ran

Bertie = Callable[..., Ran]


def test_export_makes_a_bundle_that_every_command_takes(
    bertie: Bertie, tiny_sentence: Path, tmp_path: Path
) -> None:
    destination = tmp_path / "bundle"
    ran = bertie("export", tiny_sentence, destination, "--precision", "bfloat16")
    assert (ran.code, ran.err) == (0, "")
    made = json.loads(ran.out)
    assert made["path"] == str(destination)
    assert made["fingerprint"] == library.load(destination).fingerprint
    vectors = bertie("embed", "-m", destination, "a book").out
    assert vectors == bertie("embed", "-m", tiny_sentence, "--precision", "bfloat16", "a book").out
    ran = bertie("pull", destination)
    assert ran.out == f"{destination}\n"
    assert "every SHA-256 checked" in ran.err


def test_export_tells_people_what_it_made(bertie: Bertie, tiny_bert: Path, tmp_path: Path) -> None:
    ran = bertie("export", tiny_bert, tmp_path / "one.bertie", "--pack", "--as", "table")
    assert ran.out.startswith(f"{tmp_path}/one.bertie: embed in ")
    assert bertie("embed", "-m", tmp_path / "one.bertie", "a book").code == 0


def test_export_takes_settings_that_become_part_of_the_bundle(
    bertie: Bertie, tiny_bert: Path, tmp_path: Path
) -> None:
    destination = tmp_path / "bundle"
    settings = ["--pooling", "max", "--pooling", "cls", "--normalize", "--no-lower"]
    settings += ["--prompt", "query=find: ", "--max-length", "16", "--activation", "gelu_new"]
    assert bertie("export", tiny_bert, destination, *settings).code == 0
    assert json.loads((destination / "bertie.json").read_text())["options"] == {
        "max_length": 16,
        "lower": False,
        "activation": "gelu_new",
        "pooling": ["max", "cls"],
        "normalize": True,
        "prompts": {"query": "find: "},
    }
    assert bertie("export", tiny_bert, destination, "--prompt", "query").code == 2


def test_export_refuses_a_place_that_is_taken(
    bertie: Bertie, tiny_bert: Path, tmp_path: Path
) -> None:
    destination = tmp_path / "bundle"
    destination.mkdir()
    ran = bertie("export", tiny_bert, destination)
    assert (ran.code, ran.out) == (1, "")
    assert "exists already; --force" in ran.err
    assert list(destination.iterdir()) == []


@pytest.mark.parametrize("command", [["pull"], ["pull", "--check"]])
def test_a_damaged_bundle_is_found(
    bertie: Bertie, tiny_bert: Path, tmp_path: Path, command: list[str]
) -> None:
    destination = tmp_path / "bundle"
    bertie("export", tiny_bert, destination)
    assert bertie(*command, destination).code == 0
    weights = destination / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    ran = bertie(*command, destination)
    assert ran.code == 1
    assert "model.safetensors is not what was" in ran.err


def test_check_fetches_nothing(bertie: Bertie) -> None:
    ran = bertie("pull", "--check", "some/model")
    assert ran.code == 1
    assert "is not in the cache" in ran.err
    assert bertie("pull", "--check", "--again").code == 2


def test_export_writes_onnx_and_says_how_close_it_is(
    bertie: Bertie, tiny_sentence: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    destination = tmp_path / "onnx"
    ran = bertie("export", tiny_sentence, destination, "--to", "onnx", "--output", "embedding")
    assert (ran.code, ran.err) == (0, "")
    made = json.loads(ran.out)
    assert made["outputs"] == ["sentence_embedding"]
    assert made["check"]["max_difference"] < 1e-5
    assert (destination / "model.onnx").stat().st_size == made["bytes"]
    ran = bertie("export", tiny_sentence, tmp_path / "b", "--to", "onnx", "--as", "table")
    assert ran.out.startswith(f"{tmp_path}/b: last_hidden_state of input_ids, attention_mask")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--output", "logits"], "--output is for --to onnx, not for --to bundle"),
        (["--external-data"], "--external-data is for --to onnx, not for --to bundle"),
        (["--to", "onnx", "--pack"], "--pack is for --to bundle, not for --to onnx"),
        (["--to", "onnx", "--precision", "int8"], "ONNX is written in float32 only"),
    ],
)
def test_export_refuses_options_of_another_form(
    bertie: Bertie, tiny_bert: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    ran = bertie("export", tiny_bert, tmp_path / "made", *options)
    assert ran.code == 2
    assert said in ran.err
    assert list(tmp_path.iterdir()) == []
