"""A vocabulary learned from text."""

import pytest

from bertie.errors import InputError
from bertie.tokenize import Tokenizer, train

pytest.importorskip("tokenizers")

TEXTS = ["The quick brown fox jumps over the lazy dog. Le café est fermé."] * 20


def test_a_learned_vocabulary_reads_its_own_texts() -> None:
    vocab = train(iter(TEXTS), size=120)
    assert list(vocab)[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer.from_vocab(vocab)
    encoding = tokenizer.encode(TEXTS[0])
    assert "[UNK]" not in encoding.tokens
    assert tokenizer.decode(encoding.ids) == (
        "the quick brown fox jumps over the lazy dog. le cafe est ferme."
    )


def test_case_is_kept_where_it_is_to_be() -> None:
    vocab = train(TEXTS, size=120, lower=False)
    assert any("T" in token for token in vocab if not token.startswith("["))
    assert any("é" in token for token in vocab)


def test_the_size_is_the_most_that_is_learned() -> None:
    assert len(train(TEXTS, size=60)) <= 60


def test_what_is_no_text_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"texts\[1\] is None"):
        train(["a", None], size=60)
    with pytest.raises(InputError, match="texts is one str"):
        train("a", size=60)
    with pytest.raises(InputError, match="size is 5, expected more than the 5"):
        train(TEXTS, size=5)
