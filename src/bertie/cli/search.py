"""bertie search"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bertie.cli import options, output
from bertie.cli.progress import Bar

if TYPE_CHECKING:
    from bertie.search import Corpus, Hit


@options.command("search")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("query", required=False)
@click.option(
    "-k",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How many rows to show.",
)
@options.column
@options.file_format
@options.model
@options.precision
@options.calibration
@options.max_length
@options.threads
@options.show_as
def command(
    file: Path,
    query: str | None,
    k: int,
    column: str,
    file_format: str | None,
    source: str,
    precision: str,
    calibration: Path | None,
    max_length: int | None,
    threads: int | None,
    show_as: str | None,
) -> None:
    """Find the rows of a file that mean what a query means.

    FILE is a CSV, TSV, JSONL or plain text file. Without a QUERY it asks for one after another on
    a terminal, and takes one a line from standard input elsewhere. The file's vectors are kept in
    the cache, so that the second search is instant.
    """
    from bertie.cli.model import load_model
    from bertie.search import Corpus
    from bertie.tables import read

    rows = list(read(file, column=column, format=file_format))
    model = load_model(
        source,
        "embed",
        precision=precision,
        calibration=calibration,
        threads=threads,
        max_length=max_length,
    )
    with Bar("texts") as bar:
        corpus = Corpus(
            rows,
            column=column,
            model=model,
            progress=lambda done, total: bar.update("embedding", done, total),
        )
    for asked in [query] if query is not None else _queries():
        _show(corpus, asked, k, table=output.as_table(show_as))


def _queries() -> Iterator[str]:
    """Queries from whoever is there: a person at a prompt, or lines in a pipe."""
    if not sys.stdin.isatty():
        from bertie.tables import Table

        table = Table(sys.stdin.buffer, name="standard input", format="lines", column="query")
        yield from (row.fields["query"] for row in table)
        return
    import readline  # noqa: F401  input() edits lines and remembers them once this is imported

    click.echo("Ask something; an empty line or Ctrl-D ends.", err=True)
    while True:
        try:
            query = input("? ").strip()
        except EOFError:
            click.echo(err=True)
            return
        if not query:
            return
        yield query


def _show(corpus: "Corpus", query: str, k: int, *, table: bool) -> None:
    """Print the best rows for one query."""
    hits = corpus.search(query, k)
    if table:
        columns = _columns(hits)
        output.print_hits(
            ("score", *columns),
            [
                (f"{hit.score:.3f}", *(str(hit.row.fields.get(name, "")) for name in columns))
                for hit in hits
            ],
        )
        return
    for rank, hit in enumerate(hits, start=1):
        output.print_json(
            {
                "query": query,
                "rank": rank,
                "score": round(hit.score, 6),
                "row": hit.row.number,
                "fields": dict(hit.row.fields),
            }
        )


def _columns(hits: "list[Hit]") -> list[str]:
    """The columns that the rows found have, in order."""
    return list(dict.fromkeys(name for hit in hits for name in hit.row.fields))
