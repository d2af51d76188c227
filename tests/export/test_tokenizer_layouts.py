"""Whatever files a tokenizer comes in, what is written of it gives the same tokens."""

import json
from pathlib import Path

import numpy as np
import pytest
import tokenizers

import bertie
from bertie.export import write_bundle
from bertie.export.config_files import write_config_files
from bertie.export.tokenizer_files import write_tokenizer
from bertie.opened import open_source
from bertie.tokenize import Tokenizer, wordpiece_file
from tests.architectures import NAMES
from tests.architectures import write as write_model
from tests.editing import edit_json, edit_tensors
from tests.tokenize.cases import Case, cases

_REFUSED = ("other id", "two tokens of one id")
CASES = [
    case
    for case in cases()
    if "ids" in case.expected
    and case.files.get("config.json", {}).get("model_type") in NAMES
    and not any(refused in case.name for refused in _REFUSED)
]


def source(folder: Path, case: Case) -> Path:
    """Put a tiny model beside a tokenizer's files."""
    own = case.files["config.json"]
    write_model(folder, own["model_type"], "pooler")
    rest = {name: content for name, content in case.files.items() if name != "config.json"}
    Case(case.name, rest, case.texts, case.expected).write(folder)
    if max(max(ids, default=0) for ids in case.expected["ids"]) > 100:
        own = {**own, "vocab_size": 400}
        edit_tensors(folder, lambda tensors: {name: _wide(t) for name, t in tensors.items()})
    edit_json(folder / "config.json", **own)
    return folder


def _wide(tensor: np.ndarray) -> np.ndarray:
    """Give the table of words rows for a larger vocabulary."""
    return np.resize(tensor, (400, tensor.shape[1])) if len(tensor) == 101 else tensor


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_tokenizer_json_alone_says_it_all(case: Case, tmp_path: Path) -> None:
    opened = open_source(source(tmp_path / "source", case))
    out = tmp_path / "out"
    out.mkdir()
    write_config_files(opened, out)
    write_tokenizer(opened, out)
    package = tokenizers.Tokenizer.from_file(str(out / "tokenizer.json"))
    found = [package.encode(*texts) for texts in case.texts]
    assert [one.ids for one in found] == case.expected["ids"]
    assert [one.type_ids for one in found] == case.expected["types"]
    again = Tokenizer.load(out)
    assert [again.encode(*texts).ids for texts in case.texts] == case.expected["ids"]
    assert [again.encode(*texts).type_ids for texts in case.texts] == case.expected["types"]


BUNDLED = [
    "bert: added_tokens.json",
    "bert: own key",
    "bert: MPNet, added",
    "bert: blank lines",
    "bert_json: holes",
    "bert_json: lower false",
    "bert_json: additional, as it is",
    "roberta: plain",
    "roberta: additional",
    "xlm_roberta: no space",
    "deberta_v2_model: additional in the map",
    "deberta_v2_model: mask in the map",
]


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundle_gives_the_same_tokens_by_each_of_its_files(name: str, tmp_path: Path) -> None:
    (case,) = (case for case in CASES if case.name == name)
    folder = source(tmp_path / "source", case)
    bundle = write_bundle(folder, tmp_path / "bundle", precision="float32").path
    model = bertie.load(bundle)
    assert model.fingerprint == bertie.load(folder, precision="float32").fingerprint
    assert [model.tokenizer.encode(*texts).ids for texts in case.texts] == case.expected["ids"]
    (bundle / wordpiece_file.NAME).unlink(missing_ok=True)
    again = Tokenizer.load(bundle)
    assert [again.encode(*texts).ids for texts in case.texts] == case.expected["ids"]
    assert again.identity() == model.tokenizer.identity()


def test_a_class_that_frames_otherwise_is_named_in_what_is_written(tmp_path: Path) -> None:
    (case,) = (case for case in CASES if case.name == "bert: MPNet, added")
    opened = open_source(source(tmp_path / "source", case))
    out = tmp_path / "out"
    out.mkdir()
    write_tokenizer(opened, out)
    stated = json.loads((out / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert stated["tokenizer_class"] == "MPNetTokenizer"


@pytest.mark.parametrize("name", ["vocab.txt", "tokenizer.json"])
@pytest.mark.parametrize("model_type", ["bert", "deberta", "deberta-v2", "gte", "mpnet", "new"])
def test_wordpiece_of_a_model_that_names_no_class_stays_what_it_is(
    model_type: str, name: str, tmp_path: Path
) -> None:
    folder = write_model(tmp_path / "source", model_type, "pooler")
    words = ["[PAD]", "<s>", "</s>", "<unk>", "<mask>", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocab = folder / "vocab.txt"
    vocab.write_text("\n".join([*words, "<pad>", "the", "fox", "##s"]) + "\n", encoding="utf-8")
    if name == "tokenizer.json":
        tokenizers.BertWordPieceTokenizer(str(vocab)).save(str(folder / name))
        vocab.unlink()
    opened = open_source(folder)
    out = tmp_path / "out"
    out.mkdir()
    write_config_files(opened, out)
    write_tokenizer(opened, out)
    assert Tokenizer.load(out).identity() == opened.tokenizer.identity()
