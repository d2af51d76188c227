"""Models on gold files: what they are given, and that their answers meet the right gold."""

import json
from pathlib import Path

import numpy as np
import pytest

from bertie.errors import InputError, TaskError
from bertie.evaluate import correlate, score_labels, score_rankings
from bertie.evaluate.run import MEASURED, evaluate
from bertie.loading.load import load
from bertie.tasks.table import TASKS
from tests.evaluate.test_collection import write as write_collection
from tests.tasks.heads import add_fill_head, add_head, add_projection

TEXTS = ["the old bridge", "who reads the book", "cold rain", "a song"]


def write(directory: Path, name: str, *lines: str) -> Path:
    """Write a gold file."""
    path = directory / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_vectors_are_compared_by_cosine(bert: Path, tmp_path: Path) -> None:
    rows = [(TEXTS[0], TEXTS[1], 3.0), (TEXTS[0], TEXTS[2], 1.0), (TEXTS[3], TEXTS[3], 5.0)]
    data = write(tmp_path, "sts.csv", *(f"{a},{b},{score}" for a, b, score in rows))
    model = load(bert, precision="float32")
    vectors = {text: model.embed(text, normalize=True) for text in TEXTS}
    cosines = [float(vectors[a] @ vectors[b]) for a, b, _ in rows]
    seen = []
    found = evaluate(model, data, progress=lambda done, of: seen.append((done, of)))
    expected = correlate([score for *_, score in rows], cosines)
    assert found.pearson == pytest.approx(expected.pearson, abs=1e-6)
    assert found.spearman == expected.spearman
    assert seen == [(n, 4) for n in range(1, 5)]


def test_a_collection_is_searched_whole(bert: Path, tmp_path: Path) -> None:
    data = write_collection(tmp_path, qrels="q1 0 d1 1\nq2 0 2 2\n")
    model = load(bert, precision="float32", prompts={"query": "who ", "passage": "the "})
    documents = model.embed(["Tea is warm", "cold rain"], normalize=True, prompt_name="passage")
    rankings = {}
    for id, text in (("q1", "tea?"), ("q2", "rain?")):
        scores = documents @ model.embed(text, normalize=True, prompt_name="query")
        rankings[id] = [("d1", "2")[place] for place in np.argsort(-scores)]
    assert evaluate(model, data, k=2) == score_rankings(
        {"q1": {"d1": 1}, "q2": {"2": 2}}, rankings, 2
    )


def test_judged_documents_are_ranked(bert: Path, tmp_path: Path) -> None:
    add_head(bert, "sequence_classification", 1)
    model = load(bert, task="rank", precision="float32")
    data = write_collection(tmp_path, qrels="q1 0 d1 0\nq1 0 2 1\n")
    best = model.rank("tea?", ["Tea is warm", "cold rain"])[0].index
    assert evaluate(model, data).mrr == (1 if best == 1 else 1 / 2)


@pytest.mark.parametrize("spelled", [("no", "yes"), ("NO", "Yes"), ("0", "1")])
def test_labels_may_be_named_or_numbered(
    bert: Path, tmp_path: Path, spelled: tuple[str, str]
) -> None:
    add_head(bert, "sequence_classification", 2, ["no", "yes"])
    model = load(bert, task="classify", precision="float32")
    found = [labels[0].label for labels in model.classify(TEXTS)]
    gold = ["no", "yes", "yes", "no"]
    written = [spelled[label == "yes"] for label in gold]
    lines = (f"{text}\t{label}" for text, label in zip(TEXTS, written, strict=True))
    assert evaluate(model, write(tmp_path, "dev.tsv", *lines)) == score_labels(gold, found)


def test_labels_that_differ_by_case_stay_apart(bert: Path, tmp_path: Path) -> None:
    add_head(bert, "sequence_classification", 3, ["US", "us", "0"])
    model = load(bert, task="classify", precision="float32")
    found = [labels[0].label for labels in model.classify(TEXTS)]
    gold = ["US", "us", "0", "US"]
    lines = (f"{text}\t{label}" for text, label in zip(TEXTS, gold, strict=True))
    assert evaluate(model, write(tmp_path, "dev.tsv", *lines)) == score_labels(gold, found)


def test_labels_that_a_model_does_not_know_are_refused(bert: Path, tmp_path: Path) -> None:
    add_head(bert, "sequence_classification", 2, ["no", "yes"])
    model = load(bert, task="classify")
    for label in ("maybe", "2"):
        data = write(tmp_path, "dev.tsv", "a text\tno", f"a text\t{label}")
        with pytest.raises(InputError, match=f"label '{label}' is none of the model's, .* no, yes"):
            evaluate(model, data)


def test_zero_shot_judges_the_labels_of_the_data(bert: Path, tmp_path: Path) -> None:
    add_head(bert, "sequence_classification", 2, ["contradiction", "entailment"])
    model = load(bert, task="zero_shot", precision="float32")
    gold = ["rain", "stone"]
    found = [labels[0].label for labels in model.zero_shot(TEXTS[:2], gold)]
    lines = (f"{text}\t{label}" for text, label in zip(TEXTS, gold, strict=False))
    assert evaluate(model, write(tmp_path, "a.tsv", *lines)) == score_labels(gold, found)
    with pytest.raises(InputError, match="has pairs of texts"):
        evaluate(model, write(tmp_path, "b.tsv", "a\tb\train"))


def test_words_are_tagged_as_they_are_split(bert: Path, tmp_path: Path) -> None:
    add_head(bert, "token_classification", 3, ["O", "B-X", "I-X"])
    model = load(bert, task="tag", precision="float32")
    words = ["who", "reads", "the", "book"]
    tags = [span.label for span in model.tag(words, split_words=True)]
    lines = [f"{word}\t{tag}" for word, tag in zip(words, tags, strict=True)]
    found = evaluate(model, write(tmp_path, "gold.conll", *lines, "", "rain\tB-Y"))
    assert (found.sentences, found.recall) == (2, pytest.approx((found.gold - 1) / found.gold))


def test_answers_meet_their_questions(bert: Path, tmp_path: Path) -> None:
    add_head(bert, "question_answering", 2)
    model = load(bert, task="answer", precision="float32")
    context = "The old bridge of stone. The cat sleeps in the small house."
    answer = model.answer("who sleeps?", context)
    asked = [
        {"id": "1", "question": "who sleeps?", "answers": [{"text": answer.text}]},
        {"id": "2", "question": "what is old?", "answers": [{"text": "zzz"}]},
    ]
    data = tmp_path / "squad.json"
    data.write_text(json.dumps({"data": [{"paragraphs": [{"context": context, "qas": asked}]}]}))
    found = evaluate(model, data)
    assert (found.questions, found.exact_match, found.unanswerable_accuracy) == (2, 0.5, None)


def test_every_token_is_masked_in_turn(bert: Path, tmp_path: Path) -> None:
    add_fill_head(bert)
    model = load(bert, task="fill", precision="float32")
    chances = [one for text in TEXTS for one in model.score_tokens(text)]
    found = evaluate(model, write(tmp_path, "texts.txt", *TEXTS, ""), k=60)
    assert (found.texts, found.tokens, found.k) == (4, len(chances), 60)
    assert found.accuracy_at_k == sum(one.rank <= 60 for one in chances) / len(chances)
    mean = sum(one.log_probability for one in chances) / len(chances)
    assert found.log_likelihood == pytest.approx(mean)
    with pytest.raises(InputError, match="holds no texts"):
        evaluate(model, write(tmp_path, "empty.txt", ""))


@pytest.mark.parametrize("spelled", [("follows", "other"), ("IsNext", "NotNext"), ("0", "1")])
def test_a_text_follows_at_even_chances(
    bert: Path, tmp_path: Path, spelled: tuple[str, str]
) -> None:
    add_head(bert, "next_sentence", 2)
    model = load(bert, task="next_sentence", precision="float32")
    pairs = [(first, second) for first in TEXTS for second in TEXTS]
    chances = [model.next_sentence(*pair) for pair in pairs]
    found = ["follows" if chance >= 0.5 else "other" for chance in chances]
    gold = ["follows", "other"] * 8
    lines = (
        f"{a}\t{b}\t{spelled[label == 'other']}" for (a, b), label in zip(pairs, gold, strict=True)
    )
    assert evaluate(model, write(tmp_path, "a.tsv", *lines)) == score_labels(gold, found)


def test_pairs_that_do_not_say_whether_they_follow_are_refused(bert: Path, tmp_path: Path) -> None:
    add_head(bert, "next_sentence", 2)
    model = load(bert, task="next_sentence")
    with pytest.raises(InputError, match="label 'maybe' says neither"):
        evaluate(model, write(tmp_path, "a.tsv", "rain\tstone\t0", "rain\tstone\tmaybe"))
    with pytest.raises(InputError, match="example 0 has one text, expected a pair"):
        evaluate(model, write(tmp_path, "b.tsv", "rain\t0"))


def test_sparse_and_token_vectors_search_a_collection(bert: Path, tmp_path: Path) -> None:
    pytest.importorskip("scipy", reason="SciPy has the matrix of sparse vectors")
    add_fill_head(bert)
    add_projection(bert)
    data = write_collection(tmp_path, qrels="q1 0 d1 1\nq2 0 2 2\n")
    for task in ("sparse", "multivector"):
        found = evaluate(load(bert, task=task), data, k=2)
        assert (found.queries, found.k, found.recall) == (2, 2, 1)
        with pytest.raises(InputError, match="has no judgements"):
            evaluate(load(bert, task=task), tmp_path / "nowhere")


def test_every_task_is_measured(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MEASURED.keys() == TASKS.keys()
    model = load(bert)
    monkeypatch.setattr(type(model), "task", "dance")
    with pytest.raises(TaskError, match="'dance' can't be evaluated; those of embed, rank"):
        evaluate(model, "data")
