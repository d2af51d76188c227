"""bertie embed"""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bertie.cli import inputs, options, output
from bertie.cli.progress import Bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bertie.tables import Row

_SUFFIXES = (".jsonl", ".csv", ".npy")
_SHOWN = 6  # numbers of a vector that a terminal shows


def _check_suffix(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in _SUFFIXES:
        raise click.BadParameter(f"{path} must end in one of {', '.join(_SUFFIXES)}")
    return path


@options.command("embed")
@click.argument("texts", nargs=-1)
@options.model
@options.input_file
@options.column
@options.file_format
@click.option(
    "-o",
    "--output",
    "output_file",
    type=click.Path(path_type=Path),
    callback=_check_suffix,
    metavar="FILE",
    help="Write to a .jsonl, .csv or .npy file, whole or not at all.",
)
@options.precision
@options.calibration
@options.max_length
@options.truncate
@options.threads
@options.show_as
def command(
    texts: tuple[str, ...],
    source: str,
    input_file: Path | None,
    column: str,
    file_format: str | None,
    output_file: Path | None,
    precision: str,
    calibration: Path | None,
    max_length: int | None,
    truncate: str,
    threads: int | None,
    show_as: str | None,
) -> None:
    """Turn texts into vectors.

    Texts come from the arguments, standard input (one a line) or a file. Vectors go to a file with
    -o, else are printed: in short on a terminal, as JSONL with all their numbers elsewhere.
    """
    from bertie.cli.model import load_model

    with inputs.rows(texts, input_file, file_format, column) as given:
        model = load_model(
            source,
            "embed",
            precision=precision,
            calibration=calibration,
            threads=threads,
            max_length=max_length,
        )
        waiting: deque[Row] = deque()

        def pulled() -> Iterator[str]:
            for row in given.rows:
                waiting.append(row)
                yield row.fields[given.column]

        def embedded() -> Iterator[tuple[dict[str, Any], "NDArray[np.float32]"]]:
            with Bar("texts") as bar:
                vectors = model.embed_stream(pulled(), truncate=truncate)
                for count, vector in enumerate(vectors, start=1):
                    bar.update("embedding", given.bytes_read, given.size, counted=count)
                    yield dict(waiting.popleft().fields), vector

        if output_file is not None:
            from bertie.cli.vectors import write

            count = write(output_file, embedded(), model.dimensions)
            click.echo(f"{count} vectors of {model.dimensions} in {output_file}", err=True)
        elif output.as_table(show_as):
            for fields, vector in embedded():
                _summarize(fields[given.column], vector)
        else:
            from bertie.cli.vectors import jsonl

            for fields, vector in embedded():
                click.echo(jsonl(fields, vector))


def _summarize(text: str, vector: "NDArray[np.float32]") -> None:
    """Print the beginning of a vector under its text."""
    numbers = " ".join(f"{number:+.4f}" for number in vector[:_SHOWN].tolist())
    more = " …" if len(vector) > _SHOWN else ""
    length = float((vector @ vector) ** 0.5)
    click.echo(text if len(text) <= 100 else text[:99] + "…")
    click.echo(f"  {len(vector)} numbers, length {length:.4f}: {numbers}{more}")
