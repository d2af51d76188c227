"""Synthetic texts are the same every time, of the lengths promised, and made of whole words."""

import pytest

from bertie.bench.texts import synthetic_texts
from bertie.errors import InputError
from bertie.tokenize import Tokenizer, Vocab


def test_texts_are_the_same_every_time(tiny_bert) -> None:
    one, two = (synthetic_texts(Tokenizer.load(tiny_bert), 64) for _ in range(2))
    assert one == two
    assert [kind.name for kind in one] == ["short", "long"]


@pytest.mark.parametrize("max_length", [64, 2])
def test_no_text_is_cut_or_empty(tiny_bert, max_length: int) -> None:
    tokenizer = Tokenizer.load(tiny_bert)
    for kind in synthetic_texts(tokenizer, max_length):
        assert all(kind.texts)
        packed = tokenizer.encode_batch(kind.texts)
        assert packed.lengths.max() <= max(max_length, 3)
        words = [len(text.split()) for text in kind.texts]
        assert (packed.lengths == [count + 2 for count in words]).all()


def test_a_vocabulary_without_words_is_refused() -> None:
    tokenizer = Tokenizer.from_vocab(Vocab(["[UNK]", "[CLS]", "[SEP]", "1", "##a"]))
    with pytest.raises(InputError, match="no word of letters"):
        synthetic_texts(tokenizer, 64)
