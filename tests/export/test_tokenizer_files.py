"""tokenizer.json as we write it, against the `tokenizers` package and our own reader."""

import json
from pathlib import Path

import pytest
import tokenizers

from bertie.export.tokenizer_files import tokenizer_json, write_tokenizer
from bertie.opened import Given, open_source
from bertie.tokenize import Tokenizer

TEXTS = [
    ("The OLD bridge, of stöne!", None),
    ("Who sleeps? [MASK] 水", "The cat sleeps in the small house."),
    ("", None),
    ("unfathomable wonderful boats " * 3, "x"),
]


@pytest.mark.parametrize("lower", [True, False])
def test_the_tokenizers_package_gives_the_same_ids(bert: Path, lower: bool) -> None:
    (bert / "tokenizer.json").unlink()
    ours = Tokenizer.load(bert, lower=lower)
    theirs = tokenizers.Tokenizer.from_str(json.dumps(tokenizer_json(ours)))
    for text, pair in TEXTS:
        encoded, expected = theirs.encode(text, pair), ours.encode(text, pair)
        assert (encoded.ids, encoded.type_ids) == (expected.ids, expected.type_ids)
        assert theirs.decode(encoded.ids) == ours.decode(expected.ids)


def test_what_is_written_reads_as_the_same_tokenizer(bert: Path, tmp_path: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (bert / name).unlink()
    (tmp_path / "out").mkdir()
    opened = open_source(bert, Given(lower=False))
    write_tokenizer(opened, tmp_path / "out")
    read = Tokenizer.load(tmp_path / "out")
    assert read.identity() == opened.tokenizer.identity()
    assert read.settings["max_length"].value == opened.config.positions
    assert read.settings["mask_token"].value == "[MASK]"


@pytest.mark.parametrize("splitter", ["BertPreTokenizer", "Whitespace"])
def test_files_that_say_it_already_are_left_alone(bert: Path, splitter: str) -> None:
    raw = json.loads((bert / "tokenizer.json").read_text())
    raw["pre_tokenizer"] = {"type": splitter}
    (bert / "tokenizer.json").write_text(json.dumps(raw))
    before = {path.name: path.read_bytes() for path in bert.iterdir()}
    write_tokenizer(open_source(bert), bert)
    assert {path.name: path.read_bytes() for path in bert.iterdir()} == before
