"""Every row about a tokenizer's files holds: what is read changes something, what isn't doesn't."""

import json
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from bertie.errors import BertieError, SourceError
from bertie.known import IDLE, KNOWN, NOTED, READ, REFUSED, Known
from bertie.known.tokenizer import TOKENIZER
from bertie.tokenize import Tokenizer
from tests.tokenize.cases import DATA, Files, edited, family, write

CONFIG, TOKENS_MAP, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
JSON = "tokenizer.json"
TEXTS = ["Hello héllo 中国, the [E11] fox <mask> [MASK] <s>  a.", "", "don't"]

# What changes something, for each row that is read: a family of tests/data/tokenizers, edits that
# are made of it first, and the edits that matter.
READ_BY: dict[tuple[str, str], tuple[str, Files, Files]] = {
    (CONFIG, "tokenizer_class"): ("bert", {}, {CONFIG: {"tokenizer_class": "MPNetTokenizer"}}),
    ("config.json", "tokenizer_class"): (
        "bert",
        {},
        {"config.json": {"tokenizer_class": "MPNetTokenizer"}},
    ),
    (CONFIG, "bos_token"): ("bert", {}, {CONFIG: {"bos_token": "<s>"}}),
    (CONFIG, "eos_token"): ("bert", {}, {CONFIG: {"eos_token": "<s>"}}),
    (CONFIG, "unk_token"): ("bert", {}, {CONFIG: {"unk_token": "<unk>"}}),
    (CONFIG, "sep_token"): ("bert", {}, {CONFIG: {"sep_token": "</s>"}}),
    (CONFIG, "pad_token"): ("bert", {}, {CONFIG: {"pad_token": "<s>"}}),
    (CONFIG, "cls_token"): ("bert", {}, {CONFIG: {"cls_token": "<s>"}}),
    (CONFIG, "mask_token"): ("bert", {}, {CONFIG: {"mask_token": "<mask>"}}),
    (CONFIG, "*_token"): ("bert", {}, {CONFIG: {"entity_token": "[E11]"}}),
    (CONFIG, "additional_special_tokens"): (
        "bert",
        {},
        {CONFIG: {"additional_special_tokens": ["[E11]"]}},
    ),
    (CONFIG, "extra_special_tokens"): ("bert", {}, {CONFIG: {"extra_special_tokens": ["[E11]"]}}),
    (CONFIG, "model_specific_special_tokens"): (
        "bert",
        {},
        {CONFIG: {"model_specific_special_tokens": {"entity_token": "[E11]"}}},
    ),
    (CONFIG, "added_tokens_decoder"): (
        "bert",
        {},
        {CONFIG: {"added_tokens_decoder": {"45": {"content": "[E11]"}}}},
    ),
    (CONFIG, "do_lower_case"): ("bert", {}, {CONFIG: {"do_lower_case": False}}),
    (CONFIG, "strip_accents"): ("bert", {}, {CONFIG: {"strip_accents": False}}),
    (CONFIG, "tokenize_chinese_chars"): ("bert", {}, {CONFIG: {"tokenize_chinese_chars": False}}),
    (CONFIG, "keep_accents"): ("albert", {}, {CONFIG: {"keep_accents": True}}),
    (CONFIG, "split_by_punct"): ("deberta_v2", {}, {CONFIG: {"split_by_punct": True}}),
    (CONFIG, "add_prefix_space"): ("roberta", {}, {CONFIG: {"add_prefix_space": True}}),
    (CONFIG, "trim_offsets"): ("roberta", {}, {CONFIG: {"trim_offsets": False}}),
    (CONFIG, "model_max_length"): ("bert", {}, {CONFIG: {"model_max_length": 9}}),
    (CONFIG, "max_len"): ("bert", {}, {CONFIG: {"max_len": 9}}),
    (CONFIG, "model_input_names"): (
        "bert",
        {},
        {CONFIG: {"model_input_names": ["input_ids", "attention_mask"]}},
    ),
    (CONFIG, "add_bos_token"): (
        "roberta",
        {CONFIG: {"tokenizer_class": "GPT2Tokenizer"}},
        {CONFIG: {"add_bos_token": True}},
    ),
    (CONFIG, "add_eos_token"): (
        "roberta",
        {CONFIG: {"tokenizer_class": "GPT2Tokenizer"}},
        {CONFIG: {"add_eos_token": True}},
    ),
    **{
        (TOKENS_MAP, key): ("bert", {}, {TOKENS_MAP: {key: token}})
        for key, token in {
            "bos_token": "<s>",
            "eos_token": "<s>",
            "unk_token": "<unk>",
            "sep_token": "</s>",
            "pad_token": "<s>",
            "cls_token": "<s>",
            "mask_token": "<mask>",
        }.items()
    },
    (TOKENS_MAP, "*_token"): ("bert", {}, {TOKENS_MAP: {"entity_token": "[E11]"}}),
    (TOKENS_MAP, "additional_special_tokens"): (
        "bert",
        {},
        {TOKENS_MAP: {"additional_special_tokens": ["[E11]"]}},
    ),
    (TOKENS_MAP, "extra_special_tokens"): (
        "bert",
        {},
        {TOKENS_MAP: {"extra_special_tokens": ["[E11]"]}},
    ),
    (ADDED, "*"): ("bert", {}, {ADDED: {"[E11]": 45}}),
    (JSON, "added_tokens"): (
        "bert_json",
        {CONFIG: None, "config.json": None},
        {JSON: {"added_tokens": []}},
    ),
    (JSON, "normalizer"): (
        "bert_json",
        {CONFIG: None, "config.json": None},
        {JSON: {"normalizer": None}},
    ),
    (JSON, "pre_tokenizer"): (
        "bert_json",
        {},
        {JSON: {"pre_tokenizer": {"type": "WhitespaceSplit"}}},
    ),
    (JSON, "model"): ("bert_json", {}, {JSON: {"model/max_input_chars_per_word": 2}}),
    (JSON, "post_processor"): (
        "bert_json",
        {CONFIG: None, "config.json": None},
        {JSON: {"post_processor": None}},
    ),
    (JSON, "decoder"): ("bert_json", {}, {JSON: {"decoder/cleanup": False}}),
    (CONFIG, ""): ("albert", {CONFIG: {"keep_accents": True}}, {CONFIG: None}),
    (TOKENS_MAP, ""): ("bert", {TOKENS_MAP: {"entity_token": "[E11]"}}, {TOKENS_MAP: None}),
    (ADDED, ""): ("bert", {ADDED: {"[E11]": 45}}, {ADDED: None}),
    (JSON, ""): ("bert_json", {}, {JSON: None}),
    ("vocab.txt", ""): ("bert", {}, {"vocab.txt": None}),
    ("vocab.json", ""): ("roberta", {}, {"vocab.json": None}),
    ("merges.txt", ""): ("roberta", {}, {"merges.txt": None}),
    ("spm.model", ""): ("deberta_v2_model", {}, {"spm.model": None}),
    ("sentencepiece.bpe.model", ""): (
        "xlm_roberta_model",
        {},
        {"sentencepiece.bpe.model": None},
    ),
    ("spiece.model", ""): ("albert_model", {}, {"spiece.model": None}),
}
# Parameters that no file can have: what a caller gives, or what transformers makes on the way.
NOT_IN_A_FILE = {
    "args",
    "cache_dir",
    "code_revision",
    "config",
    "kwargs",
    "mistral_format",
    "post_processor",
    "proxies",
    "revision",
    "self",
    "spm_file",
    "subfolder",
    "token",
    "tokenizer",
    "tokenizer_object",
    "tokenizer_padding",
    "tokenizer_truncation",
    "trust_remote_code",
}
# A value of each key that isn't neutral.
VALUES: dict[str, Any] = {
    "split_special_tokens": True,
    "fast_tokenizer_files": ["tokenizer.4.0.0.json", "tokenizer.json"],
    "init_inputs": ["x"],
    "truncation_side": "left",
    "auto_map": {"AutoTokenizer": ["x.Foo", None]},
    "clean_text": False,
    "do_basic_tokenize": False,
    "never_split": ["[E11]"],
    "sp_model_kwargs": {"nbest_size": 3},
    "word_tokenizer_type": "mecab",
    "subword_tokenizer_type": "character",
    "model.dropout": 0.1,
    "fix_mistral_regex": True,
    "normalization": True,
}


def behaviour(folder: Path) -> Any:
    """Load a tokenizer, and tell everything that may be seen of it."""
    tokenizer = Tokenizer.load(folder)
    found = [tokenizer.encode(text) for text in TEXTS] + [tokenizer.encode("the fox", "a")]
    values = {name: one.value for name, one in tokenizer.settings.items()}
    return found, [tokenizer.decode(one.ids) for one in found], values


def rows(mark: str) -> list[Any]:
    return [pytest.param(row, id=f"{row.file} {row.key}") for row in TOKENIZER if row.mark == mark]


def base(row: Known) -> Files:
    """A directory in which a row's file is, or could be."""
    files: Files = family("roberta_json" if row.file == JSON else "bert")["files"]
    return files


@pytest.mark.parametrize("row", rows(READ))
def test_what_is_read_changes_something(row: Known, tmp_path: Path) -> None:
    name, before, change = READ_BY[row.file, row.key]
    files = edited(family(name)["files"], before)
    first = behaviour(write(tmp_path / "first", files))
    try:
        assert behaviour(write(tmp_path / "second", edited(files, change))) != first
    except SourceError:
        assert row.key == "", "a file may be all that there is"


@pytest.mark.parametrize("row", rows(REFUSED))
def test_what_is_refused_is_refused_by_name(row: Known, tmp_path: Path) -> None:
    files = base(row)
    if row.key:
        value = VALUES.get(row.key, "de_DE" if "lang" in row.key else {"x": 1})
        files = edited(files, {row.file: {row.key.replace(".", "/"): value}})
        match = rf"{row.file}: {row.key} is .*; nothing here does that: .*{row.instead[:20]}"
    else:
        name = row.file.replace("*", "tokenizer")
        files = {**(files if "vocab.txt" in row.where else {}), name: "x"}
        match = rf"{name} {row.effect[:20]}.*; nothing here does that: {row.instead[:20]}"
    with pytest.raises(BertieError, match=match):
        Tokenizer.load(write(tmp_path / "model", files))


@pytest.mark.parametrize("row", rows(REFUSED))
def test_neutral_values_and_null_are_not_refused(row: Known, tmp_path: Path) -> None:
    for i, value in enumerate((None, *row.neutral) if row.key else ()):
        files = edited(base(row), {row.file: {row.key.replace(".", "/"): value}})
        Tokenizer.load(write(tmp_path / str(i), files))


@pytest.mark.parametrize("row", rows(NOTED))
def test_what_is_noted_is_a_note_and_changes_nothing(row: Known, tmp_path: Path) -> None:
    files = base(row)
    first = behaviour(write(tmp_path / "first", files))
    if not row.key:
        name = row.file.replace("*", "tokenizer_78b3253a26")
        noted = write(tmp_path / "noted", {**files, name: "x"})
        assert behaviour(noted) == first
        assert f"{noted} has {name}, which {row.effect}" in Tokenizer.load(noted).notes
        return
    noted = write(tmp_path / "noted", edited(files, {row.file: {row.key: VALUES[row.key]}}))
    assert behaviour(noted) == first
    assert any(
        note.startswith(f"{row.file}: {row.key} is ") and row.effect in note
        for note in Tokenizer.load(noted).notes
    )
    for i, value in enumerate((None, *row.neutral)):
        plain = write(tmp_path / str(i), edited(files, {row.file: {row.key: value}}))
        assert not any(row.key in note for note in Tokenizer.load(plain).notes)


@pytest.mark.parametrize("row", rows(IDLE))
def test_what_is_idle_changes_nothing(row: Known, tmp_path: Path) -> None:
    files = base(row)
    first = behaviour(write(tmp_path / "first", files))
    values: dict[str, Any] = {"truncation": {"x": 1}, "padding": {"x": 1}, "version": "gone"}
    value = values.get(row.key, "x") if row.file == JSON else "x"
    edits: Files = {row.file: {row.key: value}} if row.key else {row.file: "{}"}
    assert behaviour(write(tmp_path / "second", edited(files, edits))) == first


def test_every_key_and_file_that_transformers_reads_has_a_row() -> None:
    listed = json.loads((DATA.parent / "known" / "tokenizer.json").read_text(encoding="utf-8"))
    known = {row.key for row in TOKENIZER if row.file == CONFIG} | NOT_IN_A_FILE
    assert [key for key in listed["keys"] if key not in known and not key.startswith("_")] == []
    names = [row.file for row in TOKENIZER if not row.key]
    assert [name for name in listed["files"] if not any(fnmatch(name, one) for one in names)] == []


def test_each_key_has_one_row() -> None:
    named = [(row.file, row.key, one) for row in TOKENIZER for one in row.where or (None,)]
    assert len(set(named)) == len(named)
    assert all(row in KNOWN for row in TOKENIZER)
    assert {key for key, _ in READ_BY.items()} == {
        (row.file, row.key) for row in TOKENIZER if row.mark == READ
    }
