"""Every task answers rows as the library's own method does."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import bertie
from bertie.calls.records import plain
from bertie.errors import InputError
from bertie.jobs.job import Job
from bertie.jobs.run import run
from bertie.tokenize import Tokenizer
from tests.tasks.heads import add_head

from .conftest import lines, table

TEXTS = ["the old bridge", "who reads the book", "a cat"]
OTHERS = ["stone", "the dog", "who"]


@pytest.fixture
def answer(tmp_path: Path) -> Callable[..., Any]:
    """Run a task over TEXTS and OTHERS."""
    path = tmp_path / "rows.tsv"
    rows = "".join(f"{text}\t{other}\n" for text, other in zip(TEXTS, OTHERS, strict=True))
    path.write_text("text\tother\n" + rows)

    def call(task: str, model: Path, **others: Any) -> Any:
        output = others.pop("output", tmp_path / "out.parquet")
        run(Job(task, (str(path),), output, str(model), **others))
        return table(output) if output.suffix == ".parquet" else lines(output)

    return call


def test_embedding_gives_fixed_size_lists(answer: Callable[..., Any], tiny_sentence: Path) -> None:
    model = bertie.load(tiny_sentence)
    found = answer("embed", tiny_sentence)
    assert found.column_names == ["text", "other", "embedding"]
    assert found.column("embedding").type == pa.list_(pa.float32(), model.dimensions)
    vectors = np.stack(found.column("embedding").to_numpy())
    np.testing.assert_array_equal(vectors, model.embed(TEXTS))


@pytest.mark.parametrize(
    ("output", "kind"), [("float16", pa.float16()), ("int8", pa.int8()), ("uint8", pa.uint8())]
)
def test_vectors_are_of_the_type_asked_for(
    output: str, kind: Any, answer: Callable[..., Any], tiny_sentence: Path
) -> None:
    model = bertie.load(tiny_sentence)
    ranges = model.ranges(TEXTS).tolist()
    load = {} if output == "float16" else {"ranges": ranges}
    found = answer("embed", tiny_sentence, options={"output": output}, load=load)
    assert found.column("embedding").type == pa.list_(kind, model.dimensions)
    expected = bertie.load(tiny_sentence, **load).embed(TEXTS, output=output)
    assert found.column("embedding").to_pylist() == expected.tolist()


def test_jsonl_has_vectors_to_the_last_bit(
    answer: Callable[..., Any], tiny_sentence: Path, tmp_path: Path
) -> None:
    found = answer("embed", tiny_sentence, output=tmp_path / "out.jsonl")
    vectors = np.array([row["embedding"] for row in found], np.float32)
    np.testing.assert_array_equal(vectors, bertie.load(tiny_sentence).embed(TEXTS))
    assert [row["other"] for row in found] == OTHERS


def _pairs(first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(first, second, strict=True))


def test_classifying_gives_labels_of_texts_and_of_pairs(
    answer: Callable[..., Any], bert: Path, tmp_path: Path
) -> None:
    add_head(bert, "sequence_classification", 2, ["no", "yes"])
    model = bertie.load(bert)
    found = answer("classify", bert).column("labels").to_pylist()
    assert found == plain(model.classify(TEXTS))
    found = answer("classify", bert, pair_column="other", output=tmp_path / "pairs.parquet")
    assert found.column("labels").to_pylist() == plain(model.classify(_pairs(TEXTS, OTHERS)))


def test_zero_shot_judges_the_labels_given(answer: Callable[..., Any], bert: Path) -> None:
    add_head(bert, "sequence_classification", 3, ["entailment", "neutral", "contradiction"])
    labels = ["book", "bridge"]
    found = answer("zero_shot", bert, options={"labels": labels}).column("labels").to_pylist()
    assert found == plain(bertie.load(bert, task="zero_shot").zero_shot(TEXTS, labels))


def test_ranking_scores_every_row_for_the_query(
    answer: Callable[..., Any], bert: Path, tmp_path: Path
) -> None:
    add_head(bert, "sequence_classification", 1)
    model = bertie.load(bert, task="rank")
    found = answer("rank", bert, pair="who").column("score").to_pylist()
    assert found == model.score(_pairs(["who"] * 3, TEXTS)).tolist()
    own = answer("rank", bert, pair_column="other", output=tmp_path / "own.parquet")
    assert own.column("score").to_pylist() == model.score(_pairs(OTHERS, TEXTS)).tolist()


def test_tagging_gives_spans(answer: Callable[..., Any], bert: Path) -> None:
    add_head(bert, "token_classification", 3, ["O", "B-X", "I-X"])
    found = answer("tag", bert).column("spans").to_pylist()
    assert found == plain(bertie.load(bert).tag(TEXTS))
    assert any(found)


def test_answering_gives_the_best_or_several(
    answer: Callable[..., Any], bert: Path, tmp_path: Path
) -> None:
    add_head(bert, "question_answering", 2)
    model = bertie.load(bert)
    found = answer("answer", bert, pair="who").column("answer").to_pylist()
    assert found == plain(model.answer("who", TEXTS))
    several = answer(
        "answer", bert, pair="who", options={"top_k": 2}, output=tmp_path / "2.parquet"
    )
    assert several.column("answers").to_pylist() == plain(model.answer("who", TEXTS, top_k=2))


def test_next_sentence_gives_a_probability(answer: Callable[..., Any], bert: Path) -> None:
    add_head(bert, "next_sentence", 2)
    found = answer("next_sentence", bert, pair_column="other").column("follows").to_pylist()
    assert found == bertie.load(bert).next_sentence(OTHERS, TEXTS).tolist()


def test_sparse_vectors_have_indices_and_weights(
    answer: Callable[..., Any],
    filler: Path,
) -> None:
    found = answer("sparse", filler, options={"top_k": 3}).column("vector").to_pylist()
    model = bertie.load(filler, task="sparse")
    assert found == plain(model.embed_sparse(TEXTS, top_k=3))


def test_multivectors_have_a_vector_a_token(
    answer: Callable[..., Any],
    colbert: Path,
) -> None:
    found = answer("multivector", colbert).column("vectors")
    model = bertie.load(colbert)
    assert found.type.value_type == pa.list_(pa.float32(), model.dimensions)
    assert found.to_pylist() == [one.tolist() for one in model.embed_multi(TEXTS)]


def test_filling_needs_a_mask_and_rejects_rows_without_one(
    filler: Path,
    tmp_path: Path,
) -> None:
    model = bertie.load(filler, task="fill")
    text = f"the {model.mask_token} bridge"
    (tmp_path / "rows.txt").write_text(f"{text}\nno mask\n")
    job = Job("fill", (str(tmp_path / "rows.txt"),), tmp_path / "out.jsonl", str(filler))
    assert run(job).counts.rejected == 1
    (row,) = lines(tmp_path / "out.jsonl")
    assert row == {"text": text, "masks": plain(model.fill(text))}
    (reject,) = lines(tmp_path / "out.jsonl.rejects.jsonl")
    assert (reject["row"], reject["line"]) == (2, 2)
    assert reject["reason"].startswith("the text has no")


def test_tokenizing_gives_ids_and_needs_no_model(
    answer: Callable[..., Any], tiny_sentence: Path, tmp_path: Path
) -> None:
    found = answer("tokenize", tiny_sentence, load={"max_length": 4})
    tokenizer = Tokenizer.load(tiny_sentence, max_length=4)
    encoded = [tokenizer.encode(text) for text in TEXTS]
    assert found.column("ids").to_pylist() == [list(one.ids) for one in encoded]
    assert found.column("truncated").to_pylist() == [one.truncated for one in encoded]
    assert sum(found.column("truncated").to_pylist()) > 0
    pairs = answer("tokenize", tiny_sentence, pair_column="other", output=tmp_path / "p.parquet")
    whole = Tokenizer.load(tiny_sentence)
    expected = [list(whole.encode(*pair).ids) for pair in _pairs(TEXTS, OTHERS)]
    assert pairs.column("ids").to_pylist() == expected


def test_a_task_refuses_what_it_has_no_use_for(
    answer: Callable[..., Any], tiny_sentence: Path
) -> None:
    with pytest.raises(InputError, match="task is 'draw', expected one of embed"):
        answer("draw", tiny_sentence)
    with pytest.raises(InputError, match="embed has no option 'top_k'; it has kind"):
        answer("embed", tiny_sentence, options={"top_k": 3})
    with pytest.raises(InputError, match="embed reads one text of each row"):
        answer("embed", tiny_sentence, pair="who")
    with pytest.raises(InputError, match="rank reads pairs"):
        answer("rank", tiny_sentence)
    with pytest.raises(InputError, match="kind"):
        answer("embed", tiny_sentence, options={"kind": "poem"})
