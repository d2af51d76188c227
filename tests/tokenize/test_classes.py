"""The class that a directory names decides which files are read, and how."""

import json
from pathlib import Path
from typing import Any

import pytest

from bertie.errors import TokenizerError
from bertie.tokenize import Tokenizer
from tests.tokenize.cases import Files, edited, family, write

CONFIG, MODEL = "tokenizer_config.json", "config.json"


def bert(**config: Any) -> Files:
    return edited(family("bert")["files"], {CONFIG: config} if config else {})


def pair(**config: Any) -> Files:
    files = edited(family("roberta")["files"], {CONFIG: config} if config else {})
    del files[MODEL]
    return files


@pytest.mark.parametrize(
    "name",
    [
        "BartphoTokenizer",
        "BertJapaneseTokenizer",
        "BertweetTokenizer",
        "CanineTokenizer",
        "FlaubertTokenizer",
        "PhobertTokenizer",
        "RoCBertTokenizer",
        "RoFormerTokenizer",
        "XLMTokenizer",
    ],
)
@pytest.mark.parametrize("files", [bert(), pair(), family("bert_json")["files"]])
def test_what_python_runs_is_refused_whatever_lies_beside_it(
    name: str, files: Files, tmp_path: Path
) -> None:
    write(tmp_path, edited(files, {CONFIG: {"tokenizer_class": name}}))
    with pytest.raises(TokenizerError, match=rf"{CONFIG}: tokenizer_class is {name}, which"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("kind", ["bertweet", "canine", "flaubert", "phobert", "roc_bert", "xlm"])
def test_a_model_s_type_names_its_class(kind: str, tmp_path: Path) -> None:
    write(tmp_path, edited(bert(), {MODEL: {"model_type": kind}}))
    with pytest.raises(TokenizerError, match=rf"config\.json: model_type is {kind}, so .*Token"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    ("files", "name", "expected"),
    [
        (bert(), "FunnelTokenizer", "tokenizer.json"),
        (bert(), "XLMRobertaTokenizerFast", "sentencepiece.bpe.model"),
        (bert(), "RobertaTokenizer", "vocab.json and merges.txt"),
        (bert(), "MyOwnTokenizer", "tokenizer.json"),
        (pair(), "CLIPTokenizer", "tokenizer.json"),
        (pair(), "HerbertTokenizerFast", "tokenizer.json"),
        (pair(), "LukeTokenizer", "tokenizer.json"),
        (pair(), "Qwen2Tokenizer", "tokenizer.json"),
        (pair(), "BertTokenizer", "vocab.txt"),
    ],
)
def test_a_class_whose_files_are_others_is_refused(
    files: Files, name: str, expected: str, tmp_path: Path
) -> None:
    write(tmp_path, edited(files, {CONFIG: {"tokenizer_class": name}}))
    named = name.removesuffix("Fast")
    with pytest.raises(
        TokenizerError, match=rf"tokenizer_class is {named}, whose tokens need {expected}"
    ):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda token: f"{token}</w>", r"\d+ tokens end with </w>"),
        (lambda token: f"{token}中", r"\d+ have other characters"),
    ],
)
def test_a_pair_of_files_that_is_not_byte_level_is_refused(
    change: Any, seen: str, tmp_path: Path
) -> None:
    files = pair()
    files["vocab.json"] = {
        change(token) if id > 100 else token: id for token, id in files["vocab.json"].items()
    }
    files["merges.txt"] = "#version: 0.2\n"
    with pytest.raises(TokenizerError, match=rf"vocab\.json: {seen}, expected a byte-level"):
        Tokenizer.load(write(tmp_path, files))


def test_a_pair_that_no_file_names_is_roberta_s(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(write(tmp_path, pair()))
    assert tokenizer.encode("a", "b").tokens == ["<s>", "a", "</s>", "</s>", "b", "</s>"]
    assert tokenizer.settings["mask_token"].value == "<mask>"


def test_the_files_of_the_class_are_read_where_there_are_several(tmp_path: Path) -> None:
    write(tmp_path, {**bert(), **pair(), MODEL: {"model_type": "roberta"}})
    assert Tokenizer.load(tmp_path).encode("a").tokens == ["<s>", "a", "</s>"]
    (tmp_path / MODEL).write_text(json.dumps({"model_type": "bert"}))
    assert Tokenizer.load(tmp_path).encode("a").tokens == ["[CLS]", "a", "[SEP]"]


@pytest.mark.parametrize("kind", ["roberta", "xlm-roberta", "camembert"])
def test_a_word_piece_vocabulary_has_its_model_s_frame(kind: str, tmp_path: Path) -> None:
    write(tmp_path, edited(bert(), {MODEL: {"model_type": kind}}))
    tokenizer = Tokenizer.load(tmp_path)
    encoding = tokenizer.encode("a", "b")
    assert encoding.tokens == ["<s>", "a", "</s>", "</s>", "b", "</s>"]
    assert encoding.type_ids == [0] * 6
    assert "vocab.txt is read as WordPiece, with the frame <s> A </s>" in tokenizer.notes[-1]
    words = [word for word in bert()["vocab.txt"].split() if word not in ("<s>", "</s>")]
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    assert Tokenizer.load(tmp_path).encode("a", "b").type_ids == [0, 0, 0, 1, 1]


def test_older_files_say_flags_without_a_type(tmp_path: Path) -> None:
    own = {"content": "[E11]", "lstrip": True, "rstrip": False, "single_word": False}
    files = {**bert(), "special_tokens_map.json": {"additional_special_tokens": [own]}}
    tokenizer = Tokenizer.load(write(tmp_path, files))
    assert tokenizer.encode("a [E11]b").tokens == ["[CLS]", "a", "[E11]", "b", "[SEP]"]
    assert tokenizer.encode("a [E11]b").offsets[2] == (1, 7)


def test_no_vocabulary_at_all_is_one_error(tmp_path: Path) -> None:
    write(tmp_path, {"vocab.json": {"a": 0}})
    with pytest.raises(
        Exception, match=r"expected tokenizer\.json or vocab\.txt or vocab\.json and merges"
    ):
        Tokenizer.load(tmp_path)
