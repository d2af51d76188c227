"""bertie verify"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bertie.cli import options, output
from bertie.cli.progress import ProgressBar

if TYPE_CHECKING:
    from bertie.verify import Report


@options.command("verify")
@click.argument("source")
@click.argument("other", required=False)
@options.precision
@click.option(
    "--other-precision",
    type=click.Choice(options.PRECISIONS),
    help="What OTHER computes in.  [default: float32, or a bundle's own]",
)
@options.calibration
@options.settings
@click.option(
    "--texts",
    "texts_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Texts to compare with, one a line.  [default: Bertie's own]",
)
@click.option(
    "--reference",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Compare with vectors of those texts in a .npy file, a row for each.",
)
@click.option("--transformers", is_flag=True, help="Compare with transformers, if installed.")
@click.option("--min-cosine", type=float, help="The least cosine that any text may have.")
@click.option("--max-abs", type=float, help="The most by which last hidden states may differ.")
@click.option("--check", "only_check", is_flag=True, help="Check every file's SHA-256, no more.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as --as jsonl does.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the report as a page with plots, too.",
)
@options.show_as
@click.pass_context
def command(
    context: click.Context,
    source: str,
    other: str | None,
    precision: str,
    other_precision: str | None,
    calibration: Path | None,
    settings: dict[str, Any],
    texts_file: Path | None,
    reference: Path | None,
    transformers: bool,
    min_cosine: float | None,
    max_abs: float | None,
    only_check: bool,
    as_json: bool,
    html: Path | None,
    show_as: str | None,
) -> None:
    """Compare two ways to run a model, and say how near they are.

    SOURCE, in the precision asked for, is compared with OTHER (a checkpoint with its bundle, say),
    with stored vectors, with transformers, or else with itself in float32: token ids, hidden states
    of every layer, vectors, rankings and heads. Exit code 1 if a limit isn't kept: --min-cosine and
    --max-abs, or else what docs/verify.md says of the precision. Bundles have every file's SHA-256
    checked first.
    """
    if sum((other is not None, reference is not None, transformers)) > 1:
        raise click.UsageError("give one of OTHER, --reference and --transformers")
    from bertie.sources import check, is_bundle, resolve

    with ProgressBar("B") as bar:
        for name in filter(None, (source, other)):
            directory = resolve(name, progress=bar.update)
            if only_check or is_bundle(directory):
                check(name, progress=bar.update)
    if only_check:
        click.echo(f"{source}: every file is what it was", err=True)
        return
    from bertie import verify
    from bertie.opened import Given

    texts = verify.verification_texts(texts_file)
    given = Given(**settings)
    model: dict[str, Any] = {"calibration": calibration, "given": given}
    if reference is not None:
        model["prompt"] = None
    one = verify.observe(source, texts.texts, precision=precision, **model)
    if reference is not None:
        two = verify.observe_vectors(reference, len(texts.texts))
    elif transformers:
        two = verify.observe_transformers(source, texts.texts, given)
    else:
        chosen = other_precision or _others_precision(source, other)
        two = verify.observe(other or source, texts.texts, precision=chosen, given=given)
    limits = verify.limits_for(one, two).given(min_cosine, max_abs)
    report = verify.compare(one, two, texts.texts, texts.origin, limits)
    if html is not None:
        from bertie.cli.atomic_output import atomic_output
        from bertie.verify.page import html_page

        with atomic_output(html) as file:
            file.write(html_page(report).encode())
    if as_json or not output.as_table(show_as):
        output.print_json(report.to_dict())
    else:
        _print(report)
    context.exit(0 if report.passed else 1)


def _others_precision(source: str, other: str | None) -> str:
    """Choose float32 for what the source is compared with, or a bundle's own precision."""
    from bertie.checkpoint.bundle import Bundle
    from bertie.sources import resolve

    bundle = Bundle.read(resolve(other or source))
    if bundle is None or (other is None and bundle.precision == "float32"):
        return "float32"
    if other is None:
        raise click.UsageError(
            f"{source} has its weights in {bundle.precision} only, so it can't be compared with"
            " itself in float32: name what it was made of as OTHER"
        )
    return bundle.precision


def _print(report: "Report") -> None:
    """Print a report for a person."""
    from bertie.verify.page import summary

    for side in report.sides:
        click.echo(", ".join(str(value) for value in side.values()))
    output.print_columns(("", ""), summary(report), right=())
    if report.layers:
        click.echo()
        rows = [
            ("embeddings" if n == 0 else f"layer {n}", f"{value:.2e}")
            for n, value in enumerate(report.layers)
        ]
        output.print_columns(("hidden states", "differ by"), rows, right=("differ by",))
    click.echo()
    for fault in report.faults:
        click.echo(f"failed: {fault}")
    if report.passed:
        click.echo("passed")
