"""bertie info"""

from pathlib import Path

from bertie.cli import options, output


@options.command("info")
@options.source
@options.precision
@options.calibration
@options.max_length
@options.show_as
def command(
    source: str,
    precision: str,
    calibration: Path | None,
    max_length: int | None,
    show_as: str | None,
) -> None:
    """Say what a model is, and where each of its settings comes from.

    SOURCE is a directory, a hub id, pypi:package or an alias; without it, the default model.
    """
    from bertie.cli.model import load_model

    model = load_model(
        source, None, precision=precision, calibration=calibration, max_length=max_length
    )
    info = model.info().to_dict()
    if output.as_table(show_as):
        output.print_record(info)
    else:
        output.print_json(info)
