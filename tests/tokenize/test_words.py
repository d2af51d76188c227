"""Words are a text's own, whatever tokenizer cuts it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertie.tokenize import Tokenizer, Vocab
from bertie.tokenize.words import Words, trim
from tests.tokenize.hf_tokenizers import KINDS, byte_level, superwords, xlm_roberta

TEXTS = [
    "near Paris.",
    "near  London, 東京 é., 東京",
    "in \n😀 Paris ",
    "U.S. Paé\n東b (Paris).",
    "don't  say\tfoo_bar: 9.99 €5",
    " ",
    "",
    "\ufeffPa\u200bris\u200b.",
    "Re\u0301ne\u0301e … a\u0300\u0301 北京市の駅は",
]


def load(folder: Path, make: Callable[[], object]) -> Tokenizer:
    """Save a tokenizer and read it."""
    make().save(str(folder / "tokenizer.json"))
    return Tokenizer.load(folder)


def words_of(text: str) -> list[str]:
    """Cut a text into its words."""
    every = Words(text)
    places = np.arange(len(text), dtype=np.int32)
    ids = every.ids(np.stack([places, places + 1], axis=1), list(range(len(text)))).tolist()
    return [
        "".join(c for c, id in zip(text, ids, strict=True) if id == word)
        for word in sorted({id for id in ids if id >= 0})
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("near Paris.", ["near", "Paris", "."]),
        ("U.S. don't", ["U", ".", "S", ".", "don", "'", "t"]),
        ("foo_bar 9.99", ["foo", "_", "bar", "9", ".", "99"]),
        (
            "\u201cMünchen\u201d\u2014Köln\u2026",
            ["\u201c", "München", "\u201d", "\u2014", "Köln", "\u2026"],
        ),
        ("Re\u0301ne\u0301e हिन्दी", ["Re\u0301ne\u0301e", "हिन्दी"]),
        ("北京市の駅は", ["北", "京", "市", "の", "駅", "は"]),
        ("Paris😀👍🏽 5€", ["Paris", "😀👍🏽", "5", "€"]),
        ("👩\u200d🚀!", ["👩\u200d🚀", "!"]),
        ("1\ufe0f\u20e3 葛\U000e0100城", ["1\ufe0f\u20e3", "葛\U000e0100", "城"]),
        ("\ufeffPa\u200bris\u200b \u200fنگه\u200cدار", ["Pa\u200bris", "نگه\u200cدار"]),
        (" \t\x00\u3000\u00a0\u2028", []),
    ],
)
def test_letters_and_digits_stand_against_all_else(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@settings(max_examples=300)
@given(
    st.text(alphabet=[*"aZéß9ñжאあの中文東 \t\n.,;'-_()[]$&@\u2014\u201c\u3002\u0301\u200b\u00ad"])
)
def test_they_are_those_of_bert_s_own_tokenizer(text: str) -> None:
    characters = sorted(set("azéß9ñжאあの中文東.,;'-_()[]$&@\u2014\u201c\u3002"))
    vocab = ["[UNK]", "[CLS]", "[SEP]", *characters, *(f"##{c}" for c in characters)]
    bert = Tokenizer.from_vocab(Vocab(vocab), lower=True, strip_accents=True, max_chars=10**6)
    encoding = bert.encode(text, add_special_tokens=False)
    offsets = np.array(encoding.offsets, np.int32).reshape(-1, 2)
    ours = Words(text)
    ours.join(offsets)
    splits = [word for word in encoding.word_ids if word is not None]
    found = ours.ids(offsets, splits)
    # BERT's cleaning may leave nothing of a word, which then has no number.
    numbers = {word: number for number, word in enumerate(dict.fromkeys(found.tolist()))}
    assert [numbers[word] for word in found.tolist()] == splits


@pytest.mark.parametrize("make", KINDS)
def test_every_tokenizer_s_tokens_are_in_the_text_s_words(
    tmp_path: Path, make: Callable[[], object]
) -> None:
    tokenizer = load(tmp_path, make)
    for text in TEXTS:
        check(tokenizer, text)
    assert tokenizer.encode("near Paris.").word_ids[-2] == 2
    assert len(set(tokenizer.encode("near Paris.").word_ids) - {None}) == 3


@settings(max_examples=100)
@given(
    st.sampled_from(KINDS),
    st.text(alphabet=[*"aPU.S,) \n東京😀é\u0301\u200b€_'9"], max_size=12),
)
def test_no_text_has_words_that_its_characters_do_not(
    tmp_path_factory: pytest.TempPathFactory, make: Callable[[], object], text: str
) -> None:
    check(load(tmp_path_factory.mktemp("words"), make), text)


def check(tokenizer: Tokenizer, text: str) -> None:
    """Require that a text's tokens are in words as its characters are."""
    encoding = tokenizer.encode(text)
    of = {}
    every = Words(text)
    places = np.arange(len(text), dtype=np.int32)
    alone = every.ids(np.stack([places, places + 1], axis=1), list(range(len(text)))).tolist()
    tokens = [
        (trim(text, *offsets), word)
        for offsets, word, frame in zip(
            encoding.offsets, encoding.word_ids, encoding.special_mask, strict=True
        )
        if not frame
    ]
    last = -1
    for (start, end), word in tokens:
        inside = [alone[place] for place in range(start, end) if alone[place] >= 0]
        if not inside:
            continue
        assert word is not None
        assert word >= last, "words are in the text's order"
        last = word
        # A token is in the word that it begins in, or that a token reached from into that.
        assert word <= inside[0]
        for one in inside:
            assert of.setdefault(one, word) == word, "a word's tokens are in one word"


def test_a_token_that_reaches_over_words_joins_them(tmp_path: Path) -> None:
    tokenizer = load(tmp_path, superwords)
    encoding = tokenizer.encode("U.S. Pa")
    assert encoding.tokens == ["<s>", "Ġ", "U.S.", "ĠPa", "</s>"]
    assert encoding.word_ids == [None, 0, 0, 4, None]
    tokens = tokenizer.encode("U.Sa")
    assert tokens.tokens == ["<s>", "Ġ", "U.S", "a", "</s>"]
    assert tokens.word_ids == [None, 0, 0, 0, None]


def test_a_token_of_white_space_is_in_no_word_but_one_that_it_marks(tmp_path: Path) -> None:
    encoding = load(tmp_path, byte_level).encode("a\n  b")
    assert encoding.tokens == ["<s>", "a", "Ċ", "Ġ", "Ġ", "b", "</s>"]
    assert encoding.word_ids == [None, 0, None, None, 1, 1, None]


def test_windows_have_the_words_of_the_whole_text(tmp_path: Path) -> None:
    tokenizer = load(tmp_path, superwords)
    text = "U.Saa. U.Saa. near" * 4
    whole = tokenizer.encode(text, add_special_tokens=False)
    of = dict(zip(whole.offsets, whole.word_ids, strict=True))
    for truncate in ("right", "left"):
        windows = tokenizer.windows(text, max_length=7, stride=2, truncate=truncate)
        packed = tokenizer.encode_windows([text], max_length=7, stride=2, truncate=truncate)
        found = [
            (offsets, word)
            for window in windows
            for offsets, word in zip(window.offsets, window.word_ids, strict=True)
        ]
        assert packed.word_ids.tolist() == [-1 if word is None else word for _, word in found]
        assert all(of[offsets] == word for offsets, word in found if word is not None)


def test_both_texts_of_a_pair_have_their_own_words(tmp_path: Path) -> None:
    encoding = load(tmp_path, xlm_roberta).encode("near.", "Paris, London")
    assert encoding.word_ids == [None, 0, 1, None, None, 0, 1, 2, None]


def test_words_that_the_caller_split_stay(tmp_path: Path) -> None:
    tokenizer = load(tmp_path, xlm_roberta)
    encoding = tokenizer.encode(["near", "Paris.", "..."], split_words=True)
    assert encoding.word_ids[1:4] == [0, 1, 1]
    assert set(encoding.word_ids[4:-1]) == {2}
