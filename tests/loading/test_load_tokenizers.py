"""Models whose tokenizers come in other files, and those that are refused for theirs."""

import json
from pathlib import Path
from typing import Any

import pytest

import bertie
from bertie.errors import BertieError, InputError, TokenizerError
from bertie.export import write_bundle
from bertie.loading.doctor import diagnose
from tests.architectures import write as write_model
from tests.editing import edit_json
from tests.tokenize.cases import cases, family, write


@pytest.fixture
def roberta(tmp_path: Path) -> Path:
    """A RoBERTa with vocab.json and merges.txt alone."""
    folder = write_model(tmp_path / "roberta", "roberta", "sequence_classification")
    files = family("roberta")["files"]
    return write(folder, {name: files[name] for name in ("vocab.json", "merges.txt")})


def test_a_vocabulary_of_two_files_is_loaded_and_frames_pairs_as_its_model_does(
    roberta: Path,
) -> None:
    model: Any = bertie.load(roberta, precision="float32")
    assert model.tokenizer.encode("a", "b").tokens == ["<s>", "a", "</s>", "</s>", "b", "</s>"]
    assert model.tokenizer.encode("a", "b").type_ids == [0] * 6
    found = model.classify([("a", "b"), "e"])
    whole = model.tokenizer.definition.json
    (roberta / "tokenizer.json").write_text(whole, encoding="utf-8")
    again: Any = bertie.load(roberta, precision="float32")
    assert again.classify([("a", "b"), "e"]) == found
    assert not diagnose(roberta).broken


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt"])
def test_half_a_vocabulary_is_none(roberta: Path, name: str) -> None:
    (roberta / name).unlink()
    match = "lacks tokenizer.json or vocab.txt or vocab.json and merges.txt"
    with pytest.raises(BertieError, match=match):
        bertie.load(roberta)


def test_a_vocabulary_of_the_caller_is_refused_where_it_cannot_be_used(
    roberta: Path, tmp_path: Path
) -> None:
    edit_json(roberta / "config.json", tokenizer_class="RobertaTokenizer")
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n")
    with pytest.raises(TokenizerError, match="vocab= is given, and only BERT's"):
        bertie.load(roberta, vocab=tmp_path / "vocab.txt")


@pytest.mark.parametrize(
    "name", ["BertJapaneseTokenizer", "BertweetTokenizer", "RoFormerTokenizerFast", "XLMTokenizer"]
)
@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_class_that_python_runs_is_refused_by_name(bert: Path, name: str, file: str) -> None:
    if file == "config.json":
        (bert / "tokenizer_config.json").unlink()
    edit_json(bert / file, tokenizer_class=name)
    for left in ("tokenizer.json", "vocab.txt"):
        with pytest.raises(TokenizerError, match=f"{file}: tokenizer_class is {name[:-4]}"):
            bertie.load(bert)
        assert any(name[:-4] in one.text for one in diagnose(bert).findings)
        if left == "tokenizer.json":
            (bert / left).unlink()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["tokenizer.model"], r"tokenizer\.model is SentencePiece's .* convert it with transf"),
        (["spiece.model"], r"whose tokens need vocab\.txt, and there is only spiece\.model"),
        (["vocab.txt", "bpe.codes"], r"bpe\.codes says in which order .* as BERTweet"),
    ],
)
def test_a_vocabulary_that_cannot_be_read_says_what_to_do(
    bert: Path, files: list[str], message: str
) -> None:
    vocab = (bert / "vocab.txt").read_text()
    for name in ("tokenizer.json", "vocab.txt"):
        (bert / name).unlink()
    for name in files:
        (bert / name).write_text(vocab)
    with pytest.raises(TokenizerError, match=message):
        bertie.load(bert)


def test_a_hole_in_the_ids_is_loaded_and_is_no_token(bert: Path) -> None:
    path = bert / "tokenizer.json"
    raw = json.loads(path.read_text())
    song = raw["model"]["vocab"].pop("song")
    path.write_text(json.dumps(raw))
    (bert / "vocab.txt").unlink()
    model = bertie.load(bert, precision="float32")
    assert "song" not in model.tokenizer.encode("a song").tokens
    assert model.tokenizer.vocab_size == 179
    with pytest.raises(InputError, match=f"id {song} is a hole in the vocabulary"):
        model.tokenizer.decode([song])
    assert any("1 blank" in note for note in model.info().notes)


def test_what_the_caller_says_and_is_not_done_is_noted(bert: Path) -> None:
    note = "max_length is 600 tokens (caller), but the model has 64 positions (config.json: max_pos"
    model = bertie.load(bert, max_length=600)
    assert model.max_length == 64
    assert any(one.startswith(note) for one in model.info().notes)
    assert not any("positions" in one for one in bertie.load(bert, max_length=64).info().notes)


def test_notes_of_a_tokenizer_are_in_info_and_in_doctor(bert: Path) -> None:
    edit_json(bert / "tokenizer_config.json", truncation_side="left", do_lower_case=False)
    notes = bertie.load(bert, precision="float32").info().notes
    said = {finding.text for finding in diagnose(bert).findings}
    for begin in (
        "tokenizer_config.json: truncation_side is 'left', which is where",
        "tokenizer_config.json: do_lower_case is false and tokenizer.json says true:"
        " tokenizer_config.json won, as tokenizer_config.json: tokenizer_class is BertTokenizer",
    ):
        (found,) = (note for note in notes if note.startswith(begin))
        assert found in said


def test_every_directory_that_a_tokenizer_is_read_from_is_a_model(tmp_path: Path) -> None:
    """The gates before a tokenizer let through what it reads."""
    for i, case in enumerate(cases()):
        own = case.files.get("config.json", {}).get("model_type")
        refused = any(why in case.name for why in ("other id", "two tokens"))
        if own != "bert" or "ids" not in case.expected or refused:
            continue
        folder = write_model(tmp_path / str(i), "bert", "pooler")
        rest = {name: text for name, text in case.files.items() if name != "config.json"}
        edit_json(write(folder, rest) / "config.json", **case.files["config.json"])
        bertie.load(folder, precision="float32")
        assert not diagnose(folder).broken, case.name


@pytest.mark.parametrize(
    ("name", "own"), [("xlm-roberta", "xlm_roberta_model"), ("albert", "albert_model")]
)
def test_a_sentencepiece_model_alone_is_loaded_and_exported(
    name: str, own: str, tmp_path: Path
) -> None:
    folder = write_model(tmp_path / name, name, "pooler")
    files = {file: text for file, text in family(own)["files"].items() if file != "config.json"}
    write(folder, files)
    model: Any = bertie.load(folder, precision="float32")
    texts = ["the fox héllo", "中国, ﬁ"]
    expected = model.embed(texts)
    assert not diagnose(folder).broken
    bundle = tmp_path / "bundle"
    write_bundle(folder, bundle, precision="float32")
    again: Any = bertie.load(bundle)
    assert (again.embed(texts) == expected).all()
    assert again.tokenizer.encode(*texts) == model.tokenizer.encode(*texts)
    (folder / next(iter(files))).write_bytes(b"\x0a\xff")
    assert diagnose(folder).broken
    with pytest.raises(TokenizerError, match="a SentencePiece model was expected"):
        bertie.load(folder)
