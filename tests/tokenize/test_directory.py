"""What a model's files say about tokenizing, and which wins."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bertie.checkpoint.config import Setting
from bertie.errors import SourceError, TokenizerError
from bertie.tokenize import Tokenizer

Load = Callable[..., Tokenizer]


def test_settings_say_where_they_come_from(load: Load) -> None:
    tokenizer = load(config={"do_lower_case": False, "model_max_length": 512})
    assert tokenizer.settings["lower"] == Setting(False, "tokenizer_config.json: do_lower_case")
    assert tokenizer.settings["strip_accents"] == Setting(False, "as lower")
    assert tokenizer.settings["clean_text"] == Setting(True, "default")
    assert tokenizer.settings["max_length"] == Setting(
        512, "tokenizer_config.json: model_max_length"
    )
    assert tokenizer.settings["cls_token"] == Setting("[CLS]", "default")


def test_the_sentinel_for_no_length_is_none(load: Load) -> None:
    sentinel = 1000000000000000019884624838656
    tokenizer = load(config={"model_max_length": sentinel})
    assert tokenizer.settings["max_length"] == Setting(None, "default")


@pytest.mark.parametrize("token", ["[UNK]", "[CLS]", "[SEP]"])
def test_a_vocabulary_without_a_token_that_bert_needs_is_refused(load: Load, token: str) -> None:
    vocab = [t for t in ("[UNK]", "[CLS]", "[SEP]", "a") if t != token]
    with pytest.raises(TokenizerError, match=rf"lacks \{token[:-1]}\], which BERT"):
        load(vocab)


def test_every_missing_token_is_named(load: Load) -> None:
    with pytest.raises(TokenizerError, match=r"lacks \[UNK\], \[CLS\], \[SEP\]"):
        load(["a"])


def test_special_tokens_may_have_other_names(load: Load) -> None:
    names = {"unk_token": "<u>", "cls_token": {"content": "<c>"}, "sep_token": "<s>"}
    tokenizer = load(["<u>", "<c>", "<s>", "a"], names)
    assert tokenizer.encode("a <c> b").tokens == ["<c>", "a", "<c>", "<u>", "<s>"]
    assert tokenizer.settings["unk_token"].origin == "tokenizer_config.json: unk_token"


def test_a_vocabulary_of_capitals_is_not_lower_cased_where_no_file_says_so(load: Load) -> None:
    special = ["[UNK]", "[CLS]", "[SEP]", "[unused0]", "[unused1]"]
    tokens = [*special, "Paris", "paris", *(f"##{i}" for i in range(18))]
    found = load(tokens)
    assert found.settings["lower"] == Setting(True, "default")  # one of twenty is not over 5 %
    assert found.notes == ()
    tokens.pop()
    found = load(tokens)
    assert found.notes == (
        "vocab.txt: 1 of 19 tokens have capitals, and no file says whether to lower-case, so texts"
        " are not lower-cased, where transformers does: give lower=True for that",
    )
    assert found.settings["lower"] == Setting(False, "capitals in vocab.txt")
    assert found.settings["strip_accents"] == Setting(False, "as lower")
    assert found.encode("Paris paris").tokens == ["[CLS]", "Paris", "paris", "[SEP]"]
    for other in (load(tokens, {"do_lower_case": True}), load(tokens, lower=True)):
        assert other.notes == ()
        assert other.encode("Paris").tokens == ["[CLS]", "paris", "[SEP]"]
    assert load(tokens, {"do_lower_case": None}).settings["lower"].value is False


def test_special_tokens_map_is_read_too(load: Load, write_model: Callable[..., Path]) -> None:
    folder = write_model(["<u>", "[CLS]", "[SEP]", "a"])
    (folder / "special_tokens_map.json").write_text('{"unk_token": "<u>"}')
    assert Tokenizer.load(folder).encode("b").tokens == ["[CLS]", "<u>", "[SEP]"]


def test_notes_tell_of_odd_vocabularies(load: Load) -> None:
    tokenizer = load(["[UNK]", "a", "", "[CLS]", "[SEP]", "a"])
    assert tokenizer.encode("a").ids == [3, 5, 4]
    assert tokenizer.notes[0] == "vocab.txt: 1 blank, the first with id 2"


def test_tokens_added_later_follow_the_vocabulary(load: Load) -> None:
    decoder = {"0": {"content": "[UNK]"}, "4": {"content": "<x>", "special": False}}
    tokenizer = load(["[UNK]", "[CLS]", "[SEP]", "a"], {"added_tokens_decoder": decoder})
    assert tokenizer.vocab_size == 5
    assert tokenizer.encode("a<x>").tokens == ["[CLS]", "a", "<x>", "[SEP]"]
    assert tokenizer.decode([3, 4, 2]) == "a <x>"


def test_an_added_token_of_another_vocabulary_is_refused(load: Load) -> None:
    decoder = {"9": {"content": "<x>"}}
    with pytest.raises(
        TokenizerError, match=r"added_tokens_decoder\.9 is 9 for '<x>', expected 4 by"
    ):
        load(["[UNK]", "[CLS]", "[SEP]", "a"], {"added_tokens_decoder": decoder})


def test_a_directory_with_nothing_to_tokenize_with_says_what_it_has(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SourceError, match=r"nothing to tokenize with, .*; found config\.json"):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ('{"do_lower_case": "yes"}', "do_lower_case is 'yes', expected true or false"),
        ('{"unk_token": 3}', "unk_token is 3, expected a string"),
        ("[]", r"the file is \[\], expected an object"),
        ("{", "not JSON"),
        ("[" * 100000, "nested too deeply"),
    ],
)
def test_a_config_of_other_types_is_refused_with_its_path(
    load: Load, write_model: Callable[..., Path], config: str, path: str
) -> None:
    folder = write_model()
    (folder / "tokenizer_config.json").write_text(config)
    with pytest.raises(TokenizerError, match=path):
        Tokenizer.load(folder)


def test_a_vocabulary_that_no_class_here_reads_is_refused_with_the_conversion(
    tmp_path: Path,
) -> None:
    (tmp_path / "tokenizer.model").write_bytes(b"\x0a")
    with pytest.raises(
        TokenizerError, match=r"tokenizer\.model is SentencePiece's .* convert it with transformers"
    ):
        Tokenizer.load(tmp_path)
