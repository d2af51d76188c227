"""Parity: whether two ways to run a model give the same, and how nearly."""

from bertie.verify.observe import Observed, observe, observe_vectors
from bertie.verify.report import Limits, Report, compare, limits_for
from bertie.verify.texts import verification_texts
from bertie.verify.transformers_outputs import observe_transformers

__all__ = [
    "Limits",
    "Observed",
    "Report",
    "compare",
    "limits_for",
    "observe",
    "observe_transformers",
    "observe_vectors",
    "verification_texts",
]
