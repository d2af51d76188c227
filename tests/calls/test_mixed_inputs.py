"""A call with texts and pairs gives what calls with either alone give."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bertie.calls.mixed_inputs import encode_mixed
from bertie.calls.texts import Texts
from bertie.tokenize import PackedEncodings, Tokenizer

TOKENIZER = Tokenizer.load(Path(__file__).parents[1] / "data/tiny-bert")
SENTENCES = st.sampled_from(["", "the old bridge", "wind and rain", "who reads the new book"])


def encode(texts: Texts) -> PackedEncodings:
    """Encode inputs of one kind, cutting the longest."""
    pairs = None if None in texts.second else texts.second
    return TOKENIZER.encode_batch(texts.first, pairs, max_length=7)


@given(st.lists(st.tuples(SENTENCES, st.none() | SENTENCES), min_size=1))
def test_a_mixed_call_keeps_its_order(items: list[tuple[str, str | None]]) -> None:
    together = encode_mixed(encode, Texts(*zip(*items, strict=True)))
    alone = [encode(Texts((first,), (second,))) for first, second in items]
    for field in ("ids", "type_ids", "lengths", "truncated"):
        expected = [value for one in alone for value in getattr(one, field).tolist()]
        assert getattr(together, field).tolist() == expected
