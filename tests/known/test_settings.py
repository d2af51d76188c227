"""What sentence-transformers' files say is settled as sentence-transformers 6 does."""

import json
from pathlib import Path
from typing import Any

import pytest

import bertie
from bertie.errors import CheckpointError
from bertie.export.bundle import write_bundle
from bertie.known.sentence import MODULES, PROMPTS_CONFIG, TRANSFORMER_CONFIGS
from bertie.server.methods import METHODS
from bertie.tasks.token_counts import count_tokens
from tests.editing import edit_json
from tests.known.walking import notes, put

FILE = TRANSFORMER_CONFIGS[0]


@pytest.mark.parametrize("name", TRANSFORMER_CONFIGS)
def test_the_file_beside_the_encoder_is_read_by_every_name(name: str, model: Any) -> None:
    directory = model("")
    (directory / FILE).unlink()
    edit_json(directory / name, max_seq_length=11)
    settings = bertie.load(directory).info().settings
    assert settings["max_length"].value == 11
    assert settings["max_length"].origin == f"{name}: max_seq_length"


def test_of_several_names_the_first_that_is_not_empty_counts(model: Any) -> None:
    directory = model("")
    (directory / FILE).write_text("{}")
    edit_json(directory / "sentence_xlnet_config.json", max_seq_length=11)
    edit_json(directory / "sentence_roberta_config.json", max_seq_length=12)
    assert bertie.load(directory).max_length == 12
    edit_json(directory / FILE, max_seq_length=13)
    assert bertie.load(directory).max_length == 13


# As sentence-transformers 6.2 counts, with model_max_length 30 in tokenizer_config.json.
LENGTHS: list[tuple[dict[str, Any], int]] = [
    ({}, 30),
    ({"max_seq_length": 20}, 20),
    ({"max_seq_length": 20, "tokenizer_args": {"model_max_length": 13}}, 13),
    ({"max_seq_length": 20, "processor_kwargs": {"model_max_length": 13}}, 13),
    ({"max_seq_length": 20, "processing_kwargs": {"text": {"max_length": 12}}}, 12),
    ({"max_seq_length": 20, "processing_kwargs": {"text": {"max_length": 40}}}, 40),
    ({"processing_kwargs": {"common": {"max_length": 12}, "text": {"max_length": 14}}}, 12),
    ({"max_seq_length": 20, "processing_kwargs": {"max_length": 12}}, 20),
    ({"max_seq_length": 200}, 64),
]


@pytest.mark.parametrize(("stated", "length"), LENGTHS)
def test_lengths_count_in_the_order_of_sentence_transformers(
    model: Any, stated: dict[str, Any], length: int
) -> None:
    directory = model("")
    (directory / FILE).write_text(json.dumps(stated))
    edit_json(directory / "tokenizer_config.json", model_max_length=30)
    assert bertie.load(directory).max_length == length
    assert bertie.load(directory, max_length=9).max_length == 9


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"processing_kwargs": 3}, "processing_kwargs is 3, expected an object"),
        ({"processing_kwargs": {"text": []}}, r"processing_kwargs.text is \[\], expected an obj"),
        ({"processing_kwargs": {"text": {"max_length": "9"}}}, "is '9', expected a number of tok"),
        ({"processing_kwargs": {"text": {"max_length": True}}}, "is True, expected a number"),
        ({"model_args": "x"}, "model_args is 'x', expected an object"),
        ({"query_expansion": {"strategy": "fixed"}}, "reads queries and documents by other"),
    ],
)
def test_values_of_another_type_are_refused(model: Any, stated: Any, message: str) -> None:
    directory = model("")
    (directory / FILE).write_text(json.dumps(stated))
    with pytest.raises(CheckpointError, match=f"{FILE}: .*{message}"):
        bertie.load(directory)


@pytest.mark.parametrize(
    ("expansion", "message"),
    [
        (3, "query_expansion is 3, expected an object of strategy"),
        ({"strategy": "fixed"}, "expected an object of strategy"),
        ({"strategy": "most", "length": 9}, "expected a strategy of fixed, min"),
        ({"strategy": "min", "length": 0}, "a length of at least 1"),
        ({"strategy": "min", "length": "9"}, "length is '9', expected"),
        ({"strategy": "min", "length": 9, "attend": 1}, "attend is 1, expected"),
        ({"strategy": "min", "length": 9, "other": 1}, "expected an object of strategy"),
        ({"strategy": "min", "length": 65}, "length is 65, expected at most 64"),
        ({"strategy": "min", "length": 9, "token": "nowhere"}, "'nowhere', which the vocabulary"),
    ],
)
def test_an_expansion_that_cannot_be_is_refused(model: Any, expansion: Any, message: str) -> None:
    directory = model("multivector")
    put(directory / FILE, "query_expansion", expansion)
    with pytest.raises(CheckpointError, match=message):
        bertie.load(directory)


def test_the_callers_dimensions_stand_for_the_files(library: Path) -> None:
    directory = library / "sentence-truncated-normalized"
    cut = bertie.load(directory, precision="float32")
    setting = cut.info().settings["dimensions"]
    assert (setting.value, setting.origin) == (8, f"{PROMPTS_CONFIG}: truncate_dim")
    assert any("keeps 8 floats of a vector that has length 1 before" in n for n in notes(directory))
    given = bertie.load(directory, precision="float32", dimensions=12)
    setting = given.info().settings["dimensions"]
    assert (setting.value, setting.origin) == (12, "caller")
    text = "the old bridge"
    assert (cut.embed(text) ** 2).sum() < 0.99
    assert (given.embed(text) ** 2).sum() == pytest.approx(1)
    assert (cut.embed(text, normalize=True) ** 2).sum() == pytest.approx(1)
    again = bertie.load(directory, precision="float32", dimensions=8)
    assert again.embed(text) == pytest.approx(cut.embed(text, normalize=True), abs=1e-6)
    assert len({cut.fingerprint, given.fingerprint, again.fingerprint}) == 3


def test_more_dimensions_than_there_are_cut_nothing(model: Any) -> None:
    directory = model("embed")
    before = bertie.load(directory, precision="float32").embed("stone")
    put(directory / PROMPTS_CONFIG, "truncate_dim", 99)
    assert (bertie.load(directory, precision="float32").embed("stone") == before).all()


def test_modules_of_one_name_are_refused(model: Any) -> None:
    directory = model("")
    modules = json.loads((directory / MODULES).read_text())
    modules[3]["name"] = modules[2]["name"]
    (directory / MODULES).write_text(json.dumps(modules))
    with pytest.raises(CheckpointError, match="has the names 0, 1, 2, 2, 4, expected one of each"):
        bertie.load(directory)


def test_a_kind_of_model_without_its_modules_is_refused(model: Any) -> None:
    for kind, others in (("embed", "CrossEncoder"), ("sparse", "MultiVectorEncoder")):
        directory = model(kind)
        put(directory / PROMPTS_CONFIG, "model_type", others)
        with pytest.raises(CheckpointError, match=f"model_type is '{others}', but modules.json"):
            bertie.load(directory)


@pytest.mark.parametrize("stated", ["Sentencetransformer", None, True, ["CrossEncoder"]])
def test_a_kind_of_model_that_nobody_knows_is_refused(model: Any, stated: Any) -> None:
    directory = model("")
    path = directory / PROMPTS_CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_type": stated}))
    with pytest.raises(CheckpointError, match=r"model_type is .*, expected one of SentenceTransf"):
        bertie.load(directory)


def test_an_activation_that_is_code_is_refused(model: Any) -> None:
    directory = model("rank")
    put(directory / PROMPTS_CONFIG, "activation_fn", "mine.Sigmoid")
    with pytest.raises(
        CheckpointError, match=r"activation_fn is 'mine\.Sigmoid', expected torch's"
    ):
        bertie.load(directory)


def test_a_length_beyond_the_positions_is_said_to_the_caller(model: Any) -> None:
    directory = model("embed")
    found = bertie.load(directory, max_length=600)
    assert found.max_length == 64
    said = "max_length is 600 tokens (caller), but the model has 64 positions"
    assert any(note.startswith(said) for note in found.info().notes)
    assert not any(
        "(caller)" in note for note in bertie.load(directory, max_length=64).info().notes
    )
    multi = bertie.load(model("multivector"), max_length=50)
    said = "max_length is 50 tokens (caller), but of a document 30 are read"
    assert any(note.startswith(said) for note in multi.info().notes)


def test_prompts_that_a_task_does_not_put_before_texts_are_noted(model: Any) -> None:
    directory = model("sparse")
    put(directory / PROMPTS_CONFIG, "prompts", {"document": "rain ", "query": "stone "})
    assert any("has query, which this task doesn't put before texts" in n for n in notes(directory))
    directory = model("rank")
    found = bertie.load(directory, task="classify").info().notes
    assert any("default_prompt_name is 'rank', but the task 'classify' puts no" in n for n in found)


def test_lower_casing_beforehand_leaves_special_tokens_as_they_are(model: Any) -> None:
    directory = model("embed")
    tokenizer = json.loads((directory / "tokenizer.json").read_text())
    tokenizer["normalizer"]["lowercase"] = False
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer))
    put(directory / FILE, "do_lower_case", True)
    found = bertie.load(directory, precision="float32")
    kept = found.tokenizer.encode("the stone [MASK] rain").ids
    # What sentence-transformers 6.2 reads of the same, and of a sigma at a word's end.
    said = found.embed_tokens(["The STONE [MASK] Rain", "[SEP] A", "ΟΔΟΣ"])
    assert said[0].tokens == [found.tokenizer.token_of(token) for token in kept]
    assert said[1].tokens == ["[CLS]", "[SEP]", "a", "[SEP]"]
    assert said[2].tokens == ["[CLS]", "[UNK]", "[SEP]"]


def test_what_a_server_counts_is_what_is_read(library: Path) -> None:
    text = "the stone " * 40
    for name, method, options in (
        ("cross-1-identity", "score", {}),
        ("sparse-limited", "embed_sparse", {}),
        ("multi-vector", "embed_multi", {"kind": "query"}),
        ("multi-vector", "embed_multi", {"kind": "document"}),
    ):
        loaded: Any = bertie.load(library / name, precision="float32")
        settings = loaded.info().settings
        given = (("stone", text), ("stone", "rain")) if method == "score" else (text, "rain")
        rule = METHODS[method]
        counts = count_tokens(loaded.tokenizer, settings, rule, given, options)
        prefix = {"score": "rain and ", "embed_sparse": "rain "}.get(
            method, {"query": "who ", "document": "stone "}.get(options.get("kind", ""), "")
        )
        most = {"score": 20, "query": 64, "document": 12}.get(options.get("kind", method), 64)
        second = given[1]
        pair = (prefix + second[0], second[1]) if method == "score" else (prefix + second,)
        assert counts.tokens == (most, len(loaded.tokenizer.encode(*pair).ids)), name


@pytest.mark.parametrize(
    "name",
    ["cross-1-identity", "multi-vector-least", "sparse-limited", "sentence-truncated-normalized"],
)
def test_a_bundle_is_the_model_that_it_was_made_of(
    library: Path, tmp_path: Path, name: str
) -> None:
    model: Any = bertie.load(library / name, precision="float32")
    bundle: Any = bertie.load(
        write_bundle(library / name, tmp_path / name, precision="float32").path
    )
    assert bundle.fingerprint == model.fingerprint
    told = {"precision": None, "task": None}  # by the bundle
    assert {**bundle.info().settings, **told} == {**model.info().settings, **told}


def test_a_bundle_keeps_the_file_beside_the_encoder_under_its_older_name(
    model: Any, tmp_path: Path
) -> None:
    directory = model("embed")
    (directory / FILE).unlink()
    edit_json(directory / "sentence_roberta_config.json", max_seq_length=11)
    bundle = write_bundle(directory, tmp_path / "bundle", precision="float32").path
    assert bertie.load(bundle).max_length == 11


def test_a_cross_encoder_is_known_by_its_model_type_alone(model: Any) -> None:
    directory = model("rank")
    before = bertie.load(directory, precision="float32").fingerprint
    (directory / FILE).unlink()
    assert bertie.load(directory, precision="float32").fingerprint == before
    put(directory / PROMPTS_CONFIG, "model_type", None)
    with pytest.raises(CheckpointError, match="transformer_task is 'not stated', expected 'sequ"):
        bertie.load(directory)


@pytest.mark.parametrize(
    ("file", "reader"),
    [
        (FILE, ""),
        (PROMPTS_CONFIG, ""),
        ("1_Pooling/config.json", " for Pooling"),
        ("2_Dense/config.json", " for Dense"),
        ("3_Normalize/config.json", " for Normalize"),
    ],
)
def test_a_key_that_nobody_reads_is_noted(file: str, reader: str, sentence: Path) -> None:
    assert notes(sentence) == []
    edit_json(sentence / file, instruction="query: ", layer=-2)
    said = f"{file} has instruction, layer, which neither sentence-transformers nor Bertie reads"
    assert notes(sentence) == [f"{said}{reader}: code of the model's own may have"]


def test_settings_without_modules_are_read_and_noted(bert: Path) -> None:
    assert notes(bert) == []
    edit_json(bert / FILE, max_seq_length=64)
    edit_json(bert / PROMPTS_CONFIG, activation_fn="torch.nn.modules.linear.Identity")
    ending = "is read, though there is no modules.json, without which sentence-transformers takes"
    assert [note.partition(" no notice")[0] for note in notes(bert)] == [
        f"{FILE} {ending}",
        f"{PROMPTS_CONFIG} {ending}",
    ]
