"""bertie evaluate"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bertie.cli import options, output
from bertie.cli.option_groups import LoadModel, model_options
from bertie.cli.progress import ProgressBar

# bertie.evaluate.run's, by the names of their commands, here because importing it takes numpy
TASKS = (
    "embed",
    "rank",
    "classify",
    "zero-shot",
    "tag",
    "answer",
    "fill",
    "next-sentence",
    "sparse",
    "multivector",
)


@options.command("evaluate")
@click.argument("task", type=click.Choice(TASKS))
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    metavar="PATH",
    help="The gold file, or a retrieval collection's directory.",
)
@model_options
@click.option(
    "--cutoff",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many of each ranking, or fillings of a masked token, count.",
)
@options.show_as
def command(task: str, data: Path, load: LoadModel, cutoff: int, show_as: str | None) -> None:
    """Measure how good a model is, against gold answers.

    \b
    embed          pairs with scores (STS-B, SICK): Pearson and Spearman; or a
                   collection (corpus.jsonl, queries.jsonl, qrels/): nDCG, MRR,
                   recall
    rank           a collection, of which the judged documents are ranked
    classify       texts or pairs with labels (SST-2, SICK): accuracy, F1
    zero-shot      texts with labels
    tag            words with tags (CoNLL): F1 of spans
    answer         questions on contexts (SQuAD): exact match, F1
    fill           texts, of which each token is masked in turn: accuracy,
                   perplexity
    next-sentence  pairs with labels (follows, other): accuracy, F1
    sparse         a collection: nDCG, MRR, recall
    multivector    a collection: nDCG, MRR, recall
    """
    model = load(task.replace("-", "_"))
    from bertie.evaluate.run import evaluate

    with ProgressBar("examples") as bar:
        scores = evaluate(
            model,
            data,
            k=cutoff,
            progress=lambda done, total: bar.update("evaluating", done, total),
        )
    numbers = asdict(scores)
    # Of spans there is a precision of their own.
    precision = "model_precision" if "precision" in numbers else "precision"
    found = {"task": task, "data": str(data), precision: model.info().precision, **numbers}
    if output.as_table(show_as):
        output.print_record(_shown(found))
    else:
        output.print_json(found)


def _shown(found: Mapping[str, Any]) -> dict[str, Any]:
    """Round scores for a person."""
    shown = {}
    for name, value in found.items():
        if isinstance(value, Mapping):
            value = {key: f"{score:.4f}" for key, score in value.items()}
        elif isinstance(value, float):
            value = f"{value:.4f}"
        shown[name.replace("_", " ")] = value
    return shown
