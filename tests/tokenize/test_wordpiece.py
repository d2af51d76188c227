"""Words into pieces. Facts of Google's tokenization_test.py and of gobert's tests."""

import time

import pytest

from bertie.errors import InputError
from bertie.tokenize import Tokenizer, Vocab, WordPieceTokenizer

VOCAB = ["[UNK]", "[CLS]", "[SEP]", "want", "##want", "##ed", "wa", "un", "runn", "##ing"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        ("unwanted", ["un", "##want", "##ed"]),
        ("unwanted running", ["un", "##want", "##ed", "runn", "##ing"]),
        # gobert leaves this out: it gives the pieces before the X. Google's is the reference.
        ("unwantedX running", ["[UNK]", "runn", "##ing"]),
        ("##ed", ["##ed"]),
    ],
)
def test_pieces_are_what_google_expects(text: str, tokens: list[str]) -> None:
    assert WordPieceTokenizer(Vocab(VOCAB)).tokenize(text) == tokens


def test_google_s_full_example_gives_its_ids() -> None:
    tokenizer = Tokenizer.from_vocab(Vocab([*VOCAB, ","]))
    ids = tokenizer.encode("UNwant\u00e9d,running", add_special_tokens=False).ids
    assert ids == [7, 4, 5, 10, 8, 9]


def test_a_word_over_the_limit_is_unknown_and_the_token_for_it_is_free() -> None:
    vocab = Vocab(["a", "##a"])
    assert WordPieceTokenizer(vocab, max_chars=3).tokenize("aaa aaaa") == [
        *("a", "##a", "##a"),
        "[UNK]",
    ]
    assert WordPieceTokenizer(vocab, unknown_token="?").tokenize("b") == ["?"]
    assert len(WordPieceTokenizer(vocab, max_chars=200).tokenize("a" * 200)) == 200


def test_tokens_added_to_the_vocabulary_are_found() -> None:
    vocab = Vocab(["a"])
    tokenizer = WordPieceTokenizer(vocab)
    assert tokenizer.tokenize("ab") == ["[UNK]"]
    vocab.add("##b")
    assert tokenizer.tokenize("ab") == ["a", "##b"]


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(InputError, match="text is None"):
        WordPieceTokenizer(Vocab(["a"])).tokenize(None)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000_000,
        "\u0301" * 100_000,
        "\u0301\u0327\u0334" * 30_000,
        "a\u0000" * 1_000_000,
        "中" * 1_000_000,
        ("a" * 99 + " ") * 50_000,
        ("\u00e9" * 99 + " ") * 50_000,
        "[" * 1_000_000,
    ],
    ids=["word", "marks", "unsorted marks", "NULs", "Chinese", "words", "accents", "brackets"],
)
def test_hostile_text_takes_linear_time(tokenizer: Tokenizer, text: str) -> None:
    """Eight times the text takes about eight times as long: a square would take 64 times."""

    def seconds(some: str) -> float:
        begin = time.process_time()
        tokenizer.encode_batch([some], threads=1)
        return time.process_time() - begin

    seconds(text[: len(text) // 8])
    part = min(seconds(text[: len(text) // 8]) for _ in range(3))
    whole = min(seconds(text) for _ in range(3))
    assert whole < 24 * part + 0.1
