"""A task's own share of the time is what its calls take beside the encoder within them."""

import json
from pathlib import Path

import numpy as np
import pytest

import bertie
from bertie.bench import TaskReport, measure_task
from bertie.bench.tasks import TASK_CALLS, _expected, _instrument, _Profile
from bertie.errors import InputError, TaskError
from bertie.tasks.table import TASKS
from tests.editing import edit_json, edit_tensors
from tests.tasks.heads import HIDDEN, add_head

TEXTS = ["the old bridge of stone", "wind on the river", "who reads a book at night"]
# By the kind of head.
OUTPUTS = {
    "sequence_classification": 3,
    "token_classification": 3,
    "question_answering": 2,
    "next_sentence": 2,
}


def with_head(directory: Path, task: str) -> Path:
    """Give a copy of the tiny BERT what a task needs."""
    kind = TASKS[task].head
    if kind in OUTPUTS:
        add_head(directory, kind, OUTPUTS[kind])
    elif kind == "multi_vector":
        weight = np.full((6, HIDDEN), 0.1, "f4")
        edit_tensors(directory, lambda tensors: {**tensors, "linear.weight": weight})
        edit_json(directory / "config.json", architectures=["HF_ColBERT"])
        settings = {"query_maxlen": 12, "doc_maxlen": 30, "doc_token_id": "song"}
        (directory / "artifact.metadata").write_text(json.dumps(settings))
    elif kind == "masked_lm":
        head = {
            "cls.predictions.transform.dense.weight": np.eye(HIDDEN, dtype="f4"),
            "cls.predictions.transform.dense.bias": np.zeros(HIDDEN, "f4"),
            "cls.predictions.transform.LayerNorm.weight": np.ones(HIDDEN, "f4"),
            "cls.predictions.transform.LayerNorm.bias": np.zeros(HIDDEN, "f4"),
        }

        def add(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            words = len(tensors["embeddings.word_embeddings.weight"])
            return {**tensors, **head, "cls.predictions.bias": np.zeros(words, "f4")}

        edit_tensors(directory, add)
        edit_json(directory / "config.json", architectures=["BertForMaskedLM"])
    return directory


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_measured(bert: Path, task: str) -> None:
    report = measure_task(with_head(bert, task), task, texts=TEXTS, rounds=2, threads=1)
    assert isinstance(report, TaskReport)
    assert report.task == task
    assert json.loads(json.dumps(report.to_dict()))["bulk"][0]["texts"] == len(TEXTS)
    (bulk,) = report.bulk
    assert 0 < bulk.encoder_share.median < 1
    assert (bulk.head_share.median > 0) == (task != "embed")
    # The shares and the rest are the whole.
    both = bulk.encoder_share.least + bulk.head_share.least
    assert bulk.overhead.most == pytest.approx(1 / both - 1, rel=0.5)


def test_what_the_head_multiplies_is_counted(bert: Path) -> None:
    model = bertie.load(with_head(bert, "tag"), threads=1)
    profile = _instrument(model)
    TASK_CALLS["tag"](model, TEXTS)()
    tokens = int(model.tokenizer.encode_batch(TEXTS).lengths.sum())
    assert profile.head_flops == 2 * tokens * HIDDEN * 3
    assert profile.encoder_flops > profile.head_flops
    assert profile.encoder_s > 0


def test_the_head_is_expected_to_run_as_fast_as_the_encoder() -> None:
    assert _expected(_Profile(2.0, 1000, 500)) == 3.0


def test_a_task_that_the_checkpoint_lacks_is_refused(tiny_bert: Path) -> None:
    with pytest.raises(TaskError, match="answer"):
        measure_task(tiny_bert, "answer", texts=TEXTS, rounds=1)
    with pytest.raises(InputError, match="rounds is 0"):
        measure_task(tiny_bert, rounds=0)
