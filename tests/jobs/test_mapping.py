"""The map step alone, on tables that somebody else moves."""

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import bertie
from bertie.errors import InputError
from bertie.jobs import Mapper
from bertie.jobs.model import ModelIdentity

TEXTS = ["the old bridge", None, "a cat"]


def test_a_mapper_adds_columns_and_keeps_every_row_in_its_place(tiny_sentence: Path) -> None:
    mapper = pickle.loads(pickle.dumps(Mapper("embed", str(tiny_sentence)).settled()))  # noqa: S301
    given = pa.table({"id": [1, 2, 3], "text": TEXTS})
    found = mapper(given)
    assert found.schema.equals(mapper.schema(given.schema))
    assert found.column("id").to_pylist() == [1, 2, 3]
    assert found.column("rejected").to_pylist() == [
        None,
        "column 'text' is null, expected text",
        None,
    ]
    first, second, third = found.column("embedding").to_pylist()
    assert second is None
    expected = bertie.load(tiny_sentence).embed([TEXTS[0], TEXTS[2]])
    np.testing.assert_array_equal(np.array([first, third], np.float32), expected)
    assert mapper(given.slice(0, 0)).num_rows == 0


def test_what_an_earlier_release_pickled_of_a_mapper_is_found() -> None:
    with pytest.warns(DeprecationWarning, match=r"bertie\.jobs\.engine is bertie\.jobs\.model"):
        found = pickle.loads(b"cbertie.jobs.engine\nIdentity\n.")  # noqa: S301
    assert found is ModelIdentity


def test_a_mapper_refuses_tables_and_tasks_that_do_not_fit(tiny_sentence: Path) -> None:
    mapper = Mapper("embed", str(tiny_sentence))
    with pytest.raises(InputError, match="no column 'text', it has 'body'"):
        mapper(pa.table({"body": ["x"]}))
    with pytest.raises(InputError, match="called 'rejected' already"):
        mapper(pa.table({"text": ["x"], "rejected": ["y"]}))
    with pytest.raises(InputError, match="task is 'draw'"):
        Mapper("draw").settled()


def test_a_block_of_nulls_has_its_rows_rejected_like_any_null(tiny_sentence: Path) -> None:
    mapper = Mapper("embed", str(tiny_sentence), pair_column=None)
    one = mapper(pa.table({"text": pa.array([None, "a"]), "x": [1, 2]}))
    alone = mapper(pa.table({"text": pa.nulls(1), "x": [1]}))
    assert alone.slice(0, 1).to_pylist() == one.slice(0, 1).to_pylist()
    assert alone.column("text").type == pa.null()
