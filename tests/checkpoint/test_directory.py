"""A directory becomes a Checkpoint."""

import json
from pathlib import Path

import numpy as np
import pytest

import bertie
from bertie.checkpoint.directory import Checkpoint, require_files
from bertie.checkpoint.files import read_json
from bertie.checkpoint.heads import heads
from bertie.checkpoint.shapes import encoder_tensors
from bertie.errors import CheckpointError, InputError, SourceError
from bertie.loading.doctor import diagnose
from tests.architectures import write
from tests.editing import edit_json, edit_tensors

SHARED = Path(__file__).parents[3] / "shared/models"


def test_a_directory_has_a_config_and_tensors(bert: Path) -> None:
    checkpoint = Checkpoint.open(bert)
    assert checkpoint.config.hidden_size == 24
    assert checkpoint.raw_config["architectures"] == ["BertModel"]
    assert checkpoint.tensors["pooler.dense.weight"].shape == (24, 24)
    assert [path.name for path in checkpoint.files] == ["model.safetensors"]


def test_tensors_that_are_not_used_are_listed_by_the_files_names(bert: Path) -> None:
    edit_tensors(bert, lambda tensors: {f"bert.{name}": value for name, value in tensors.items()})
    checkpoint = Checkpoint.open(bert)
    unused = checkpoint.unused(encoder_tensors(checkpoint))
    assert unused == ("bert.pooler.dense.bias", "bert.pooler.dense.weight")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("encoder.layer.0.attention.self.query.lora_A.default.weight", "lie inside the encoder"),
        ("encoder.layer.1.output.adapters.ner.adapter_down.0.weight", "lie inside the encoder"),
        ("encoder.layer.9.output.dense.weight", "lie inside the encoder"),
        ("crf.transitions", "say which tag may follow which"),
    ],
)
def test_tensors_that_nobody_reads_and_no_head_has_are_noted(
    bert: Path, name: str, said: str
) -> None:
    assert not bertie.load(bert).info().notes
    edit_tensors(bert, lambda tensors: {**tensors, name: np.zeros((2, 24), np.float32)})
    notes = bertie.load(bert).info().notes
    assert [note for note in notes if note.startswith(f"1 tensors ({name}) {said}")]
    assert set(notes) <= {finding.text for finding in diagnose(bert).findings}


@pytest.mark.parametrize("tied", [True, False])
def test_an_absent_decoder_is_tied_unless_the_config_says_otherwise(bert: Path, tied: bool) -> None:
    edit_json(bert / "config.json", tie_word_embeddings=tied)
    edit_tensors(bert, lambda tensors: {**tensors, "cls.predictions.bias": np.zeros(179)})
    checkpoint = Checkpoint.open(bert)
    decoder = checkpoint.tensors.get("cls.predictions.decoder.weight")
    words = checkpoint.tensors["embeddings.word_embeddings.weight"]
    assert decoder is (words if tied else None)
    assert "cls.predictions.bias" in checkpoint.unused(encoder_tensors(checkpoint))


def test_the_bias_of_a_tied_decoder_is_used_with_it(tmp_path: Path) -> None:
    checkpoint = Checkpoint.open(write(tmp_path, "roberta", "masked_lm"))
    encoder = encoder_tensors(checkpoint)
    assert checkpoint.unused([*encoder, *heads(checkpoint)["masked_lm"].tensors]) == ()
    assert "lm_head.bias" in checkpoint.unused(encoder)


def test_an_architecture_that_names_deny_is_not_guessed(tmp_path: Path) -> None:
    directory = write(tmp_path, "roberta", "masked_lm")
    edit_json(directory / "config.json", architectures=["RobertaForMaskedLM"], model_type=None)
    assert Checkpoint.open(directory).config.model_type == "roberta"
    edit_json(directory / "config.json", architectures=None)
    match = "config.json has no model_type and looks like one of bert, but its tensors have the"
    with pytest.raises(CheckpointError, match=f"{match} names of roberta: state its model_type"):
        Checkpoint.open(directory)


def test_a_model_that_was_wrapped_in_training_is_the_same_model(bert: Path) -> None:
    plain = Checkpoint.open(bert)
    edit_tensors(bert, lambda found: {f"module.bert.{name}": v for name, v in found.items()})
    wrapped = Checkpoint.open(bert)
    assert wrapped.tensors.keys() == plain.tensors.keys()
    assert "module.bert.pooler.dense.bias" in wrapped.unused(encoder_tensors(wrapped))
    assert plain.notes() == ()
    assert "every tensor begins with 'module', which torch's DataParallel" in wrapped.notes()[0]


def test_googles_config_name_is_found_too(bert: Path) -> None:
    (bert / "config.json").rename(bert / "bert_config.json")
    origin = Checkpoint.open(bert).config.setting("hidden_size").origin
    assert origin == "bert_config.json: hidden_size"


def test_the_callers_config_wins(bert: Path, tmp_path: Path) -> None:
    raw = dict(Checkpoint.open(bert).raw_config)
    given = Checkpoint.open(bert, config={**raw, "layer_norm_eps": 1e-5}).config
    assert given.setting("layer_norm_eps").value == 1e-5
    assert given.setting("layer_norm_eps").origin == "caller's config: layer_norm_eps"
    (bert / "config.json").rename(tmp_path / "other.json")
    given = Checkpoint.open(bert, config=tmp_path / "other.json").config
    assert given.setting("layer_norm_eps").origin == "caller's other.json: layer_norm_eps"
    with pytest.raises(InputError, match=r"config: there is no file .*nowhere.json"):
        Checkpoint.open(bert, config=tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "config.json is not JSON"),
        (b"\xff\xff\xff", "config.json is not JSON"),
        (b"[" * 100_000, "config.json is not JSON"),
        (b"[1]", r"config.json holds \[1\], expected a JSON object"),
    ],
)
def test_a_broken_config_is_a_checkpoint_error(bert: Path, content: bytes, message: str) -> None:
    (bert / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        Checkpoint.open(bert)


def test_a_file_that_cannot_be_read_is_a_checkpoint_error(bert: Path) -> None:
    with pytest.raises(CheckpointError, match=f"{bert.name} can't be read: Is a directory"):
        read_json(bert)


def test_everything_that_is_missing_is_named_with_what_was_found(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"it lacks config.json or bert_config.json, tokenizer.json"
    ):
        require_files(tmp_path)
    with pytest.raises(SourceError, match=r"it has nothing$"):
        require_files(tmp_path)
    for number in range(12):
        (tmp_path / f"{number:02}.txt").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(SourceError, match=r"it has 00.txt, .*, 09.txt and 3 more$"):
        require_files(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_one_missing_file_is_named_alone(sentence: Path, name: str) -> None:
    require_files(sentence)
    (sentence / name).unlink()
    with pytest.raises(SourceError, match=rf"lacks [^,]*{name}[^,]*; it has .*modules.json"):
        require_files(sentence)


def test_what_the_caller_gives_need_not_be_there(bert: Path) -> None:
    for name in ("config.json", "vocab.txt", "tokenizer.json"):
        (bert / name).unlink()
    require_files(bert, config=False, vocab=False)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/models")
@pytest.mark.parametrize("name", ["rxnfp-bert_ft", "tf1-tiny"])
def test_real_checkpoints_of_other_frameworks_have_all_that_is_needed(name: str) -> None:
    require_files(SHARED / name)


def test_word_embeddings_that_are_absent_are_the_decoder(tmp_path: Path) -> None:
    directory = write(tmp_path, "roberta", "masked_lm")
    words = "roberta.embeddings.word_embeddings.weight"
    decoder = "lm_head.decoder.weight"
    edit_tensors(directory, lambda t: {decoder if key == words else key: t[key] for key in t})
    found = encoder_tensors(Checkpoint.open(directory))
    assert found["embeddings.word_embeddings.weight"].name == decoder
    edit_json(directory / "config.json", tie_word_embeddings=False)
    with pytest.raises(CheckpointError, match=r"word_embeddings.weight missing"):
        encoder_tensors(Checkpoint.open(directory))


def test_a_module_whose_directory_is_not_there_is_named(sentence: Path) -> None:
    path = sentence / "modules.json"
    modules = json.loads(path.read_text())
    modules[0]["path"] = "0_Nowhere"
    path.write_text(json.dumps(modules))
    with pytest.raises(SourceError, match="0_Nowhere is not a directory"):
        bertie.load(sentence)
    assert diagnose(sentence).broken
