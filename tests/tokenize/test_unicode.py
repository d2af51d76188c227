"""The core's Unicode tables against `tokenizers`' own, over every code point there is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bertie.tokenize import BasicTokenizer, Tokenizer

tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is the oracle here")

FENCE = "\ue000"  # cleaned away, so it fences nothing off where text is cleaned
BLOCK = 4096


def every(around: Callable[[str], str]) -> Iterator[list[str]]:
    """Yield blocks of texts, one for each code point."""
    points = [p for p in range(0x110000) if not 0xD800 <= p < 0xE000 and chr(p) != FENCE]
    for start in range(0, len(points), BLOCK):
        yield [around(chr(p)) for p in points[start : start + BLOCK]]


@pytest.mark.parametrize(
    ("lower", "accents", "chinese", "around"),
    [
        (True, True, True, "{}"),
        (True, False, False, "{}"),
        (False, True, False, "a{}\u0334b"),  # does it sort after the first of marks
        (False, True, False, "a\u0345{}b"),  # and before the last
    ],
)
def test_every_code_point_is_normalized_alike(
    lower: bool, accents: bool, chinese: bool, around: str
) -> None:
    basic = BasicTokenizer(
        lower, strip_accents=accents, clean_text=False, tokenize_chinese_chars=chinese
    )
    theirs = tokenizers.normalizers.BertNormalizer(
        clean_text=False, handle_chinese_chars=chinese, strip_accents=accents, lowercase=lower
    )
    for texts in every(around.format):
        text = FENCE.join(texts)
        ours = basic.normalize(text)
        if ours != theirs.normalize_str(text):
            for one in texts:
                assert basic.normalize(one) == theirs.normalize_str(one), ascii(one)


def test_every_code_point_is_cleaned_alike() -> None:
    basic = BasicTokenizer(lower=False)
    theirs = tokenizers.normalizers.BertNormalizer(lowercase=False)
    for texts in every("a{}b,".format):
        assert basic.normalize("".join(texts)) == theirs.normalize_str("".join(texts))


def test_every_code_point_splits_words_alike() -> None:
    basic = BasicTokenizer(lower=False, clean_text=False, tokenize_chinese_chars=False)
    theirs = tokenizers.pre_tokenizers.BertPreTokenizer()
    for texts in every("a{}b".format):
        text = " ".join(texts)
        assert basic.words(text) == theirs.pre_tokenize_str(text)


def test_every_code_point_is_a_word_character_alike(write_model: Callable[..., Path]) -> None:
    vocab = ["[UNK]", "[CLS]", "[SEP]"]
    alone = {"3": {"content": "<x>", "single_word": True, "normalized": False}}
    tokenizer = Tokenizer.load(write_model(vocab, {"added_tokens_decoder": alone}))
    theirs = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    theirs.add_tokens([tokenizers.AddedToken("<x>", single_word=True, normalized=False)])
    found = theirs.token_to_id("<x>")
    for texts in every("{}<x>".format):
        text = " ".join(texts)
        ours = tokenizer.encode(text)
        encoding = theirs.encode(text)
        assert [o for o, id in zip(ours.offsets, ours.ids, strict=True) if id == 3] == [
            o for o, id in zip(encoding.offsets, encoding.ids, strict=True) if id == found
        ]
