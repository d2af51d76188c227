"""The encoder's tensors fit the config, or one error lists all that don't."""

import re
from pathlib import Path

import numpy as np
import pytest

from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.shapes import encoder_tensors
from bertie.checkpoint.tensor import FLOAT_DTYPES
from bertie.errors import CheckpointError
from tests.architectures import NAMES, write
from tests.editing import edit_json, edit_tensors

QUERY = "encoder.layer.1.attention.self.query.weight"


def test_the_encoder_uses_five_tensors_and_sixteen_a_layer(bert: Path) -> None:
    tensors = encoder_tensors(Checkpoint.open(bert))
    assert len(tensors) == 5 + 3 * 16
    assert tensors[QUERY].shape == (24, 24)


def test_every_spelling_of_the_names_gives_the_same_tensors(bert: Path) -> None:
    expected = encoder_tensors(Checkpoint.open(bert))
    spell = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}

    def respell(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        for new, old in spell.items():
            tensors = {name.replace(new, old): value for name, value in tensors.items()}
        return {f"bert.{name}": value for name, value in tensors.items()}

    edit_tensors(bert, respell)
    found = encoder_tensors(Checkpoint.open(bert))
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        assert np.array_equal(tensor.float32(), expected[name].float32())


@pytest.mark.parametrize(
    ("spell", "said"),
    [
        (("query.", "query.base_layer."), "of an adapter that isn't merged: merge it, with peft"),
        (("", "base_model.model."), "of an adapter that isn't merged: merge it, with peft"),
        (("", "0.auto_model."), "save transformers' own model"),
    ],
)
def test_tensors_under_a_wrappers_names_are_told(
    bert: Path, spell: tuple[str, str], said: str
) -> None:
    edit_tensors(bert, lambda tensors: {name.replace(*spell, 1): tensors[name] for name in tensors})
    with pytest.raises(CheckpointError, match=rf"tensors:\n(.*\n)*.* has .*{spell[1]}.*{said}"):
        encoder_tensors(Checkpoint.open(bert))


@pytest.mark.parametrize(
    ("architecture", "fused", "parts"),
    [
        ("modernbert", "layers.1.attn.Wqkv.weight", "query, key, value"),
        ("deberta", "encoder.layer.1.attention.self.in_proj.weight", "query, key, value of each"),
        ("new", "encoder.layer.1.mlp.up_gate_proj.weight", "dense, gate"),
    ],
)
@pytest.mark.parametrize("kind", ["a row more", "integers", "a number"])
def test_a_tensor_that_cannot_be_shared_out_is_named(
    architecture: str, fused: str, parts: str, kind: str, tmp_path: Path
) -> None:
    source = write(tmp_path, architecture, "pooler", prefixed=False)

    def damage(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        whole = tensors[fused]
        damaged = {
            "a row more": np.concatenate([whole, whole[:1]]),
            "integers": whole.astype(np.int8),
            "a number": np.array(1, np.float32),
        }
        return {**tensors, fused: damaged[kind]}

    edit_tensors(source, damage)
    with pytest.raises(CheckpointError) as caught:
        encoder_tensors(Checkpoint.open(source))
    assert "layer.1." in str(caught.value)
    said = rf"has {re.escape(fused)}, .* whose rows can't be shared out among {parts}"
    assert re.search(said, str(caught.value))


def test_one_error_lists_every_tensor_that_cannot_be_used(bert: Path) -> None:
    def damage(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        tensors["embeddings.LayerNorm.gamma"] = tensors["embeddings.LayerNorm.weight"]
        tensors[QUERY] = tensors[QUERY][:, :20].copy()
        tensors["encoder.layer.0.output.dense.bias"] = np.zeros(24, np.int32)
        del tensors["encoder.layer.2.intermediate.dense.weight"]
        return tensors

    edit_tensors(bert, damage)
    with pytest.raises(CheckpointError) as caught:
        encoder_tensors(Checkpoint.open(bert))
    first, *lines = str(caught.value).splitlines()
    assert first.endswith("bert: the encoder can't use 4 tensors:")
    assert [line.strip() for line in lines] == [
        "model.safetensors: tensors embeddings.LayerNorm.gamma and embeddings.LayerNorm.weight"
        " are both embeddings.LayerNorm.weight, expected one of them",
        "model.safetensors: tensor encoder.layer.0.output.dense.bias is I32,"
        f" expected one of {', '.join(FLOAT_DTYPES)}",
        f"model.safetensors: tensor {QUERY} is (24, 20),"
        " expected (24, 24) from hidden_size in config.json",
        "model.safetensors: tensor encoder.layer.2.intermediate.dense.weight missing,"
        " expected (40, 24) from intermediate_size and hidden_size in config.json",
    ]


def test_a_size_by_default_is_named_as_such(bert: Path) -> None:
    edit_json(bert / "config.json", max_position_embeddings=None)
    match = r"position_embeddings.weight is \(64, 24\), expected \(512, 24\) from"
    match += " max_position_embeddings by default, hidden_size in config.json"
    with pytest.raises(CheckpointError, match=match):
        encoder_tensors(Checkpoint.open(bert))


@pytest.mark.parametrize("layers", [4, 1024])
def test_layers_that_the_file_lacks_are_told_in_one_line(bert: Path, layers: int) -> None:
    edit_json(bert / "config.json", num_hidden_layers=layers)
    last = "" if layers == 4 else f" to encoder.layer.{layers - 1}"
    match = f"encoder.layer.3{last} missing, expected {layers} layers from num_hidden_layers in"
    with pytest.raises(CheckpointError, match=match) as caught:
        encoder_tensors(Checkpoint.open(bert))
    assert len(str(caught.value).splitlines()) == 2


def test_layers_beyond_the_configs_are_not_used(bert: Path) -> None:
    edit_json(bert / "config.json", num_hidden_layers=2)
    checkpoint = Checkpoint.open(bert)
    tensors = encoder_tensors(checkpoint)
    assert len(tensors) == 5 + 2 * 16
    assert len(checkpoint.unused(tensors)) == 2 + 16


def test_tensors_that_the_encoder_does_not_use_may_be_anything(bert: Path) -> None:
    odd = {
        "pooler.dense.weight": np.zeros((1, 2), np.int8),
        "bert.pooler.dense.weight": np.zeros(3, np.float64),
        "embeddings.position_ids": np.arange(7)[None],
        "encoder.layer.x.weight": np.zeros(1, np.uint16),
    }
    edit_tensors(bert, lambda tensors: {**tensors, **odd})
    checkpoint = Checkpoint.open(bert)
    unused = checkpoint.unused(encoder_tensors(checkpoint))
    assert set(unused) == {*odd, "pooler.dense.bias"}


@pytest.mark.parametrize("name", NAMES)
def test_an_encoder_uses_all_tensors_of_its_file_but_a_pooler(name: str, tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, name, "pooler"))
    tensors = encoder_tensors(checkpoint)
    assert all("pooler" in unused for unused in checkpoint.unused(tensors))
    layers = {key.split(".")[2] for key in tensors if key.startswith("encoder.layer.")}
    assert layers == {str(layer) for layer in checkpoint.config.layer_weights}


@pytest.mark.parametrize(
    ("name", "file_name", "message"),
    [
        (
            "electra",
            "embeddings_project.weight",
            r"embeddings.projection.weight missing, expected \(30, 14\) from hidden_size and emb",
        ),
        (
            "mpnet",
            "encoder.relative_attention_bias.weight",
            r"relative_attention_bias.weight missing, expected \(32, 5\)",
        ),
        (
            "distilbert",
            "transformer.layer.1.ffn.lin1.weight",
            r"layer.1.intermediate.dense.weight missing, expected \(42, 30\) from hidden_dim and d",
        ),
        (
            "roberta",
            "embeddings.token_type_embeddings.weight",
            r"token_type_embeddings.weight missing, expected \(2, 30\)",
        ),
    ],
)
def test_what_an_architecture_needs_is_missed(
    name: str, file_name: str, message: str, tmp_path: Path
) -> None:
    directory = write(tmp_path, name, "pooler")
    edit_tensors(directory, lambda t: {key: v for key, v in t.items() if key != file_name})
    with pytest.raises(CheckpointError, match=message):
        encoder_tensors(Checkpoint.open(directory))


def test_shared_layers_that_the_file_lacks_are_counted_by_groups(tmp_path: Path) -> None:
    directory = write(tmp_path, "albert", "pooler")
    edit_json(directory / "config.json", num_hidden_groups=4)
    match = "encoder.layer.4 to encoder.layer.7 missing, expected 8 layers from num_hidden_groups i"
    with pytest.raises(CheckpointError, match=match):
        encoder_tensors(Checkpoint.open(directory))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        (
            "deberta",
            "position_buckets by default, max_relative_positions and max_position_embeddings",
        ),
        ("deberta-v2", "position_buckets and max_relative_positions and max_position_embeddings"),
    ],
)
def test_what_sizes_the_table_of_distances_is_named(name: str, fields: str, tmp_path: Path) -> None:
    folder = write(tmp_path, name, "pooler")
    edit_tensors(
        folder,
        lambda tensors: {
            key: value[:-1] if key.endswith("rel_embeddings.weight") else value
            for key, value in tensors.items()
        },
    )
    with pytest.raises(CheckpointError, match=f"rel_embeddings.*from {fields}"):
        encoder_tensors(Checkpoint.open(folder))
