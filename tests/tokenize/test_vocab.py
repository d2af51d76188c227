"""Vocabulary files as they are found: blank lines, duplicates, other line ends."""

from pathlib import Path

import pytest

from bertie.errors import InputError, TokenizerError
from bertie.tokenize import Vocab


def read(folder: Path, content: bytes) -> Vocab:
    path = folder / "vocab.txt"
    path.write_bytes(content)
    return Vocab.from_file(path)


def test_a_line_is_a_token_and_its_number_the_id(tmp_path: Path) -> None:
    vocab = read(tmp_path, "[UNK]\nthe\n##é\n".encode())
    assert list(vocab) == ["[UNK]", "the", "##é"]
    assert vocab.id_of("##é") == 2
    assert vocab.token_of(1) == "the"
    assert "the" in vocab
    assert "The" not in vocab
    assert vocab.notes == ()


def test_the_later_of_two_equal_lines_has_the_token(tmp_path: Path) -> None:
    vocab = read(tmp_path, b"a\nb\n\na\nc\n")
    assert len(vocab) == 5
    assert (vocab.id_of("a"), vocab.id_of("c")) == (3, 4)
    assert vocab.token_of(0) == "a"
    assert vocab.notes == (
        "1 blank, the first with id 2",
        "1 repeated, the first 'a': its id is 3, the later one, and 0 is never used",
    )


def test_line_ends_and_white_space_after_a_token_are_no_part_of_it(tmp_path: Path) -> None:
    assert list(read(tmp_path, "a\r\nb \nc\u3000".encode())) == ["a", "b", "c"]


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match="line 2 is not UTF-8"):
        read(tmp_path, b"a\n\xe9\n")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"none\.txt: No such file"):
        Vocab.from_file(tmp_path / "none.txt")


def test_what_is_not_in_the_vocabulary_is_refused() -> None:
    vocab = Vocab(["a"])
    with pytest.raises(InputError, match="'b' is not in the vocabulary of 1 tokens"):
        vocab.id_of("b")
    with pytest.raises(InputError, match="id -1 is outside"):
        vocab.token_of(-1)


def test_tokens_can_be_added_and_keep_their_ids() -> None:
    vocab = Vocab(["abc", "def", "\u535a"])
    assert vocab.ids_of(["abc", "def", "\u535a"]) == [0, 1, 2]
    assert vocab.add("new") == 3
    assert vocab.add("def") == 1
    assert vocab.size == len(vocab) == 4
    assert vocab.tokens_of([3, 0]) == ["new", "abc"]


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("", ""), ("bbb", ""), ("aabb", "aa"), ("aaaa", "aaa"), ("\u535aaabb", "\u535a")],
)
def test_the_longest_prefix_is_a_token(text: str, prefix: str) -> None:
    assert Vocab(["a", "aa", "aaa", "\u535a"]).longest_prefix(text) == prefix


def test_one_token_is_found_as_in_the_table_of_all() -> None:
    for token in ("a", "b", "c", ""):
        vocab = Vocab(["a", "b", "a"])
        before = vocab.one(token)
        assert before == vocab.ids.get(token) == vocab.one(token)
