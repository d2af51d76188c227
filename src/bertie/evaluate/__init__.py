"""How good a model is: metrics against gold answers, and the files that hold those."""

from bertie.evaluate.correlation import Correlations, correlate
from bertie.evaluate.filling import FillingScores, score_fillings
from bertie.evaluate.labels import LabelScores, score_labels
from bertie.evaluate.ranking import RankingScores, score_rankings
from bertie.evaluate.spans import SpanScores, score_spans, spans_of
from bertie.evaluate.squad import AnswerScores, normalize_answer, score_answers

__all__ = [
    "AnswerScores",
    "Correlations",
    "FillingScores",
    "LabelScores",
    "RankingScores",
    "SpanScores",
    "correlate",
    "normalize_answer",
    "score_answers",
    "score_fillings",
    "score_labels",
    "score_rankings",
    "score_spans",
    "spans_of",
]
