"""Special tokens around every text: [CLS] and [SEP], <s> and </s>, one token, or none."""

from dataclasses import dataclass

from bertie.tokenize.tokenizer import Tokenizer

# A vocabulary has a token for one of these, if it has any for text.
_SAMPLES = ("a", "A", "1", ".", "的")


@dataclass(frozen=True)
class SpecialTokens:
    """The special tokens around a text.

    Attributes:
        before: ids of the tokens in front of it.
        after: ids of those at its end.
        type_id: the type of the text's own tokens.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    type_id: int


def special_tokens_of(tokenizer: Tokenizer) -> SpecialTokens:
    """Find the special tokens that a tokenizer puts around one text.

    Where the vocabulary has nothing for text, the first of them counts as before it.
    """
    for text in _SAMPLES:
        sample = tokenizer.encode(text)
        places = [i for i, special in enumerate(sample.special_mask) if not special]
        if places:
            before, after = sample.ids[: places[0]], sample.ids[places[-1] + 1 :]
            return SpecialTokens(tuple(before), tuple(after), sample.type_ids[places[0]])
    ids = tokenizer.encode("").ids
    return SpecialTokens(tuple(ids[:1]), tuple(ids[1:]), 0)
