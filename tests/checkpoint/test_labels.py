"""A classifier's outputs have names, whatever the config forgets."""

from typing import Any

import numpy as np
import pytest

from bertie.checkpoint.labels import Labels, read_labels
from bertie.checkpoint.tensor import Tensor


def labels(raw: dict[str, Any], outputs: int = 2) -> Labels:
    """Name the outputs of a classifier."""
    weight = Tensor("classifier.weight", "F32", (outputs, 4), np.zeros(16 * outputs, np.uint8))
    return read_labels(raw, weight, "config.json")


def test_the_configs_labels_are_taken_in_the_order_of_their_numbers() -> None:
    found = labels({"id2label": {"1": "good", "0": "bad"}, "num_labels": 2})
    assert found == Labels(("bad", "good"), "config.json: id2label")


def test_label2id_serves_where_id2label_is_absent() -> None:
    found = labels({"label2id": {"good": 1, "bad": 0}})
    assert found == Labels(("bad", "good"), "config.json: label2id")


def test_a_config_without_labels_gives_numbered_ones() -> None:
    assert labels({}, 3) == Labels(("LABEL_0", "LABEL_1", "LABEL_2"), "default")


def test_the_classifier_decides_how_many_there_are() -> None:
    found = labels({"num_labels": 5}, 3)
    assert found.names == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert found.notes == (
        "config.json: num_labels is 5, but classifier.weight has 3 outputs; 3 are used",
    )
    assert labels({"num_labels": 3}, 3).notes == ()


@pytest.mark.parametrize(
    ("stated", "names"),
    [
        ({"0": "a"}, ("a", "LABEL_1")),
        ({"0": "a", "1": "b", "2": "c"}, ("a", "b")),
        ({"0": "a", "x": "b"}, ("a", "LABEL_1")),
        ({"0": "a", "1": None}, ("a", "LABEL_1")),
        ({"-1": "a", "²": "b", "9" * 5000: "c"}, ("LABEL_0", "LABEL_1")),
        (["a", "b"], ("LABEL_0", "LABEL_1")),
        ("ab", ("LABEL_0", "LABEL_1")),
    ],
)
def test_labels_that_do_not_fit_are_noted(stated: Any, names: tuple[str, ...]) -> None:
    found = labels({"id2label": stated})
    assert found.names == names
    assert len(found.notes) == 1
    assert "but classifier.weight has 2 outputs" in found.notes[0]
