"""bertie embed"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bertie.cli import options, output
from bertie.cli.inputs import text_getter
from bertie.cli.option_groups import LoadModel, OpenRows, input_options, model_options
from bertie.cli.row_stream import stream_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_SUFFIXES = (".jsonl", ".csv", ".npy")
_SHOWN = 6  # numbers of a vector that a terminal shows


def _check_suffix(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in _SUFFIXES:
        raise click.BadParameter(f"{path} must end in one of {', '.join(_SUFFIXES)}")
    return path


@options.command("embed")
@input_options("texts")
@click.option(
    "-o",
    "--output",
    "output_file",
    type=click.Path(path_type=Path),
    callback=_check_suffix,
    metavar="FILE",
    help="Write to a .jsonl, .csv or .npy file, whole or not at all.",
)
@click.option("--prompt-name", metavar="NAME", help="Which of the model's prompts to put before.")
@click.option(
    "--kind",
    type=click.Choice(["query", "document"]),
    help="What the texts are, for models with a prompt for each.",
)
@click.option(
    "--dimensions",
    type=click.IntRange(min=1),
    help="Floats to keep of a vector, for models trained so.",
)
@model_options
@options.truncate
@options.show_as
def command(
    open_rows: OpenRows,
    load: LoadModel,
    output_file: Path | None,
    prompt_name: str | None,
    kind: str | None,
    dimensions: int | None,
    truncate: str,
    show_as: str | None,
) -> None:
    """Turn texts into vectors.

    Texts come from the arguments, standard input (one a line) or a file. Vectors go to a file with
    -o, else are printed: in short on a terminal, as JSONL with all their numbers elsewhere.
    """
    with open_rows() as reader:
        model = load("embed", dimensions=dimensions)
        embedded = stream_rows(
            reader,
            lambda texts: model.embed_stream(
                texts, prompt_name=prompt_name, kind=kind, truncate=truncate
            ),
            text_getter(reader.column),
        )
        if output_file is not None:
            from bertie.cli.vector_files import write_vectors

            vectors = ((fields, vector) for _, fields, vector in embedded)
            count = write_vectors(output_file, vectors, model.dimensions)
            click.echo(f"{count} vectors of {model.dimensions} in {output_file}", err=True)
        elif output.as_table(show_as):
            for text, _, vector in embedded:
                _summarize(text, vector)
        else:
            from bertie.cli.vector_files import vector_line

            for _, fields, vector in embedded:
                click.echo(vector_line(fields, vector))


def _summarize(text: str, vector: "NDArray[np.float32]") -> None:
    """Print the beginning of a vector under its text."""
    numbers = " ".join(f"{number:+.4f}" for number in vector[:_SHOWN].tolist())
    more = " …" if len(vector) > _SHOWN else ""
    length = float((vector @ vector) ** 0.5)
    click.echo(text if len(text) <= 100 else text[:99] + "…")
    click.echo(f"  {len(vector)} numbers, length {length:.4f}: {numbers}{more}")
