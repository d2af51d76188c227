"""The tasks that a checkpoint can be loaded for."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
        name: its word everywhere, and its module's name.
        method: the one that its class is for.
        head: the kind of head that it needs of a checkpoint, or None.
        class_ending: how the name of the class ends that a checkpoint made for it was saved as.
    """

    name: str
    method: str
    head: str | None = None
    class_ending: str = ""


TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task("embed", "embed"),
        Task("classify", "classify", "sequence_classification", "ForSequenceClassification"),
        Task("zero_shot", "zero_shot", "sequence_classification"),
        Task("rank", "rank", "sequence_classification"),
        Task("tag", "tag", "token_classification", "ForTokenClassification"),
        Task("answer", "answer", "question_answering", "ForQuestionAnswering"),
        Task("fill", "fill", "masked_lm", "ForMaskedLM"),
        Task("next_sentence", "next_sentence", "next_sentence", "ForNextSentencePrediction"),
        Task("sparse", "embed_sparse", "masked_lm"),
        Task("multivector", "embed_multi", "multi_vector", "HF_ColBERT"),
    )
}

# The method that a class is for → its task.
TASK_OF_METHOD: Mapping[str, str] = {task.method: task.name for task in TASKS.values()}
