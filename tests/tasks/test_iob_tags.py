"""Labels of every scheme become the same entities."""

import pytest

from bertie.tasks.iob_tags import Mark, kinds, mark, runs


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("B-PER", Mark("B", "PER")),
        ("I_creative-work", Mark("I", "creative-work")),
        ("S-LOC", Mark("S", "LOC")),
        ("PER", Mark("I", "PER")),
        ("O", Mark("I", "O")),
        ("B-", Mark("I", "B-")),
        ("BIO-X", Mark("I", "BIO-X")),
    ],
)
def test_a_label_is_taken_apart(label: str, expected: Mark) -> None:
    assert mark(label) == expected


@pytest.mark.parametrize(
    "labels",
    [
        "O PER PER O LOC LOC",  # IO can't tell the two places apart: they are one
        "O B-PER I-PER O B-LOC I-LOC",
        "O I-PER I-PER O I-LOC I-LOC",
        "O B-PER E-PER O B-LOC E-LOC",
        "O B-PER L-PER O B-LOC L-LOC",
    ],
)
def test_entities_are_runs_of_one_kind(labels: str) -> None:
    marks = [mark(label) for label in labels.split()]
    found = [(marks[start].kind, start, end) for start, end in runs(marks)]
    assert found == [("O", 0, 1), ("PER", 1, 3), ("O", 3, 4), ("LOC", 4, 6)]


@pytest.mark.parametrize(
    ("labels", "ends"),
    [
        ("B-LOC B-LOC", [1, 2]),
        ("B-LOC I-LOC B-LOC", [2, 3]),
        ("S-LOC S-LOC", [1, 2]),
        ("U-LOC B-LOC", [1, 2]),
        ("B-LOC E-LOC I-LOC", [2, 3]),
        ("B-LOC I-PER", [1, 2]),
        ("I-LOC S-LOC I-LOC", [1, 2, 3]),
        ("", []),
    ],
)
def test_neighbours_of_one_kind_are_cut_where_a_prefix_says_so(
    labels: str, ends: list[int]
) -> None:
    assert [end for _, end in runs([mark(label) for label in labels.split()])] == ends


def test_kinds_are_listed_once() -> None:
    assert kinds(["O", "B-PER", "I-PER", "B-LOC"]) == ("O", "PER", "LOC")
