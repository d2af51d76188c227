"""Spans by conlleval's rules, on sequences of every scheme."""

import pytest

from bertie.errors import InputError
from bertie.evaluate.spans import score_spans, spans_of


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("O O", []),
        ("B-PER I-PER O", [(0, 2, "PER")]),
        ("B-PER B-PER", [(0, 1, "PER"), (1, 2, "PER")]),
        # IO, and conlleval's reading of an I- that follows nothing of its type.
        ("I-PER I-PER", [(0, 2, "PER")]),
        ("O I-LOC", [(1, 2, "LOC")]),
        ("B-PER I-LOC I-LOC", [(0, 1, "PER"), (1, 3, "LOC")]),
        # BIOES and BILOU.
        ("B-PER I-PER E-PER S-LOC", [(0, 3, "PER"), (3, 4, "LOC")]),
        ("B-PER L-PER U-LOC U-LOC", [(0, 2, "PER"), (2, 3, "LOC"), (3, 4, "LOC")]),
        ("E-PER I-PER", [(0, 1, "PER"), (1, 2, "PER")]),
        ("B-corporate-body I-corporate-body", [(0, 2, "corporate-body")]),
    ],
)
def test_tags_read_as_conlleval_reads_them(tags: str, spans: list[tuple[int, int, str]]) -> None:
    assert spans_of(tags.split()) == spans


@pytest.mark.parametrize("tag", ["", "X-PER", "PER", "B", "B-", "O-PER", "b-PER"])
def test_a_tag_of_no_scheme_is_refused(tag: str) -> None:
    with pytest.raises(InputError, match=r"tag .* of word 2: expected O, or one of"):
        spans_of(["O", tag])


def test_a_span_is_right_if_it_begins_ends_and_is_called_alike() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O"]]
    predicted = [["B-PER", "I-PER", "O", "B-ORG"], ["B-LOC", "I-LOC"]]
    scores = score_spans(gold, predicted)
    assert (scores.sentences, scores.gold, scores.predicted) == (2, 3, 3)
    assert (scores.precision, scores.recall) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert scores.f1 == pytest.approx(1 / 3)
    assert scores.by_type == {"LOC": 0, "ORG": 0, "PER": 1}


def test_no_spans_at_all_are_a_score_of_zero() -> None:
    scores = score_spans([["O"]], [["O"]])
    assert (scores.precision, scores.recall, scores.f1, scores.by_type) == (0, 0, 0, {})


def test_sentences_and_words_must_pair_up() -> None:
    with pytest.raises(InputError, match="1 gold answers and 2 predictions"):
        score_spans([["O"]], [["O"], ["O"]])
    with pytest.raises(InputError, match="sentence 2 has 2 gold tags and 1 predicted ones"):
        score_spans([["O"], ["O", "O"]], [["O"], ["O"]])
