"""Heads against the stored logits of transformers (scripts/make_architecture_fixtures.py)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.heads import HeadRecord, heads
from bertie.engine.heads import Head, LayerNorm
from bertie.errors import InputError
from tests.architectures import HEADS, expected, worst, write


def record(directory: Path, name: str, kind: str) -> HeadRecord:
    """Read one head of an architecture's fixture."""
    return heads(Checkpoint.open(write(directory, name, kind)))[kind]


def rows(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Give the last hidden states, and how many are each sequence's."""
    stored = expected(name)
    return stored["hidden"][-1], stored["lengths"]


@pytest.mark.parametrize(("name", "kind"), HEADS)
def test_logits_equal_transformers(name: str, kind: str, tmp_path: Path) -> None:
    head = Head(record(tmp_path, name, kind))
    stored = expected(name)[f"logits_{kind}"]
    logits = head.of_sequences(*rows(name))
    # A language model's are many, so those of the first sequence are stored.
    logits = logits[: len(stored)] if kind == "masked_lm" else logits
    assert logits.dtype == np.float32
    assert logits.shape == (len(stored), head.outputs)
    assert worst(logits, stored) < 1e-5


def test_one_token_that_overflows_is_not_lost_in_the_largest_logits(tmp_path: Path) -> None:
    head = Head(record(tmp_path, "bert", "masked_lm"))
    hidden, lengths = rows("bert")
    hidden, lengths = hidden[: lengths[0]].copy(), lengths[:1]
    assert np.array_equal(head.maximum(hidden, lengths), head.logits(hidden).max(axis=0)[None])
    hidden[1] = np.finfo(np.float32).max
    with np.errstate(all="ignore"):
        assert not np.isfinite(head.logits(hidden)).all()
        assert not np.isfinite(head.maximum(hidden, lengths)).all()


def test_another_width_is_an_input_error(tmp_path: Path) -> None:
    head = Head(record(tmp_path, "electra", "sequence_classification"))
    with pytest.raises(InputError, match="31"):
        head.logits(np.zeros((2, 31), np.float32))


def test_no_rows_give_no_logits(tmp_path: Path) -> None:
    head = Head(record(tmp_path, "albert", "masked_lm"))
    assert head.logits(np.zeros((0, 30), np.float32)).shape == (0, 101)


@pytest.fixture(scope="module")
def filler(tmp_path_factory: pytest.TempPathFactory) -> Head:
    """A head with a norm, two dense layers and a tanh GELU."""
    return Head(record(tmp_path_factory.mktemp("filler"), "albert", "masked_lm"))


@given(st.data())
def test_a_rows_logits_do_not_depend_on_the_other_rows(filler: Head, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 40))
    hidden = np.random.default_rng(count).standard_normal((count, 30)).astype(np.float32)
    chosen = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=50))
    assert np.array_equal(filler.logits(hidden[chosen]), filler.logits(hidden)[chosen])


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Head]:
    """A classifier of sequences, by what it reads of one."""
    made = record(tmp_path_factory.mktemp("reads"), "bert", "sequence_classification")
    return {reads: Head(replace(made, reads=reads)) for reads in ("first", "mean", "late")}


@pytest.mark.parametrize("reads", ["first", "mean", "late"])
@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_a_sequences_logits_do_not_depend_on_the_other_sequences(
    classifiers: dict[str, Head], reads: str, lengths: list[int]
) -> None:
    head, counts = classifiers[reads], np.array(lengths, np.int32)
    hidden = np.random.default_rng(len(lengths)).standard_normal((counts.sum(), 30))
    hidden = hidden.astype(np.float32)
    together = head.of_sequences(hidden, counts)
    for row, rows in zip(together, np.split(hidden, np.cumsum(counts)[:-1]), strict=True):
        alone = head.of_sequences(rows, np.array([len(rows)], np.int32))[0]
        assert np.array_equal(row, alone)
        tokens = head.logits({"first": rows[:1], "mean": rows.mean(0)[None], "late": rows}[reads])
        assert np.abs(row - tokens.mean(axis=0)).max() < 1e-5


@pytest.mark.parametrize("size", [1, 2, 7, 30, 768, 1025])
def test_a_norm_treats_each_row_by_itself(size: int) -> None:
    random = np.random.default_rng(size)
    x, gain = random.standard_normal((9, size)), random.standard_normal(size)
    norm = LayerNorm(gain.astype(np.float32), None, 1e-5)
    whole = norm(x.astype(np.float32))
    alone = [norm(row[None].astype(np.float32))[0] for row in x]
    assert np.array_equal(whole, np.stack(alone))
    centred = x - x.mean(axis=1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    assert np.abs(whole - centred / deviation * gain).max() < 1e-5
