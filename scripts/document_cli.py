"""Write docs/cli.md from what the commands say of themselves.

Run it after a change to the command line: python scripts/document_cli.py
"""

from pathlib import Path

import click

from bertie.cli.main import group

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"
INTRODUCTION = """\
# The command line

Written by `scripts/document_cli.py` from the commands' own help; `bertie COMMAND --help` says the
same. Exit codes: 0 done, 1 the work failed (one line on standard error says why), 2 wrong usage,
130 interrupted, 141 nobody reads the output any more.
"""


def page() -> str:
    """The whole page."""
    context = click.Context(group, info_name="bertie")
    parts = [INTRODUCTION, _command(group, "bertie")]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        parts.append(_command(command, f"bertie {name}"))
    return "\n".join(parts)


def _command(command: click.Command, name: str) -> str:
    """A section: the usage, what it does, its options."""
    if not command.help:
        raise SystemExit(f"{name} has no help; give its function a docstring")
    arguments = [
        _argument(parameter)
        for parameter in command.params
        if isinstance(parameter, click.Argument)
    ]
    usage = " ".join([name, "[OPTIONS]", *arguments, *(["COMMAND"] if command is group else [])])
    lines = [f"## {name}", "", "```", usage, "```", "", _paragraphs(command.help), ""]
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            lines.append(_option(parameter, name))
    return "\n".join(lines) + "\n"


def _argument(argument: click.Argument) -> str:
    name = argument.human_readable_name.upper()
    if argument.nargs == -1:
        return f"[{name}]..."
    return name if argument.required else f"[{name}]"


def _option(option: click.Option, command: str) -> str:
    """One line: how it is written, what it does, and what holds without it."""
    if not option.help:
        raise SystemExit(f"{command} {option.opts[-1]} has no help; give it some")
    value = ""
    if isinstance(option.type, click.Choice):
        value = " " + "|".join(map(str, option.type.choices))
    elif not option.is_flag:
        value = " " + (option.metavar or option.type.name.split(" ")[0].upper())
    default = f" [default: {option.default}]" if option.show_default else ""
    return f"- `{', '.join(option.opts)}{value}`: {' '.join(option.help.split())}{default}"


def _paragraphs(text: str) -> str:
    """A docstring's paragraphs, each on a line."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
