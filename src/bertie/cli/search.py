"""bertie search"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from bertie.cli import index_argument, options, output
from bertie.cli.option_groups import is_given
from bertie.cli.progress import ProgressBar

# bertie.search.index', here because importing it takes numpy
MODES = ("vector", "text", "hybrid")
_INDEX_OPTIONS = ("mode", "where", "rerank", "exact")
# Columns found, each with its score; what finds them for a query.
Hits = list[tuple[float, dict[str, Any], Mapping[str, Any]]]
Search = Callable[[str], Hits]


@options.command("search")
@click.argument("source_of_rows", metavar="FILE_OR_INDEX", type=click.Path(path_type=Path))
@click.argument("query", required=False)
@click.option(
    "-k",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How many rows to show.",
)
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="vector",
    show_default=True,
    help="Compare meanings, words, or fuse both; for an index.",
)
@click.option(
    "--where",
    metavar="SQL",
    help="What else must hold, such as \"year >= 1990 and lang = 'en'\"; for an index.",
)
@click.option(
    "--rerank",
    metavar="SOURCE",
    help="A cross-encoder that reads the best hundred again; for an index.",
)
@click.option("--exact", is_flag=True, help="Compare with every row of an index.")
@options.column
@options.file_format
@options.model
@options.precision
@options.calibration
@options.max_length
@options.threads
@options.show_as
def command(
    source_of_rows: Path, query: str | None, k: int, show_as: str | None, **chosen: Any
) -> None:
    """Find the rows that mean what a query means, in a file or in an index.

    A file is CSV, TSV, JSONL or plain text; its vectors are kept in the cache, so that the second
    search is instant. bertie index makes indexes, which are searched by words too. Without a QUERY
    it asks for one after another on a terminal, and takes one a line from standard input
    elsewhere.
    """
    search = (_index_search if source_of_rows.is_dir() else _file_search)(source_of_rows, k, chosen)
    for one in [query] if query is not None else _queries():
        _show(search(one), one, table=output.as_table(show_as))


def _index_search(directory: Path, k: int, chosen: dict[str, Any]) -> Search:
    """Search in an index."""
    index = index_argument.open_index(directory, chosen)
    choices = {name: chosen[name] for name in _INDEX_OPTIONS}
    if choices["rerank"] is not None:
        from bertie.cli.model import load_model

        choices["rerank"] = load_model(choices["rerank"], "rank", threads=chosen["threads"])

    def search(query: str) -> Hits:
        return [
            (match.score, {"key": match.key}, match.fields)
            for match in index.search(query, k, **choices)
        ]

    return search


def _file_search(file: Path, k: int, chosen: dict[str, Any]) -> Search:
    """Search in a file, whose vectors are kept."""
    from bertie.cli.model import load_model
    from bertie.search import Corpus
    from bertie.tables import read

    for name in _INDEX_OPTIONS:
        if is_given(name):
            raise click.UsageError(
                f"--{name} needs an index, but {file} is none: make one with bertie index"
            )
    column = chosen["column"]
    rows = list(read(file, column=column, format=chosen["file_format"]))
    model = load_model(
        chosen["source"],
        "embed",
        **{name: chosen[name] for name in ("precision", "calibration", "threads", "max_length")},
    )
    with ProgressBar("texts") as bar:
        corpus = Corpus(
            rows,
            column=column,
            model=model,
            progress=lambda done, total: bar.update("embedding", done, total),
        )
    return lambda query: [
        (hit.score, {"row": hit.row.number}, hit.row.fields) for hit in corpus.search(query, k)
    ]


def _queries() -> Iterator[str]:
    """Queries from whoever is there: a person at a prompt, or lines in a pipe."""
    if not sys.stdin.isatty():
        from bertie.tables import Table

        table = Table(sys.stdin.buffer, name="standard input", format="lines", column="query")
        yield from (row.fields["query"] for row in table)
        return
    # input() edits lines and remembers them once this is imported; Windows' terminal does both.
    with suppress(ImportError):
        import readline  # noqa: F401

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


def _show(hits: Hits, query: str, *, table: bool) -> None:
    """Print the best rows for one query."""
    if table:
        columns = list(dict.fromkeys(name for _, _, fields in hits for name in fields))
        output.print_hits(
            ("score", *columns),
            [
                (f"{score:.3f}", *(_shown(fields.get(name)) for name in columns))
                for score, _, fields in hits
            ],
        )
        return
    for rank, (score, row_id, fields) in enumerate(hits, start=1):
        output.print_json(
            {
                "query": query,
                "rank": rank,
                "score": round(score, 6),
                **row_id,
                "fields": dict(fields),
            }
        )


def _shown(value: Any) -> str:
    """A field for a person."""
    return "" if value is None else str(value)
