"""A bundle gives what its source gives, and says what it is."""

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie import _core
from bertie.engine.encoder import PRECISIONS
from bertie.errors import CheckpointError, InputError
from bertie.export import write_bundle
from bertie.sources.bundles import encode_content
from tests.editing import edit_tensors

Export = Callable[..., Path]
TEXTS = ["the old bridge", "Who reads the new book at NIGHT?", ""]


@pytest.mark.parametrize("isa", _core.available_isas())
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("model", ["tiny_bert", "tiny_sentence"])
def test_vectors_are_the_sources_to_the_last_bit(
    model: str,
    precision: str,
    isa: str,
    exported: Export,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = request.getfixturevalue(model)
    bundle = exported(source, precision=precision)
    monkeypatch.setenv("BERTIE_ISA", isa)
    expected, found = bertie.load(source, precision=precision), bertie.load(bundle)
    assert found.encoder.precision == precision
    assert np.array_equal(found.embed(TEXTS), expected.embed(TEXTS))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_fingerprint_is_the_sources(
    tiny_sentence: Path, exported: Export, precision: str
) -> None:
    bundle = exported(tiny_sentence, precision=precision)
    source = bertie.load(tiny_sentence, precision=precision)
    assert bertie.load(bundle).fingerprint == source.fingerprint
    assert read(bundle)["fingerprint"] == source.fingerprint
    other = bertie.load(bundle, normalize=False).fingerprint
    assert other == bertie.load(tiny_sentence, precision=precision, normalize=False).fingerprint
    assert other != source.fingerprint


def test_info_says_what_the_bundle_settled(tiny_sentence: Path, exported: Export) -> None:
    bundle = exported(tiny_sentence, precision="bfloat16", pooling=["max", "cls"])
    settings = bertie.load(bundle).info().settings
    assert settings["precision"] == bertie.Setting("bfloat16", "bertie.json: precision")
    assert settings["task"] == bertie.Setting("embed", "bertie.json: task")
    assert settings["pooling"] == bertie.Setting(("max", "cls"), "bertie.json: pooling")
    assert settings["normalize"].origin == "modules.json"


GIVEN: list[dict[str, Any]] = [
    {"pooling": "cls"},
    {"normalize": True},
    {"max_length": 9},
    {"prompts": {"query": "what "}},
    {"lower": False},
    {"activation": "relu"},
]


@pytest.mark.parametrize("given", GIVEN, ids=lambda given: next(iter(given)))
def test_what_the_exporter_says_becomes_part_of_the_bundle(
    tiny_bert: Path, exported: Export, given: dict[str, Any]
) -> None:
    bundle = exported(tiny_bert, **given)
    expected, found = bertie.load(tiny_bert, precision="float32", **given), bertie.load(bundle)
    with pytest.warns() if "max_length" in given else nullcontext():
        assert np.array_equal(found.embed(TEXTS * 4), expected.embed(TEXTS * 4))
    assert found.fingerprint == expected.fingerprint
    ((name, _),) = given.items()
    assert read(bundle)["options"] == given
    setting = "hidden_act" if name == "activation" else name
    assert found.info().settings[setting].origin == f"bertie.json: {name}"


def test_the_callers_word_goes_over_the_bundles(tiny_bert: Path, exported: Export) -> None:
    bundle = exported(tiny_bert, pooling="cls", lower=False, max_length=9)
    model = bertie.load(bundle, pooling="max", lower=True)
    settings = model.info().settings
    assert settings["pooling"] == bertie.Setting(("max",), "caller")
    assert settings["lower"] == bertie.Setting(True, "caller")
    assert settings["max_length"].origin == "bertie.json: max_length"


def test_a_given_config_and_vocabulary_travel_along(
    bert: Path, exported: Export, tmp_path: Path
) -> None:
    expected = bertie.load(bert, precision="float32")
    config, vocab = tmp_path / "some.json", tmp_path / "some.txt"
    (bert / "config.json").rename(config)
    (bert / "vocab.txt").rename(vocab)
    (bert / "tokenizer.json").unlink()
    found = bertie.load(exported(bert, config=config, vocab=vocab))
    assert np.array_equal(found.embed(TEXTS), expected.embed(TEXTS))
    given = bertie.load(bert, precision="float32", config=config, vocab=vocab)
    assert found.fingerprint == given.fingerprint


def test_an_encoder_in_a_folder_of_its_own_stays_there(sentence: Path, exported: Export) -> None:
    inner = sentence / "0_Transformer"
    inner.mkdir()
    beside = ("modules.json", "config_sentence_transformers.json")
    for path in list(sentence.iterdir()):
        if path.is_file() and path.name not in beside:
            path.rename(inner / path.name)
    modules = json.loads((sentence / "modules.json").read_text())
    modules[0]["path"] = "0_Transformer"
    (sentence / "modules.json").write_text(json.dumps(modules))
    bundle = exported(sentence)
    assert (bundle / "0_Transformer/model.safetensors").is_file()
    expected = bertie.load(sentence, precision="float32")
    assert np.array_equal(bertie.load(bundle).embed(TEXTS), expected.embed(TEXTS))


def test_a_float32_bundle_serves_every_precision(tiny_bert: Path, exported: Export) -> None:
    bundle = exported(tiny_bert)
    for precision in ("bfloat16", "int8"):
        found = bertie.load(bundle, precision=precision)
        expected = bertie.load(tiny_bert, precision=precision)
        assert np.array_equal(found.embed(TEXTS), expected.embed(TEXTS))
        assert found.fingerprint == expected.fingerprint


@pytest.mark.parametrize("own", ["bfloat16", "int8"])
def test_a_bundle_of_less_serves_its_own_precision_alone(
    tiny_bert: Path, exported: Export, own: str
) -> None:
    bundle = exported(tiny_bert, precision=own)
    assert bertie.load(bundle, precision=own).encoder.precision == own
    for precision in {*PRECISIONS} - {own}:
        with pytest.raises(InputError, match=f"has its weights in {own} only: leave precision"):
            bertie.load(bundle, precision=precision)


def test_an_int8_bundle_is_calibrated_already(tiny_bert: Path, exported: Export) -> None:
    model = bertie.load(exported(tiny_bert, precision="int8"))
    expected = bertie.load(tiny_bert, precision="int8").info()
    found = model.info()
    assert found.settings["calibration"] == expected.settings["calibration"]
    assert (found.unused, found.parameters) == (expected.unused, expected.parameters)
    with pytest.raises(InputError, match="the bundle's weights are int8 already"):
        bertie.load(model.info().directory, calibration=["some text"])


@pytest.mark.parametrize("end", [".smoothing", "_scale"])
def test_an_int8_bundle_that_lacks_scales_is_refused(
    tiny_bert: Path, exported: Export, end: str
) -> None:
    bundle = exported(tiny_bert, precision="int8")

    def without(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = next(name for name in tensors if name.endswith(end))
        return {name: value for name, value in tensors.items() if name != found}

    edit_tensors(bundle, without)
    with pytest.raises(CheckpointError, match=r"without its scales|the bundle lacks .*smoothing"):
        bertie.load(bundle)


def test_a_precision_is_compared_with_float32_before_it_is_exported(
    tiny_bert: Path, tmp_path: Path
) -> None:
    write_bundle(tiny_bert, tmp_path / "int8", precision="int8")
    report = read(tmp_path / "int8")["verify"]
    assert report["passed"]
    assert report["sides"][0]["precision"] == "float32"
    assert report["sides"][1]["source"] == "this bundle"
    with pytest.raises(CheckpointError, match="in int8 is not near enough to float32: the least"):
        write_bundle(tiny_bert, tmp_path / "other", precision="int8", min_cosine=1.1)
    assert not (tmp_path / "other").exists()
    write_bundle(tiny_bert, tmp_path / "float32", precision="float32", min_cosine=1.1)
    assert "verify" not in read(tmp_path / "float32")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_bundle_of_a_bundle_is_the_same(
    tiny_sentence: Path, exported: Export, precision: str
) -> None:
    first = exported(tiny_sentence, precision=precision, pooling=["cls", "max"])
    second = exported(first, precision=precision, name="second")
    one, two = read(first), read(second)
    for name in ("files", "tensors", "fingerprint", "options", "precision", "task"):
        assert two[name] == one[name]
    assert two["provenance"]["before"] == one["provenance"]


def test_the_manifest_says_what_the_bundle_was_made_of(
    tiny_sentence: Path, exported: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    provenance = read(exported(tiny_sentence))["provenance"]
    assert provenance["source"] == str(tiny_sentence)
    assert provenance["exported"] == "1970-01-01T00:00:00Z"
    assert {"model.safetensors", "2_Dense/model.safetensors", "tokenizer.json"} <= set(
        provenance["files"]
    )
    assert provenance["settings"]["pooling"]["origin"] == "1_Pooling/config.json: pooling_mode"


def test_a_newer_format_is_refused_by_the_name_of_its_writer(
    tiny_bert: Path, exported: Export
) -> None:
    bundle = exported(tiny_bert)
    write(bundle, {**read(bundle), "format": 2, "bertie": "9.9"})
    with pytest.raises(CheckpointError, match=r"format 2, written by Bertie '9\.9', .* up to 1"):
        bertie.load(bundle)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": 3}, r"bertie\.json: task is 3, expected a str"),
        ({"options": {"colour": 1}}, r"bertie\.json: colour is 1, .* no use for"),
        ({"options": {"pooling": 1}}, r"bertie\.json: pooling is 1, .* no use for"),
        ({"options": {"vocab": "../../x"}}, "leads out of the checkpoint's directory"),
    ],
)
def test_a_manifest_that_says_odd_things_is_refused(
    tiny_bert: Path, exported: Export, change: dict[str, Any], message: str
) -> None:
    bundle = exported(tiny_bert)
    write(bundle, {**read(bundle), **change})
    with pytest.raises(CheckpointError, match=message):
        bertie.load(bundle)


def test_a_manifest_that_was_changed_by_hand_is_refused(tiny_bert: Path, exported: Export) -> None:
    bundle = exported(tiny_bert)
    path = bundle / "bertie.json"
    path.write_text(path.read_text().replace('"float32"', '"bfloat16"', 1))
    with pytest.raises(CheckpointError, match=r"bertie\.json is not as it was written"):
        bertie.load(bundle)


def test_a_destination_that_exists_is_refused_unless_an_export_may_be_replaced(
    tiny_bert: Path, tiny_sentence: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    write_bundle(tiny_bert, place)
    with pytest.raises(InputError, match="exists already"):
        write_bundle(tiny_sentence, place)
    assert bertie.load(place).dimensions == 24
    write_bundle(tiny_sentence, place, force=True)
    assert bertie.load(place).dimensions == 10
    (place / "bertie.json").unlink()
    with pytest.raises(InputError, match=r"is no bundle .* nothing else is replaced"):
        write_bundle(tiny_bert, place, force=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["place"]


def test_a_model_that_cannot_be_loaded_leaves_nothing(bert: Path, tmp_path: Path) -> None:
    (bert / "vocab.txt").unlink()
    (bert / "tokenizer.json").unlink()
    with pytest.raises(bertie.SourceError):
        write_bundle(bert, tmp_path / "place")
    with pytest.raises(InputError, match=r"there is no directory .*nowhere; make it"):
        write_bundle(bert, tmp_path / "nowhere/place")
    shutil.rmtree(bert)
    assert list(tmp_path.iterdir()) == []


def read(bundle: Path) -> dict[str, Any]:
    """What a bundle's manifest says."""
    content: dict[str, Any] = json.loads((bundle / "bertie.json").read_text())
    return content


def write(bundle: Path, content: dict[str, Any]) -> None:
    """Write a manifest as its exporter would."""
    del content["sha256"]
    (bundle / "bertie.json").write_bytes(encode_content(content))
