"""bertie tokenize"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from bertie.cli import inputs, options, output
from bertie.cli.atomic_output import atomic_output
from bertie.cli.histogram import Histogram
from bertie.cli.progress import ProgressBar

if TYPE_CHECKING:
    from bertie.tokenize import Tokenizer
    from bertie.tokenize.tokenizer import Truncate


def _read_ids(_: click.Context, __: click.Parameter, value: str | None) -> list[int] | None:
    """Whole numbers with commas or spaces between them."""
    if value is None:
        return None
    parts = value.replace(",", " ").split()
    if not all(re.fullmatch("-?[0-9]{1,4000}", part) for part in parts):
        raise click.BadParameter(
            f"{value!r}, expected whole numbers with commas between, such as 101,7592"
        )
    return [int(part) for part in parts]


@options.command("tokenize")
@click.argument("texts", nargs=-1)
@click.option(
    "--ids",
    callback=_read_ids,
    metavar="ID,ID,…",
    help="Look up tokens by their ids instead.",
)
@click.option("--pair", metavar="TEXT", help="A second text, which follows each of the texts.")
@click.option("--count", is_flag=True, help="Show how many tokens each text has, and a histogram.")
@click.option(
    "--train",
    type=click.IntRange(min=6),
    metavar="SIZE",
    help="Learn a WordPiece vocabulary of so many tokens from the texts instead.",
)
@click.option("--cased", is_flag=True, help="Keep capitals and accents when learning.")
@click.option(
    "-o",
    "--output",
    "output_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write JSONL, or the vocabulary learned, to a file.",
)
@click.option("--json", "json_lines", is_flag=True, help="The same as --as jsonl.")
@options.model
@options.input_file
@options.column
@options.file_format
@options.max_length
@options.truncate
@options.show_as
def command(
    texts: tuple[str, ...],
    ids: list[int] | None,
    pair: str | None,
    count: bool,
    train: int | None,
    cased: bool,
    output_file: Path | None,
    json_lines: bool,
    source: str,
    input_file: Path | None,
    column: str,
    file_format: str | None,
    max_length: int | None,
    truncate: "Truncate",
    show_as: str | None,
) -> None:
    """Show the tokens of texts, or the tokens of ids.

    Texts come from the arguments, standard input (one a line) or a file. Start and end are
    positions in the text, in characters. The other way: bertie tokenize --ids 101,7592. A
    vocabulary of one's own: bertie tokenize --train 8000 -i texts.txt -o vocab.txt
    """
    if ids is not None and (texts or input_file):
        raise click.UsageError("give texts or --ids, not both")
    if train is not None and (ids is not None or count or pair is not None):
        raise click.UsageError("--train goes without --ids, --count and --pair")
    if cased and train is None:
        raise click.UsageError("--cased goes with --train")
    table = output_file is None and not json_lines and output.as_table(show_as)
    if train is not None:
        with inputs.open_rows(texts, input_file, file_format, column) as reader:
            _train(_texts(reader), train, cased, output_file)
        return
    tokenizer = _load(source, max_length)
    with _open_writer(output_file) as write:
        if ids is not None:
            _show_ids(tokenizer, ids, write, table=table)
            return
        with inputs.open_rows(texts, input_file, file_format, column) as reader:
            if count:
                _count(tokenizer, _texts(reader), pair, write, table=table)
                return
            for text in _texts(reader):
                _show_text(tokenizer, text, pair, truncate, write, table=table)


class _Writer:
    """Where records go: standard output, or a file of JSON lines."""

    def __init__(self, file: IO[bytes] | None) -> None:
        self._file = file

    def __call__(self, record: dict[str, Any]) -> None:
        if self._file is None:
            output.print_json(record)
        else:
            self._file.write(output.json_line(record).encode() + b"\n")


@contextmanager
def _open_writer(path: Path | None) -> Iterator[_Writer]:
    if path is None:
        yield _Writer(None)
        return
    with atomic_output(path) as file:
        yield _Writer(file)


def _load(source: str, max_length: int | None) -> "Tokenizer":
    from bertie.sources import resolve
    from bertie.tokenize import Tokenizer

    with ProgressBar("B") as bar:
        directory = resolve(source, progress=bar.update)
    return Tokenizer.load(directory, max_length=max_length)


def _texts(reader: inputs.RowReader) -> Iterator[str]:
    for row in reader.rows:
        yield row.fields[reader.column]


def _show_text(
    tokenizer: "Tokenizer",
    text: str,
    pair: str | None,
    truncate: "Truncate",
    write: _Writer,
    *,
    table: bool,
) -> None:
    """Print the tokens of one text, or of a text and its pair."""
    encoding = tokenizer.encode(text, pair, truncate=truncate)
    if table:
        cells = [
            (token, str(id), str(start), str(end))
            for token, id, (start, end) in zip(
                encoding.tokens, encoding.ids, encoding.offsets, strict=True
            )
        ]
        output.print_columns(("token", "id", "start", "end"), cells, right=("id", "start", "end"))
        if encoding.truncated:
            click.echo(f"and {encoding.truncated} tokens more, left out")
        return
    write(
        {
            "text": text,
            **({} if pair is None else {"pair": pair, "type_ids": encoding.type_ids}),
            "tokens": list(encoding.tokens),
            "ids": list(encoding.ids),
            "offsets": [list(offset) for offset in encoding.offsets],
            "truncated": encoding.truncated,
        }
    )


def _show_ids(tokenizer: "Tokenizer", ids: list[int], write: _Writer, *, table: bool) -> None:
    """Print the tokens that ids stand for."""
    tokens = [tokenizer.token_of(id) for id in ids]
    if table:
        output.print_columns(
            ("token", "id"),
            [(token, str(id)) for token, id in zip(tokens, ids, strict=True)],
            right=("id",),
        )
    else:
        write({"ids": ids, "tokens": tokens, "text": tokenizer.decode(ids)})


def _count(
    tokenizer: "Tokenizer", texts: Iterator[str], pair: str | None, write: _Writer, *, table: bool
) -> None:
    """Print the number of tokens of each text, special ones included, then the histogram."""
    histogram = Histogram()
    for text in texts:
        packed = tokenizer.encode_batch([text], None if pair is None else [pair], threads=1)
        length = int(packed.lengths[0] + packed.truncated[0])
        histogram.add(length)
        if table:
            click.echo(f"{length:6}  {' '.join(text.split())[:80]}")
        else:
            write({"text": text, "count": length})
    if table:
        click.echo()
        header = ("tokens", "texts", "fit", "")
        output.print_columns(header, list(histogram.lines()), right=("tokens", "texts", "fit"))
        click.echo(
            f"{histogram.texts} texts, {histogram.tokens} tokens, the longest {histogram.longest}"
        )
    else:
        write(histogram.to_dict())


def _train(texts: Iterator[str], size: int, cased: bool, path: Path | None) -> None:
    """Learn a vocabulary and print it, a token a line."""
    from bertie.tokenize import train

    vocab = train(texts, size=size, lower=not cased)
    lines = "".join(f"{token}\n" for token in vocab)
    if path is None:
        click.echo(lines, nl=False)
        return
    with atomic_output(path) as file:
        file.write(lines.encode())
    click.echo(f"{path}: {len(vocab)} tokens", err=True)
