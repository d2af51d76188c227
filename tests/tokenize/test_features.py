"""Fixed-length features. Facts of gobert's feature tests, which follow Google's code."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.errors import InputError, TokenizerError
from bertie.tokenize import FeatureFactory, Tokenizer, Vocab
from bertie.tokenize.features import shared

WORDS = ["[CLS]", "[SEP]", "the", "dog", "is", "hairy", ".", "[UNK]"]


@pytest.fixture
def tokenizer() -> Tokenizer:
    return Tokenizer.from_vocab(Vocab(WORDS))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 2),
        ("the", 3),
        ("hello", 3),
        ("there we go", 5),
        ("mama mia, there we go again", 7),
    ],
)
def test_the_count_is_of_tokens_without_padding(
    tokenizer: Tokenizer, text: str, count: int
) -> None:
    features = FeatureFactory(tokenizer, 7).feature(text)
    assert features.count == count
    assert len(features.token_ids) == 7


def test_several_sequences_share_the_length(tokenizer: Tokenizer) -> None:
    text = "the dog is hairy. ||| the ||| a dog is hairy"
    features = FeatureFactory(tokenizer, 8).feature(text)
    assert features.id == 0
    assert features.text == text
    assert features.tokens == ["[CLS]", "the", "dog", "[SEP]", "the", "[SEP]", "[UNK]", "[SEP]"]
    assert features.token_ids == [0, 2, 3, 1, 2, 1, 7, 1]
    assert features.mask == [1] * 8
    assert features.type_ids == [0, 0, 0, 0, 1, 1, 2, 2]


def test_past_the_end_there_is_padding(tokenizer: Tokenizer) -> None:
    features = FeatureFactory(tokenizer, 5).feature("dog")
    assert features.tokens == ["[CLS]", "dog", "[SEP]", "", ""]
    assert features.token_ids == [0, 3, 1, 0, 0]
    assert features.mask == [1, 1, 1, 0, 0]
    assert features.type_ids == [0] * 5


def test_ids_count_from_0_and_each_is_given_once(tokenizer: Tokenizer) -> None:
    factory = FeatureFactory(tokenizer, 4)
    assert [f.id for f in factory.features("a", "b")] == [0, 1]
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: factory.feature("a").id, range(200)))
    assert sorted(ids) == list(range(2, 202))


@pytest.mark.parametrize(
    ("lengths", "room", "kept"),
    [
        ([], 1, []),
        ([1, 1, 2], -1, [0, 0, 0]),
        ([1, 1, 2], 0, [0, 0, 0]),
        ([1, 1, 2], 1, [1, 0, 0]),
        ([1, 1, 2], 3, [1, 1, 1]),
        ([1, 1, 2], 10, [1, 1, 2]),
        ([5, 5], 5, [3, 2]),
    ],
)
def test_the_longest_loses_first_and_of_equals_the_last(
    lengths: list[int], room: int, kept: list[int]
) -> None:
    assert shared(lengths, room) == kept


@given(lengths=st.lists(st.integers(0, 12), max_size=5), room=st.integers(-2, 40))
def test_sharing_is_as_by_one_token_at_a_time(lengths: list[int], room: int) -> None:
    expected = list(lengths)
    while sum(expected) > max(room, 0):
        longest = max(expected)
        expected[max(i for i, n in enumerate(expected) if n == longest)] -= 1
    assert shared(lengths, room) == expected


def test_more_sequences_than_room_are_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="3 sequences need 4 special tokens"):
        FeatureFactory(tokenizer, 3).feature("a ||| b ||| c")


def test_features_need_special_tokens_and_a_text(tokenizer: Tokenizer) -> None:
    with pytest.raises(TokenizerError, match=r"lacks \[UNK\]"):
        Tokenizer.from_vocab(Vocab(WORDS[:-1]))
    with pytest.raises(InputError, match="text is None"):
        FeatureFactory(tokenizer, 8).feature(None)
