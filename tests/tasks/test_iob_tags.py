"""Labels of every scheme become the same entities."""

import pytest

from bertie.tasks.iob_tags import IobTag, entity_runs, entity_types, parse_tag


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("B-PER", IobTag("B", "PER")),
        ("I_creative-work", IobTag("I", "creative-work")),
        ("S-LOC", IobTag("S", "LOC")),
        ("PER", IobTag("I", "PER")),
        ("O", IobTag("I", "O")),
        ("B-", IobTag("I", "B-")),
        ("BIO-X", IobTag("I", "BIO-X")),
    ],
)
def test_a_label_is_taken_apart(label: str, expected: IobTag) -> None:
    assert parse_tag(label) == expected


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
    tags = [parse_tag(label) for label in labels.split()]
    found = [(tags[start].type, start, end) for start, end in entity_runs(tags)]
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
    assert [end for _, end in entity_runs([parse_tag(label) for label in labels.split()])] == ends


def test_kinds_are_listed_once() -> None:
    assert entity_types(["O", "B-PER", "I-PER", "B-LOC"]) == ("O", "PER", "LOC")
