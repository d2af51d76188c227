"""What a BERT graph of Google's takes: sequences of one length, padded."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from bertie.errors import InputError
from bertie.tokenize.inputs import check_text
from bertie.tokenize.tokenizer import Tokenizer

SEPARATOR = " ||| "


@dataclass(frozen=True)
class Features:
    """One text as fixed-length lists; past the text's end they hold "" and 0.

    id: its place among the features of its factory.
    text: the caller's.
    tokens, token_ids: of each position.
    mask: 1 for tokens, 0 for padding.
    type_ids: the index of the sequence that a token belongs to.
    """

    id: int
    text: str
    tokens: list[str]
    token_ids: list[int]
    mask: list[int]
    type_ids: list[int]

    @property
    def count(self) -> int:
        """Tokens, special ones included, without padding."""
        return sum(self.mask)


class FeatureFactory:
    """Makes features of one length, numbered from 0. Safe to share between threads.

    Attributes:
        tokenizer: has [CLS] and [SEP] under these or other names.
        sequence_length: of every list, special tokens included.
    """

    def __init__(self, tokenizer: Tokenizer, sequence_length: int) -> None:
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        self._ids = count()

    def feature(self, text: str) -> Features:
        """Make the features of one text, or of several sequences with " ||| " between them.

        The longest sequence loses tokens first, and of equally long ones the last.

        Raises: InputError: the text is none, or has more sequences than there is room for.
        Source: extract_features.py and run_classifier.py of google-research/bert, and gobert.
        """
        check_text(text, "text")
        parts = text.split(SEPARATOR)
        room = self.sequence_length - len(parts) - 1
        if room < 0:
            raise InputError(
                f"{len(parts)} sequences need {len(parts) + 1} special tokens, and the sequence "
                f"length is {self.sequence_length}: raise it"
            )
        sequences = [
            self.tokenizer.encode(part, add_special_tokens=False, max_length=_UNLIMITED).ids
            for part in parts
        ]
        lengths = shared([len(sequence) for sequence in sequences], room)
        cls, sep = (
            self.tokenizer.id_of(self.tokenizer.settings[key].value)
            for key in ("cls_token", "sep_token")
        )
        ids, type_ids = [cls], [0]
        for i, (sequence, length) in enumerate(zip(sequences, lengths, strict=True)):
            ids += [*sequence[:length], sep]
            type_ids += [i] * (length + 1)
        used = len(ids)
        padding = [0] * (self.sequence_length - used)
        return Features(
            id=next(self._ids),
            text=text,
            tokens=[self.tokenizer.token_of(id) for id in ids] + [""] * len(padding),
            token_ids=ids + padding,
            mask=[1] * used + padding,
            type_ids=type_ids + padding,
        )

    def features(self, *texts: str) -> list[Features]:
        """Make the features of several texts, in their order."""
        return [self.feature(text) for text in texts]


_UNLIMITED = 2**31


def shared(lengths: Sequence[int], room: int) -> list[int]:
    """Cut lengths down to `room` altogether, as if by one at a time off the last of the longest.

    Returns: the lengths; all 0 where there is no room.
    """
    if not lengths or sum(lengths) <= room:
        return list(lengths)
    # All are cut to one level; what is still free then goes to the first of those above it.
    low, high = 0, max(lengths)
    while low < high:
        level = (low + high + 1) // 2
        if sum(min(n, level) for n in lengths) <= room:
            low = level
        else:
            high = level - 1
    kept = [min(n, low) for n in lengths]
    free = max(room - sum(kept), 0)
    for i in [i for i, n in enumerate(lengths) if n > low][:free]:
        kept[i] += 1
    return kept
