"""tokenizer.json: what it says is done, and what it can't say is refused with its path."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertie.errors import TokenizerError
from bertie.tokenize import Tokenizer

VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "hello", "##s", "world", "Hello"]


def added(content: str, id: int, **flags: bool) -> dict[str, Any]:
    names = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return {"id": id, "content": content, **{name: flags.get(name, False) for name in names}}


def document() -> dict[str, Any]:
    """A small tokenizer.json, with the truncation and padding that are to be ignored."""

    def special(token: str) -> dict[str, Any]:
        return {"SpecialToken": {"id": token, "type_id": 0}}

    def sequence(name: str, type_id: int) -> dict[str, Any]:
        return {"Sequence": {"id": name, "type_id": type_id}}

    return {
        "version": "1.0",
        "truncation": {"max_length": 3, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 16}, "direction": "Right", "pad_id": 0},
        "added_tokens": [added(token, i, special=True) for i, token in enumerate(VOCAB[:4])],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special("[CLS]"), sequence("A", 0), special("[SEP]")],
            "pair": [special("[CLS]"), sequence("A", 0), special("[SEP]"), sequence("B", 1)],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 10,
            "vocab": {token: i for i, token in enumerate(VOCAB)},
        },
    }


LoadJson = Callable[..., Tokenizer]


@pytest.fixture
def load_json(tmp_path: Path) -> LoadJson:
    """Return a function that loads a directory with this tokenizer.json and tokenizer_config."""

    def make(
        document: dict[str, Any], config: dict[str, Any] | None = None, **options: Any
    ) -> Tokenizer:
        (tmp_path / "tokenizer.json").write_text(json.dumps(document))
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config or {}))
        return Tokenizer.load(tmp_path, **options)

    return make


def test_truncation_and_padding_in_the_file_are_ignored(load_json: LoadJson) -> None:
    encoding = load_json(document()).encode("Hello hellos world")
    assert encoding.tokens == ["[CLS]", "hello", "hello", "##s", "world", "[SEP]"]


def test_the_template_frames_pairs_as_it_says(load_json: LoadJson) -> None:
    encoding = load_json(document()).encode("hello", "world")
    assert encoding.tokens == ["[CLS]", "hello", "[SEP]", "world"]
    assert encoding.type_ids == [0, 0, 0, 1]


def test_tokenizer_json_wins_over_the_config_and_a_note_says_so(load_json: LoadJson) -> None:
    tokenizer = load_json(document(), {"do_lower_case": False})
    assert tokenizer.encode("Hello").ids == [2, 4, 3]
    assert tokenizer.settings["lower"].origin == "tokenizer.json: normalizer.lowercase"
    assert tokenizer.notes == (
        "tokenizer_config.json: do_lower_case is false and tokenizer.json says true: "
        "tokenizer.json won",
    )


def test_the_caller_wins_over_both(load_json: LoadJson) -> None:
    assert load_json(document(), {"do_lower_case": True}, lower=False).encode("Hello").ids[1] == 7


def test_the_file_says_how_long_a_word_may_be(load_json: LoadJson) -> None:
    assert load_json(document()).encode("hellossssss").tokens[1:-1] == ["[UNK]"]


def test_bert_processing_is_a_frame_too(load_json: LoadJson) -> None:
    described = document()
    described["post_processor"] = {
        "type": "BertProcessing",
        "sep": ["[SEP]", 3],
        "cls": ["[CLS]", 2],
    }
    assert load_json(described).encode("hello", "world").ids == [2, 4, 3, 6, 3]


def test_without_a_post_processor_nothing_frames_a_text(load_json: LoadJson) -> None:
    described = document() | {"post_processor": None}
    tokenizer = load_json(described)
    assert tokenizer.encode("hello", "world").ids == [4, 6]
    assert "no special tokens" in tokenizer.notes[0]


def test_without_a_normalizer_nothing_is_lower_cased(load_json: LoadJson) -> None:
    assert load_json(document() | {"normalizer": None}).encode("Hello").ids[1] == 7


def test_without_a_decoder_tokens_are_joined_as_they_are(load_json: LoadJson) -> None:
    assert load_json(document() | {"decoder": None}).decode([4, 5]) == "hello ##s"


@pytest.mark.parametrize(
    ("token", "text", "tokens", "offsets"),
    [
        (added("<x>", 8), "a<x>b", ["[UNK]", "<x>", "[UNK]"], (1, 4)),
        (added("<x>", 8, lstrip=True), "a <x> b", ["[UNK]", "<x>", "[UNK]"], (1, 5)),
        (added("<x>", 8, rstrip=True), "a <x>\u3000b", ["[UNK]", "<x>", "[UNK]"], (2, 6)),
        (added("xyz", 8, single_word=True), "axyz xyz", ["[UNK]", "xyz"], (5, 8)),
        (added("Xyz", 8, normalized=True), "é xYZ", ["[UNK]", "Xyz"], (2, 5)),
        (added("Xyz", 8), "xyz Xyz", ["[UNK]", "Xyz"], (4, 7)),
    ],
)
def test_added_tokens_match_as_their_flags_say(
    load_json: LoadJson, token: dict[str, Any], text: str, tokens: list[str], offsets: object
) -> None:
    described = document()
    described["added_tokens"].append(token)
    encoding = load_json(described).encode(text)
    assert encoding.tokens[1:-1] == tokens
    assert encoding.offsets[encoding.ids.index(8)] == offsets


def broken(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(described: Any) -> None:
        for key in path[:-1]:
            described = described[key]
        described[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (broken("model", value=[]), r"model is \[\], expected an object"),
        (broken("model", "vocab", value=["a"]), r"model\.vocab is \['a'\], expected an object"),
        (broken("model", "vocab", "hello", value=10**12), r"model\.vocab\.hello is 1000000000000"),
        (broken("model", "vocab", "hello", value="4"), r"model\.vocab\.hello is '4'"),
        (broken("model", "vocab", "hello", value=-1), r"model\.vocab\.hello is -1"),
        (broken("model", "vocab", "hello", value=True), r"model\.vocab\.hello is True"),
        (
            broken("model", "vocab", "new", value=9999),
            r"model\.vocab\.new is 9999, expected a whole number from 0 to",
        ),
        (broken("model", "vocab", "\ud800", value=8), "without lone surrogates"),
        (broken("model", "unk_token", value="<u>"), "lacks <u>"),
        (broken("model", "max_input_chars_per_word", value=-1), "from 0 to"),
        (broken("normalizer", "lowercase", value="yes"), r"normalizer\.lowercase is 'yes'"),
        (broken("added_tokens", value={}), r"added_tokens is \{\}, expected a list"),
        (broken("added_tokens", 1, value=7), r"added_tokens\[1\] is 7, expected an object"),
        (broken("added_tokens", 1, "id", value=9), r"added_tokens\[1\]\.id is 9, expected 1"),
        (broken("added_tokens", 1, "content", value=None), r"added_tokens\[1\]\.content is None"),
        (broken("post_processor", "single", value=[]), "a template with each of A once"),
        (
            broken("post_processor", "special_tokens", "[CLS]", "ids", value=[10**9]),
            r"special_tokens\.\[CLS\]\.ids\[0\] is 1000000000, expected a whole number from 0 to 7",
        ),
        (broken("post_processor", "special_tokens", value={}), "expected an object"),
    ],
)
def test_a_broken_file_is_refused_with_the_path(
    load_json: LoadJson, change: Callable[[Any], None], complaint: str
) -> None:
    described = document()
    change(described)
    with pytest.raises(TokenizerError, match=complaint):
        load_json(described)


def test_a_file_nested_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"a":' * 10000 + "1" + "}" * 10000)
    with pytest.raises(TokenizerError, match="nested too deeply"):
        Tokenizer.load(tmp_path)
