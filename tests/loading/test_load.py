"""A source becomes a ready model, with the caller's word over the files'."""

import csv
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import bertie
from bertie import _core
from bertie.engine import encoder
from bertie.engine.calibration import calibration_text
from bertie.engine.encoder import PRECISIONS, Encoder
from bertie.errors import (
    CalibrationWarning,
    CheckpointError,
    InputError,
    SourceError,
    TaskError,
)
from tests.editing import edit_json, edit_tensors

TEXTS = ["the old bridge", "Who reads the new book at night?"]

# Those that auto may have.
MEANINGS = ("float32", "bfloat16")


def test_info_says_where_every_setting_came_from(sentence: Path) -> None:
    info = bertie.load(sentence, precision="float32").info()
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
    length, lower, *_ = model.info().notes
    assert length.endswith("tokenizer_config.json: model_max_length says 64; 32 tokens are used")
    assert lower.endswith("texts are lower-cased")


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F64"])
def test_other_float_types_load(bert: Path, dtype: str) -> None:
    expected = bertie.load(bert, precision="float32").embed(TEXTS)
    if dtype == "BF16":
        write_bfloat16(bert / "model.safetensors")
    else:
        kind = np.float16 if dtype == "F16" else np.float64
        edit_tensors(bert, lambda tensors: {k: v.astype(kind) for k, v in tensors.items()})
    found = bertie.load(bert, precision="float32").embed(TEXTS)
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
        ({"task": "sing"}, TaskError, "task is 'sing', but this version has only: embed, classify"),
        (
            {"precision": "int4"},
            InputError,
            "precision is 'int4', expected auto, float32",
        ),
        ({"calibration": ["a"]}, InputError, "precision is .*: only int8 is calibrated"),
        (
            {"precision": "int8", "calibration": "no.txt"},
            InputError,
            "no.txt can't be read",
        ),
        ({"max_length": 1}, InputError, "max_length is 1, expected a number of tokens, at least 2"),
        ({"max_length": "9"}, InputError, "max_length is '9', expected a number of tokens"),
        ({"budget": 0}, InputError, "budget is 0, expected a number of tokens, at least 1"),
        ({"max_memory": "1G"}, InputError, "max_memory is '1G', expected a number of bytes"),
        ({"max_memory": 1, "budget": 1}, InputError, "budget and max_memory are both given"),
        ({"max_memory": 9}, InputError, "max_memory is 9 bytes, which is a budget of 0 tokens"),
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


def test_a_vocabulary_without_an_embedding_of_the_frame_is_refused(bert: Path) -> None:
    (bert / "tokenizer.json").unlink()
    with (bert / "vocab.txt").open("a") as file:
        file.write("[TAIL]\n")
    edit_json(bert / "tokenizer_config.json", sep_token="[TAIL]")
    match = r"every text has '\[TAIL\]', which is 179 in the vocabulary of 180 tokens, expected at"
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


@pytest.mark.parametrize(
    ("isa", "design", "precision", "why"),
    [
        ("avx512bf16", ("AuthenticAMD", 25), "bfloat16", "faster"),
        ("avx512bf16", ("GenuineIntel", 6), "float32", "slower"),
        ("neonmmla", ("", 0), "bfloat16", "faster"),
        ("avx2", ("AuthenticAMD", 25), "float32", "has no native bfloat16"),
    ],
)
def test_auto_is_bfloat16_where_it_is_faster_and_says_why(
    bert: Path,
    monkeypatch: pytest.MonkeyPatch,
    isa: str,
    design: tuple[str, int],
    precision: str,
    why: str,
) -> None:
    monkeypatch.setattr(encoder, "selected_isa", lambda: isa)
    monkeypatch.setattr(encoder, "bfloat16_speed", lambda isa: _core.bfloat16_speed(isa, *design))
    monkeypatch.setattr(_core, "cpu_design", lambda: design)
    model = bertie.load(bert)
    assert model.encoder.precision == precision
    if why in ("faster", "slower"):
        family = f" on {design[0]} family {design[1]}" if design[0] else ""
        why = f"multiplies bfloat16 {why} than float32{family}"
    assert model.info().settings["precision"] == bertie.Setting(precision, f"auto: {isa} {why}")
    for given in MEANINGS:
        assert bertie.load(bert, precision=given).encoder.precision == given


@pytest.mark.parametrize("meaning", MEANINGS)
def test_a_pickled_model_keeps_the_precision_that_auto_was(
    bert: Path, monkeypatch: pytest.MonkeyPatch, meaning: str
) -> None:
    monkeypatch.setattr(
        "bertie.loading.settle.auto_precision", lambda: bertie.Setting(meaning, "auto: another")
    )
    pickled = pickle.dumps(bertie.load(bert))
    monkeypatch.undo()
    copy = pickle.loads(pickled)  # noqa: S301
    assert copy.encoder.precision == meaning
    assert copy.info().settings["precision"].origin == "caller"


SAMPLE = ["the old bridge by the river", "who reads the new book at night"]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_precision_is_recorded_and_hashed(bert: Path, precision: str) -> None:
    sample = SAMPLE if precision == "int8" else None
    model = bertie.load(bert, precision=precision, calibration=sample)
    info = model.info()
    assert info.precision == model.encoder.precision == info.settings["precision"].value
    assert info.settings["precision"].origin == "caller"
    others = {bertie.load(bert, precision=p).fingerprint for p in ("float32", "bfloat16")}
    assert (model.fingerprint in others) == (precision != "int8")
    assert len(others) == 2


def test_the_callers_calibration_is_recorded_hashed_and_pickled(bert: Path, tmp_path: Path) -> None:
    path = tmp_path / "sample.txt"
    path.write_text("\n".join(SAMPLE))
    model = bertie.load(bert, precision="int8", calibration=path)
    setting = model.info().settings["calibration"]
    assert setting.origin == "caller's sample.txt"
    assert setting.value["sequences"] == 2
    vectors, pickled = model.embed(TEXTS), pickle.dumps(model)
    path.unlink()
    copy = pickle.loads(pickled)  # noqa: S301
    assert np.array_equal(copy.embed(TEXTS), vectors)
    assert copy.fingerprint == model.fingerprint
    other = bertie.load(bert, precision="int8", calibration=SAMPLE[:1])
    assert other.fingerprint != model.fingerprint


def test_a_vocabulary_that_knows_little_of_the_calibration_is_warned_of(bert: Path) -> None:
    (bert / "tokenizer.json").unlink()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    han = [chr(code) for code in range(0x4E00, 0x4E80)]
    (bert / "vocab.txt").write_text("\n".join([*special, *han]), encoding="utf-8")
    with pytest.warns(CalibrationWarning, match="drawn from the vocabulary") as caught:
        model = bertie.load(bert, precision="int8")
    assert caught[0].filename == __file__
    info = model.info()
    assert info.settings["calibration"].origin == "drawn from the vocabulary"
    assert str(caught[0].message) in info.notes
    with pytest.warns(CalibrationWarning):
        assert bertie.load(bert, precision="int8").fingerprint == model.fingerprint


def test_nothing_is_calibrated_where_another_option_cannot_be(bert: Path) -> None:
    with pytest.raises(InputError, match="labels: given, but the task 'embed' has no use for it"):
        bertie.load(bert, precision="int8", calibration=["東京 大阪 река"], labels=["a"])


def test_only_the_first_int8_load_observes(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = bertie.load(bert, precision="int8", calibration=[*SAMPLE, "a boat"])
    monkeypatch.setattr(Encoder, "observe", lambda *_: pytest.fail("it observed again"))
    again = bertie.load(bert, precision="int8", calibration=[*SAMPLE, "a boat"])
    assert np.array_equal(first.embed(TEXTS), again.embed(TEXTS))


# Cosines with float32 that must hold, mean and least.
@pytest.mark.parametrize(
    ("precision", "mean", "least"), [("bfloat16", 0.9999, 0.9995), ("int8", 0.999, 0.997)]
)
def test_the_default_models_vectors_stay_true_to_float32(
    minilm: Path, precision: str, mean: float, least: float
) -> None:
    # In texts of a few words errors don't average out: docs/precision.md has their cosines.
    texts = [text for text in calibration_text(None).texts if len(text.split()) > 4]
    expected = bertie.load(minilm, precision="float32").embed(texts)
    cosines = (bertie.load(minilm, precision=precision).embed(texts) * expected).sum(axis=1)
    assert cosines.mean() >= mean
    assert cosines.min() >= least


STSB = Path(__file__).parents[3] / "shared/data/stsb/stsb-en-dev.csv"


@pytest.mark.skipif(not STSB.exists(), reason="needs STS-B's development set")
@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_the_default_model_ranks_pairs_as_float32_does(minilm: Path, precision: str) -> None:
    with STSB.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[::3]
    scores = np.array([float(row[2]) for row in rows])
    points = []
    for kind in ("float32", precision):
        model = bertie.load(minilm, precision=kind)
        first, second = (model.embed([row[side] for row in rows]) for side in (0, 1))
        points.append(100 * spearman((first * second).sum(axis=1), scores))
    assert abs(points[0] - points[1]) <= 0.2


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Correlate ranks; ties share their average rank."""
    return float(np.corrcoef(ranks(x), ranks(y))[0, 1])


def ranks(values: np.ndarray) -> np.ndarray:
    """Rank values, ties by their average."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[inverse]


def test_a_limit_of_memory_becomes_a_budget(bert: Path) -> None:
    expected = bertie.load(bert).embed(TEXTS * 50)
    with pytest.raises(InputError, match=r"at least 64 for the longest text: give at least \d+ b"):
        bertie.load(bert, max_memory=1000)
    fixed, per_token = bertie.load(bert).encoder.memory(64)
    for memory in (fixed + 64 * per_token, fixed + 500 * per_token, 2**40):
        model = bertie.load(bert, max_memory=memory)
        assert np.array_equal(model.embed(TEXTS * 50), expected)
    with pytest.raises(InputError, match=f"give at least {fixed + 64 * per_token} bytes"):
        bertie.load(bert, max_memory=fixed + 64 * per_token - 1)
