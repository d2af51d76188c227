"""bertie tokenize"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bertie.cli import inputs, options, output
from bertie.cli.progress import Bar

if TYPE_CHECKING:
    from bertie.tokenize import Tokenizer
    from bertie.tokenize.tokenizer import Truncate


def _read_ids(_: click.Context, __: click.Parameter, value: str | None) -> list[int] | None:
    """Whole numbers with commas or spaces between them."""
    if value is None:
        return None
    try:
        return [int(part) for part in value.replace(",", " ").split()]
    except ValueError:
        raise click.BadParameter(
            f"{value!r}, expected whole numbers with commas between, such as 101,7592"
        ) from None


@options.command("tokenize")
@click.argument("texts", nargs=-1)
@click.option(
    "--ids",
    callback=_read_ids,
    metavar="ID,ID,…",
    help="Look up tokens by their ids instead.",
)
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
    positions in the text, in characters. The other way: bertie tokenize --ids 101,7592
    """
    if ids is not None and (texts or input_file):
        raise click.UsageError("give texts or --ids, not both")
    from bertie.sources import resolve
    from bertie.tokenize import Tokenizer

    with Bar("B") as bar:
        directory = resolve(source, progress=bar.update)
    tokenizer = Tokenizer.load(directory, max_length=max_length)
    if ids is not None:
        _show_ids(tokenizer, ids, table=output.as_table(show_as))
        return
    with inputs.rows(texts, input_file, file_format, column) as given:
        for row in given.rows:
            text = row.fields[given.column]
            _show_text(tokenizer, text, truncate, table=output.as_table(show_as))


def _show_text(tokenizer: "Tokenizer", text: str, truncate: "Truncate", *, table: bool) -> None:
    """Print the tokens of one text."""
    encoding = tokenizer.encode(text, truncate=truncate)
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
    output.print_json(
        {
            "text": text,
            "tokens": list(encoding.tokens),
            "ids": list(encoding.ids),
            "offsets": [list(offset) for offset in encoding.offsets],
            "truncated": encoding.truncated,
        }
    )


def _show_ids(tokenizer: "Tokenizer", ids: list[int], *, table: bool) -> None:
    """Print the tokens that ids stand for."""
    tokens = [tokenizer.token_of(id) for id in ids]
    if table:
        output.print_columns(
            ("token", "id"),
            [(token, str(id)) for token, id in zip(tokens, ids, strict=True)],
            right=("id",),
        )
    else:
        output.print_json({"ids": ids, "tokens": tokens, "text": tokenizer.decode(ids)})
