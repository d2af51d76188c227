"""Running a model on a gold file and scoring what it says, task by task."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bertie.errors import InputError, TaskError
from bertie.evaluate.collection import read_collection
from bertie.evaluate.correlation import Correlations, correlate
from bertie.evaluate.filling import FillingScores, score_fillings
from bertie.evaluate.gold import (
    Labelled,
    read_labelled,
    read_questions,
    read_scored,
    read_tagged,
    read_texts,
)
from bertie.evaluate.labels import LabelScores, score_labels
from bertie.evaluate.progress import Progress, with_progress
from bertie.evaluate.ranking import RankingScores, score_rankings
from bertie.evaluate.search import (
    multivector_scores,
    search,
    sparse_scores,
    unit_vectors,
    vector_scores,
)
from bertie.evaluate.spans import SpanScores, score_spans
from bertie.evaluate.squad import AnswerScores, score_answers

Scores = LabelScores | Correlations | RankingScores | SpanScores | AnswerScores | FillingScores

# What data sets call a second sentence that follows the first, and one that doesn't; numbers are
# indices of the head's outputs.
_FOLLOWS = ("follows", "isnext", "0")
_OTHER = ("other", "notnext", "1")


def evaluate(
    model: Any, data: str | Path, *, k: int = 10, progress: Progress = lambda done, of: None
) -> Scores:
    """Score a model on a gold file.

    Args:
        model: as bertie.load gives it; its task decides what is measured.
        data: for embed pairs with scores, compared with the vectors' cosines, or the directory of
            a retrieval collection; for rank such a directory, of which a query's judged documents
            are ranked; for classify and zero_shot texts with labels; for tag words with tags; for
            answer SQuAD's questions; for fill texts; for next_sentence pairs with labels; for
            sparse and multivector a collection. bertie.evaluate.gold and .collection read them.
        k: how many of each ranking, or fillings of a masked token, count.
        progress: called now and then with examples done, and those there are.
    Returns: the scores of that kind of task.
    Raises: InputError: the data can't be read, or has labels that the model doesn't know.
    Raises: TaskError: a task that nothing here measures.
    """
    if model.task not in MEASURED:
        raise TaskError(
            f"a model of task {model.task!r} can't be evaluated; those of {', '.join(MEASURED)} can"
        )
    return MEASURED[model.task](model, Path(data), k, progress)


def _embed(model: Any, data: Path, k: int, progress: Progress) -> Correlations | RankingScores:
    """Compare cosines with scores, or search a collection."""
    if data.is_dir():
        return search(read_collection(data), vector_scores(model, progress), k)
    pairs = read_scored(data)
    texts = list(dict.fromkeys(text for pair in pairs for text in (pair.text, pair.pair)))
    indices = {text: index for index, text in enumerate(texts)}
    vectors = unit_vectors(model, texts, progress)
    first = vectors[[indices[pair.text] for pair in pairs]]
    second = vectors[[indices[pair.pair] for pair in pairs]]
    return correlate([pair.score for pair in pairs], np.einsum("nd,nd->n", first, second).tolist())


def _rank(model: Any, data: Path, k: int, progress: Progress) -> RankingScores:
    """Rank each query's judged documents."""
    collection = read_collection(data)

    def rankings() -> Iterator[tuple[str, list[str]]]:
        for query, text in collection.queries.items():
            judged = list(collection.relevance[query])
            ranked = model.rank(text, [collection.documents[id] for id in judged])
            yield query, [judged[one.index] for one in ranked]

    found = dict(with_progress(rankings(), len(collection.queries), progress))
    return score_rankings(collection.relevance, found, k)


def _classify(model: Any, data: Path, k: int, progress: Progress) -> LabelScores:
    """Compare each text's best label."""
    examples = read_labelled(data)
    gold = _as_labels([example.label for example in examples], model.labels, data)
    stream = model.classify_stream(map(_input, examples), top_k=1)
    found = [best.label for (best,) in with_progress(stream, len(examples), progress)]
    return score_labels(gold, found)


def _zero_shot(model: Any, data: Path, k: int, progress: Progress) -> LabelScores:
    """Compare each text's best label among those of the data."""
    examples = read_labelled(data)
    labels = sorted({example.label for example in examples})
    if any(example.pair is not None for example in examples):
        raise InputError(f"{data} has pairs of texts, expected one text a row for zero-shot labels")
    stream = model.zero_shot_stream((example.text for example in examples), labels, top_k=1)
    found = [best.label for (best,) in with_progress(stream, len(examples), progress)]
    return score_labels([example.label for example in examples], found)


def _tag(model: Any, data: Path, k: int, progress: Progress) -> SpanScores:
    """Compare words' tags, span by span."""
    sentences = read_tagged(data)
    words = (list(sentence.words) for sentence in sentences)
    stream = with_progress(model.tag_stream(words, split_words=True), len(sentences), progress)
    found = [[word.label for word in tagged] for tagged in stream]
    return score_spans([sentence.tags for sentence in sentences], found)


def _answer(model: Any, data: Path, k: int, progress: Progress) -> AnswerScores:
    """Compare the best answer to each question; no answer is one where the data has such."""
    questions = read_questions(data)
    none = any(not question.answers for question in questions)
    pairs = ((question.question, question.context) for question in questions)
    stream = with_progress(model.answer_stream(pairs, no_answer=none), len(questions), progress)
    found = {q.id: answer.text for q, answer in zip(questions, stream, strict=True)}
    return score_answers({question.id: question.answers for question in questions}, found)


def _fill(model: Any, data: Path, k: int, progress: Progress) -> FillingScores:
    """Mask each token of each text in turn."""
    texts = read_texts(data)
    stream = with_progress(model.score_tokens_stream(texts), len(texts), progress)
    found = [[(one.rank, one.log_probability) for one in chances] for chances in stream]
    ranks = [[rank for rank, _ in text] for text in found]
    return score_fillings(ranks, [[log for _, log in text] for text in found], k)


def _next_sentence(model: Any, data: Path, k: int, progress: Progress) -> LabelScores:
    """Judge whether second texts follow first ones, at even chances."""
    examples = read_labelled(data)
    names = {name: words[0] for words in (_FOLLOWS, _OTHER) for name in words}
    for index, example in enumerate(examples):
        if example.pair is None:
            raise InputError(f"{data}: example {index} has one text, expected a pair")
        if example.label.lower() not in names:
            raise InputError(
                f"{data}: label {example.label!r} says neither that a text follows nor that it"
                f" doesn't; expected {', '.join(_FOLLOWS)} or {', '.join(_OTHER)}"
            )
    stream = model.next_sentence_stream((one.text, one.pair) for one in examples)
    found = [
        _FOLLOWS[0] if chance >= 0.5 else _OTHER[0]
        for chance in with_progress(stream, len(examples), progress)
    ]
    return score_labels([names[example.label.lower()] for example in examples], found)


def _sparse(model: Any, data: Path, k: int, progress: Progress) -> RankingScores:
    """Search a collection by sparse vectors."""
    return search(read_collection(data), sparse_scores(model, progress), k)


def _multivector(model: Any, data: Path, k: int, progress: Progress) -> RankingScores:
    """Search a collection token by token."""
    return search(read_collection(data), multivector_scores(model, progress), k)


# What is measured of a model, by its task.
MEASURED: Mapping[str, Callable[[Any, Path, int, Progress], Scores]] = {
    "embed": _embed,
    "rank": _rank,
    "classify": _classify,
    "zero_shot": _zero_shot,
    "tag": _tag,
    "answer": _answer,
    "fill": _fill,
    "next_sentence": _next_sentence,
    "sparse": _sparse,
    "multivector": _multivector,
}


def _input(example: Labelled) -> str | tuple[str, str]:
    """Give a text, or a pair."""
    return example.text if example.pair is None else (example.text, example.pair)


def _as_labels(gold: Sequence[str], labels: Sequence[str], data: Path) -> list[str]:
    """Write gold labels as the model does: its own names in any case, or indices in their list."""
    known = {label.lower(): label for label in labels} | {label: label for label in labels}
    indexed = {str(index): label for index, label in enumerate(labels)}
    own = {label: known.get(label, known.get(label.lower())) for label in gold}
    unnamed = [label for label, name in own.items() if name is None]
    if unnamed and any(label not in indexed for label in gold):
        odd = unnamed[0]
        raise InputError(
            f"{data}: label {odd!r} is none of the model's, which are {', '.join(labels)};"
            " expected those, or their numbers from 0"
        )
    of = indexed if unnamed else {label: name for label, name in own.items() if name is not None}
    return [of[label] for label in gold]
