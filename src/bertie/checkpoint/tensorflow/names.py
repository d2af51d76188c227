"""Google's names of BERT's variables, and transformers' names for the same tensors.

A variable is called by its path through the graph, such as
bert/encoder/layer_0/attention/self/query/kernel; a kernel is (inputs, outputs), where
transformers' weights are (outputs, inputs).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bertie.checkpoint.tensorflow.bundle import Entry


@dataclass(frozen=True)
class Renaming:
    """One way in which Google's names differ.

    Attributes:
        pattern: a regular expression over the name.
        becomes: what replaces it.
        found_in: the kind of checkpoint that needs it.
    """

    pattern: re.Pattern[str]
    becomes: str
    found_in: str


RENAMINGS = (
    Renaming(re.compile(r"^module/"), "", "models that were fine-tuned from TensorFlow Hub's"),
    Renaming(re.compile(r"^output_weights$"), "classifier/weight", "run_classifier.py"),
    Renaming(re.compile(r"^output_bias$"), "classifier/bias", "run_classifier.py"),
    Renaming(re.compile(r"^cls/squad/output_weights$"), "qa_outputs/weight", "run_squad.py"),
    Renaming(re.compile(r"^cls/squad/output_bias$"), "qa_outputs/bias", "run_squad.py"),
    Renaming(re.compile(r"^(cls/\w+)/output_weights$"), r"\1/weight", "run_pretraining.py"),
    Renaming(re.compile(r"^(cls/\w+)/output_bias$"), r"\1/bias", "run_pretraining.py"),
    Renaming(re.compile(r"/layer_(\d+)/"), r"/layer/\1/", "every encoder"),
    Renaming(re.compile(r"(_embeddings)$"), r"\1/weight", "every encoder"),
    Renaming(re.compile(r"/(kernel|gamma)$"), "/weight", "every encoder"),
    Renaming(re.compile(r"/beta$"), "/bias", "every encoder"),
)

_KERNEL = "/kernel"


def translate(name: str) -> str:
    """Give transformers' name for one of Google's."""
    for renaming in RENAMINGS:
        name = renaming.pattern.sub(renaming.becomes, name)
    return name.replace("/", ".")


def is_kernel(entry: Entry) -> bool:
    """Tell whether a variable lies the other way round than transformers' weights."""
    return entry.name.endswith(_KERNEL) and len(entry.shape) == 2


def model_weights(entries: Mapping[str, Entry]) -> Iterable[Entry]:
    """Choose the variables of the model.

    What belongs to training alone is left out: the optimizer's slots, which are named after the
    variable that they belong to (…/kernel/adam_m, …/kernel/AdamWeightDecayOptimizer_1), and
    scalars, which are its counters (global_step, beta1_power); no weight of BERT is one.
    """
    for entry in entries.values():
        parent, _, _ = entry.name.rpartition("/")
        if entry.shape and parent not in entries:
            yield entry
