"""Directories with a SentencePiece model alone: what is refused, noted and kept; that the rest is
as transformers has it is in test_cases.py."""

import json
import pickle
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from bertie.errors import TokenizerError
from bertie.tokenize import Tokenizer
from tests.tokenize.cases import Files, edited, family, write
from tests.wire import block, number

CONFIG, MODEL, SPM, BPE = (
    "tokenizer_config.json",
    "config.json",
    "spm.model",
    "sentencepiece.bpe.model",
)


def directory(folder: Path, name: str = "deberta_v2_model", **files: Any) -> Path:
    edits: Files = {one.replace("__", "."): content for one, content in files.items()}
    return write(folder / "model", edited(family(name)["files"], edits))


def model_of(name: str, file: str) -> bytes:
    return b64decode(family(name)["files"][file]["base64"])


def test_what_the_class_leaves_out_of_the_file_s_own_settings_is_noted(tmp_path: Path) -> None:
    notes = Tokenizer.load(directory(tmp_path)).notes
    (said,) = (note for note in notes if "change nothing" in note)
    assert said == (
        "spm.model: its own precompiled_charsmap change nothing, as DebertaV2Tokenizer goes without"
        " in transformers 5"
    )
    assert any(note.startswith("spm.model: a SentencePiece model of 80 pieces") for note in notes)
    other = Tokenizer.load(directory(tmp_path, "albert_model"))
    assert not any("change nothing" in note for note in other.notes)


def test_an_albert_and_a_deberta_lower_case_as_their_files_and_classes_say(tmp_path: Path) -> None:
    for name, config, lower in (
        ("albert_model", {}, True),
        ("albert_model", {"do_lower_case": False}, False),
        ("deberta_v2_model", {}, False),
        ("deberta_v2_model", {"do_lower_case": True}, True),
    ):
        found = Tokenizer.load(directory(tmp_path, name, tokenizer_config__json=config))
        assert found.settings["lower"].value is lower


def test_a_model_s_classes_have_their_own_ids_for_one_file(tmp_path: Path) -> None:
    xlm, camembert = (
        Tokenizer.load(directory(tmp_path, "xlm_roberta_model", config__json={"model_type": kind}))
        for kind in ("xlm-roberta", "camembert")
    )
    fox = [one.encode("fox", add_special_tokens=False).ids for one in (xlm, camembert)]
    assert [b - a for a, b in zip(*fox, strict=True)] == [3] * len(fox[0])
    assert [xlm.id_of(one) for one in ("<s>", "<pad>", "</s>", "<unk>")] == [0, 1, 2, 3]
    assert xlm.id_of("<mask>") == xlm.vocab_size - 1
    assert camembert.token_of(4) == "<unk>NOTUSED"


def test_it_survives_pickling_and_has_an_identity(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(directory(tmp_path))
    copy = pickle.loads(pickle.dumps(tokenizer))  # noqa: S301
    assert copy.encode("héllo, fox") == tokenizer.encode("héllo, fox")
    assert copy.identity() == tokenizer.identity()
    (tmp_path / "again").mkdir()
    document = json.dumps(json.loads(tokenizer.definition.json))
    (tmp_path / "again" / "tokenizer.json").write_text(document)
    assert Tokenizer.load(tmp_path / "again").encode("the fox").ids == (
        tokenizer.encode("the fox").ids
    )


def test_tokenizer_json_beside_it_wins(tmp_path: Path) -> None:
    folder = directory(tmp_path)
    whole = json.loads(Tokenizer.load(folder).definition.json)
    (folder / SPM).write_bytes(b"no model")
    (folder / "tokenizer.json").write_text(json.dumps(whole))
    assert len(Tokenizer.load(folder).encode("the fox").ids) > 2


def test_the_caller_cannot_change_it(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"spm\.model: lower= is given, and only BERT's"):
        Tokenizer.load(directory(tmp_path), lower=True)


def test_a_file_that_no_class_is_named_for_is_refused_with_what_to_name(tmp_path: Path) -> None:
    folder = directory(tmp_path, config__json={"model_type": "own"})
    with pytest.raises(TokenizerError, match=r"no file beside spm\.model names the tokenizer's"):
        Tokenizer.load(folder)
    (folder / CONFIG).write_text('{"tokenizer_class": "DebertaV2TokenizerFast"}')
    assert Tokenizer.load(folder).encode("a").ids[0] == 1


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("XLMRobertaTokenizer", r"sentencepiece\.bpe\.model"),
        ("BertTokenizer", r"vocab\.txt"),
        ("T5Tokenizer", r"tokenizer\.json"),
        ("PreTrainedTokenizerFast", r"tokenizer\.json"),
    ],
)
def test_a_class_that_reads_another_file_is_refused(name: str, needed: str, tmp_path: Path) -> None:
    folder = directory(tmp_path, tokenizer_config__json={"tokenizer_class": name})
    with pytest.raises(
        TokenizerError, match=rf"whose tokens need {needed}, and there is only spm\.model"
    ):
        Tokenizer.load(folder)


def test_a_model_trained_otherwise_than_its_class_runs_it_is_refused(tmp_path: Path) -> None:
    folder = directory(tmp_path)
    data = model_of("deberta_v2_model", SPM)
    for algorithm, name in ((2, "bpe"), (3, "word"), (4, "char"), (9, "9")):
        (folder / SPM).write_bytes(data + block(2, number(3, algorithm) + number(40, 3)))
        with pytest.raises(TokenizerError, match=rf"was trained as {name}, and DebertaV2Token"):
            Tokenizer.load(folder)


@pytest.mark.parametrize("table", [b"a", b"\xff\xff\xff\xff", b"\x04\0\0\0\0\0\0\0\xff"])
def test_a_normalizer_that_cannot_be_read_is_refused(table: bytes, tmp_path: Path) -> None:
    folder = directory(tmp_path, "xlm_roberta_model")
    data = model_of("xlm_roberta_model", BPE)
    (folder / BPE).write_bytes(data + block(3, block(2, table)))
    with pytest.raises(TokenizerError, match=r"bpe\.model: the tokenizers package can't read its"):
        Tokenizer.load(folder)


def test_a_token_of_the_vocabulary_cannot_be_none(tmp_path: Path) -> None:
    folder = directory(tmp_path, "xlm_roberta_model", tokenizer_config__json={"pad_token": None})
    with pytest.raises(TokenizerError, match=r"pad_token is null, and the class's vocabulary"):
        Tokenizer.load(folder)


def test_an_id_that_a_file_states_otherwise_is_refused(tmp_path: Path) -> None:
    folder = directory(tmp_path, added_tokens__json={"[MASK]": 7})
    with pytest.raises(TokenizerError, match=r"is 7 for '\[MASK\]', expected 80 by the vocab"):
        Tokenizer.load(folder)


def test_a_model_without_the_piece_for_unknown_characters_is_refused(tmp_path: Path) -> None:
    folder = directory(tmp_path, "albert_model")
    one = block(1, block(1, "[CLS]") + b"\x15" + bytes(4) + number(3, 2))
    (folder / "spiece.model").write_bytes(one)
    config = {"cls_token": "[CLS]", "sep_token": "[CLS]"}
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(TokenizerError, match=r"spiece\.model: 1 pieces, expected more than 1"):
        Tokenizer.load(folder)
