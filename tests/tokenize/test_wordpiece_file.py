"""A bundle's own form of a tokenizer is the tokenizer, or a TokenizerError."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bertie.checkpoint.config import Setting
from bertie.errors import TokenizerError
from bertie.tokenize import Tokenizer, Vocab
from bertie.tokenize.definition import AddedToken, Definition
from bertie.tokenize.wordpiece_file import NAME, read, write

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "é", "中", " ", "", "a"]


def definition() -> Definition:
    """One in which nothing has its default."""
    plain = Tokenizer.from_vocab(Vocab(TOKENS), max_length=9).definition
    assert isinstance(plain, Definition)
    added = (*plain.added, AddedToken("<m>", len(TOKENS), True, True, True, True, False))
    settings = {**plain.settings, "lower": Setting(False, "caller")}
    return replace(
        plain,
        added=added,
        settings=settings,
        prefix="#",
        max_chars=7,
        decoder_prefix=None,
        cleanup=False,
        notes=("one", "two"),
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = definition()
    write(written, tmp_path)
    found = read(tmp_path / NAME, None)
    assert found.vocab.tokens == written.vocab.tokens
    assert replace(found, vocab=written.vocab) == written
    assert Tokenizer(found).identity() == Tokenizer(written).identity()
    assert read(tmp_path / NAME, 5).settings["max_length"] == Setting(5, "caller")


def test_a_token_with_a_line_break_leaves_it_to_tokenizer_json(tmp_path: Path) -> None:
    write(replace(definition(), vocab=Vocab([*TOKENS, "a\nb"])), tmp_path)
    assert not (tmp_path / NAME).exists()


def test_the_callers_word_wins_over_it(bert: Path) -> None:
    plain = Tokenizer.load(bert)
    assert isinstance(plain.definition, Definition)
    write(plain.definition, bert)
    (bert / "tokenizer.json").write_text("{}")
    assert Tokenizer.load(bert).identity() == plain.identity()
    (bert / "tokenizer.json").unlink()
    assert Tokenizer.load(bert, lower=False).settings["lower"] == Setting(False, "caller")


HARM: tuple[tuple[Callable[[dict[str, Any]], Any], str], ...] = (
    (lambda head: head.update(format=2), "format is 2, expected a format up to 1"),
    (lambda head: head.update(tokens=13), "tokens is 13, expected 12"),
    (lambda head: head.update(unknown="nobody"), "unknown is 'nobody', expected a token of the"),
    (lambda head: head["added"][0].update(id=99), "added is .*, expected tokens of the vocabulary"),
    (lambda head: head["single"][0].update(item=99), r"single\[0\].item is 99, expected a whole"),
    (lambda head: head.update(pair=head["single"]), "pair is .*, expected a frame with each of A"),
    (lambda head: head["settings"].pop("lower"), "settings.lower is None, expected an object"),
    (lambda head: head["settings"]["cls_token"].update(value=3), "cls_token.value is 3, expected"),
    (lambda head: head["settings"].update(x=head["settings"]["lower"]), "expected no setting 'x'"),
    (lambda head: head.update(max_chars=-1), "max_chars is -1, expected a whole number from 0"),
)


@pytest.mark.parametrize(("harm", "message"), HARM)
def test_what_cannot_be_is_refused_by_its_path(
    tmp_path: Path, harm: Callable[[dict[str, Any]], Any], message: str
) -> None:
    write(definition(), tmp_path)
    first, rest = (tmp_path / NAME).read_text().split("\n", 1)
    head = json.loads(first)
    harm(head)
    (tmp_path / NAME).write_text(f"{json.dumps(head)}\n{rest}")
    with pytest.raises(TokenizerError, match=message):
        read(tmp_path / NAME, None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not as `bertie export` writes it"),
        (b"\xff", "not as `bertie export` writes it"),
        (b"[" * 100_000, "not as `bertie export` writes it"),
        (b"[]\na", r"the file is \[\], expected an object"),
    ],
)
def test_a_broken_file_is_a_tokenizer_error(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(TokenizerError, match=message):
        read(tmp_path / NAME, None)


def test_any_changed_byte_is_an_error_or_another_tokenizer_that_works(tmp_path: Path) -> None:
    write(definition(), tmp_path)
    whole = (tmp_path / NAME).read_bytes()
    source = random.Random(1)
    for _ in range(300):
        data = bytearray(whole)
        data[source.randrange(len(data))] = source.choice(b'\x00\n "{}[]:,019a\xff')
        (tmp_path / NAME).write_bytes(data)
        try:
            tokenizer = Tokenizer(read(tmp_path / NAME, None))
        except TokenizerError:
            continue
        tokenizer.decode(tokenizer.encode("ab <m> é中").ids)
