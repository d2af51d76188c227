"""Every task of a job: the method that it calls with rows, and the columns that come of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from bertie.calls.records import plain
from bertie.errors import InputError
from bertie.jobs.arrow import pa

Options: TypeAlias = Mapping[str, Any]
# Dimensions and the method's keyword arguments → the columns.
Fields: TypeAlias = Callable[[int | None, Options], list[Any]]
# Answers and the columns → an array for each.
Arrays: TypeAlias = Callable[[Any, list[Any]], list[Any]]


@dataclass(frozen=True)
class JobTask:
    """One task.

    Attributes:
        method: a key of bertie.tasks.methods.METHODS; None for tokenizing, which needs no model.
        fields: the columns that it adds.
        arrays: makes them of answers.
        options: the keyword arguments that its method takes.
        pairs: whether a second text is needed; None where there may be one.
        pair_first: whether the text beside the row's own comes before it.
    """

    method: str | None
    fields: Fields
    arrays: Arrays
    options: frozenset[str]
    pairs: bool | None = False
    pair_first: bool = False


_LABELS = pa.list_(pa.struct([("label", pa.string()), ("score", pa.float64())]))
_OFFSETS = [("start", pa.int64()), ("end", pa.int64())]
_SPANS = pa.list_(
    pa.struct([("label", pa.string()), ("score", pa.float64()), ("text", pa.string()), *_OFFSETS])
)
_ANSWER = pa.struct([("text", pa.string()), ("score", pa.float64()), *_OFFSETS])
_FILLING = pa.struct([("token", pa.string()), ("score", pa.float64()), ("id", pa.int64())])
_SPARSE = pa.struct([("indices", pa.list_(pa.int32())), ("weights", pa.list_(pa.float32()))])
_VECTOR_TYPES = {
    "float32": pa.float32(),
    "float16": pa.float16(),
    "int8": pa.int8(),
    "uint8": pa.uint8(),
    "binary": pa.int8(),
    "ubinary": pa.uint8(),
}


def _column(name: str, kind: Any) -> Fields:
    """One column of one type."""
    return lambda dimensions, options: [pa.field(name, kind)]


def _embedding(dimensions: int | None, options: Options) -> list[Any]:
    """A vector of numbers of the type that the option `output` names; eight bits to a byte."""
    assert dimensions is not None
    output = options.get("output", "float32")
    if output not in _VECTOR_TYPES:
        raise InputError(f"output is {output!r}, expected one of {', '.join(_VECTOR_TYPES)}")
    width = dimensions // 8 if output.endswith("binary") else dimensions
    return [pa.field("embedding", pa.list_(_VECTOR_TYPES[output], width))]


def _answer(_: int | None, options: Options) -> list[Any]:
    """An answer, or several where more than the best is asked for."""
    several = options.get("top_k", 1) > 1
    return [pa.field("answers", pa.list_(_ANSWER)) if several else pa.field("answer", _ANSWER)]


def _token_vectors(dimensions: int | None, _: Options) -> list[Any]:
    """A vector for each token."""
    return [pa.field("vectors", pa.list_(pa.list_(pa.float32(), dimensions)))]


def _tokens(_: int | None, __: Options) -> list[Any]:
    """Token ids, and how many tokens were left out."""
    return [pa.field("ids", pa.list_(pa.int32())), pa.field("truncated", pa.int32())]


def _records(answers: Any, fields: list[Any]) -> list[Any]:
    """Records and lists of them."""
    return [pa.array([plain(answer) for answer in answers], fields[0].type)]


def _numbers(answers: Any, fields: list[Any]) -> list[Any]:
    """One number for each."""
    return [pa.array(np.asarray(answers, np.float64), fields[0].type)]


def _vectors(answers: Any, fields: list[Any]) -> list[Any]:
    """One vector for each."""
    kind = fields[0].type
    flat = np.ascontiguousarray(answers).reshape(-1)
    return [pa.FixedSizeListArray.from_arrays(pa.array(flat, kind.value_type), type=kind)]


def _matrices(answers: Any, fields: list[Any]) -> list[Any]:
    """Several vectors for each."""
    inner = fields[0].type.value_type
    rows = np.concatenate([np.zeros((0, inner.list_size), np.float32), *answers])
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), type=inner)
    return [pa.ListArray.from_arrays(_ends(answers), vectors, type=fields[0].type)]


def _ids(answers: Any, _: list[Any]) -> list[Any]:
    """Token ids of several lengths."""
    ids = [one for one, _ in answers]
    flat = pa.array(np.concatenate([np.zeros(0, np.int32), *ids]))
    left_out = pa.array([truncated for _, truncated in answers], pa.int32())
    return [pa.ListArray.from_arrays(_ends(ids), flat), left_out]


def _ends(parts: Sequence[Any]) -> Any:
    """Where each of some parts ends in their concatenation, from 0 on."""
    return pa.array(np.cumsum([0, *map(len, parts)]), pa.int32())


_EMBED = {"prompt_name", "prompt", "kind", "truncate", "normalize", "output"}
JOB_TASKS: Mapping[str, JobTask] = {
    "embed": JobTask("embed", _embedding, _vectors, frozenset(_EMBED)),
    "classify": JobTask(
        "classify",
        _column("labels", _LABELS),
        _records,
        frozenset({"truncate", "top_k", "raw"}),
        pairs=None,
    ),
    "zero_shot": JobTask(
        "zero_shot",
        _column("labels", _LABELS),
        _records,
        frozenset({"truncate", "top_k", "labels", "hypothesis", "multi_label", "entailment"}),
    ),
    "rank": JobTask(
        "score",
        _column("score", pa.float64()),
        _numbers,
        frozenset({"truncate", "label", "raw"}),
        pairs=True,
        pair_first=True,
    ),
    "tag": JobTask(
        "tag", _column("spans", _SPANS), _records, frozenset({"truncate", "aggregation", "ignore"})
    ),
    "answer": JobTask(
        "answer",
        _answer,
        _records,
        frozenset({"truncate", "top_k", "max_answer_length", "no_answer", "threshold"}),
        pairs=True,
        pair_first=True,
    ),
    "fill": JobTask(
        "fill",
        _column("masks", pa.list_(pa.list_(_FILLING))),
        _records,
        frozenset({"truncate", "top_k", "targets"}),
    ),
    "next_sentence": JobTask(
        "next_sentence",
        _column("follows", pa.float64()),
        _numbers,
        frozenset({"truncate"}),
        pairs=True,
        pair_first=True,
    ),
    "sparse": JobTask(
        "embed_sparse", _column("vector", _SPARSE), _records, frozenset({"truncate", "top_k"})
    ),
    "multivector": JobTask(
        "embed_multi", _token_vectors, _matrices, frozenset({"truncate", "kind"})
    ),
    "tokenize": JobTask(None, _tokens, _ids, frozenset({"truncate"}), pairs=None),
}
