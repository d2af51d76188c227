"""Writing a bundle: the one directory that a model runs from."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bertie.checkpoint.bundle import FORMAT
from bertie.engine.encoder import Recipe
from bertie.errors import CheckpointError, InputError
from bertie.export.config_files import VOCAB, copied_files, encoder_folder, write_config_files
from bertie.export.pack import pack as pack_bundle
from bertie.export.safetensors import write_safetensors
from bertie.export.staging import check_destination, staging_directory
from bertie.export.weights import stored_parts, tensor_hashes
from bertie.loading.build import encoder_recipe
from bertie.loading.fingerprint import model_fingerprint
from bertie.loading.settle import AUTO
from bertie.loading.spec import ModelSpec, specify
from bertie.opened import Given
from bertie.sources.bundles import NAME, encode_content
from bertie.sources.local import SUFFIX
from bertie.sources.manifest import Manifest, sha256
from bertie.sources.progress import Progress, silent
from bertie.system.disk import put_in_place
from bertie.tokenize import wordpiece_file
from bertie.tokenize.definition import Definition
from bertie.verify import compare, limits_for, observe, verification_texts


@dataclass(frozen=True)
class Exported:
    """What an export made.

    Attributes:
        path: the bundle: a directory, or a file if it is packed.
        task: what it is for.
        precision: what it computes in.
        fingerprint: of its model, which is the source's.
        bytes: what its files take.
    """

    path: Path
    task: str
    precision: str
    fingerprint: str
    bytes: int


def write_bundle(
    source: str | Path,
    destination: str | Path,
    *,
    task: str | None = None,
    precision: str = AUTO,
    calibration: str | Path | Sequence[str] | None = None,
    given: Given | None = None,
    pack: bool = False,
    force: bool = False,
    min_cosine: float | None = None,
    progress: Progress = silent,
) -> Exported:
    """Write everything that running a model takes into one directory, or one file.

    A bundle gives what its source gives in that precision, to the last bit. How true that is to
    float32 is measured and becomes part of the bundle; one that isn't near enough isn't made. It is
    written beside its destination and
    renamed when it is whole: whatever interrupts an export, nothing stands under its name before.

    Args:
        source, task, precision, calibration: as for bertie.load.
        destination: the directory to make; with pack a file whose name ends in .bertie.
        given: what to say instead of the checkpoint; it becomes part of the bundle.
        pack: whether to make one file.
        force: whether to replace an export that is there.
        min_cosine: the least cosine that any text may have with float32; None takes what
            docs/verify.md says of the precision.
        progress: called with what is being done, the bytes done, and those in all.
    Raises: InputError: the destination exists, or can't be written, or an option can't be.
    Raises: SourceError, CheckpointError, TokenizerError, TaskError: as bertie.load.
    Raises: CheckpointError: the precision isn't near enough to float32.
    """
    destination = Path(destination)
    if pack != (destination.suffix == SUFFIX):
        raise InputError(
            f"{destination}: a packed bundle, and nothing else, has a name that ends in {SUFFIX}:"
            " give pack (--pack) with such a name"
        )
    check_destination(destination, file=pack, force=force)
    spec = specify(
        source, given or Given(), task=task, precision=precision, calibration=calibration
    )
    recipe = encoder_recipe(spec)
    with staging_directory(destination) as stage:
        bundle = stage / "bundle"
        bundle.mkdir()
        content = _write(source, spec, recipe, bundle, progress)
        if spec.settled.precision.value != "float32" and spec.opened.bundle is None:
            content["verify"] = _verified(source, spec, calibration, bundle, min_cosine)
            (bundle / NAME).write_bytes(encode_content(content))
        made = bundle
        if pack:
            made = stage / "packed"
            pack_bundle(bundle, made)
        put_in_place(made, destination, stage / "replaced")
    size = sum(file["bytes"] for file in content["files"].values())
    return Exported(
        destination, content["task"], content["precision"], content["fingerprint"], size
    )


def _write(
    source: str | Path, spec: ModelSpec, recipe: Recipe, bundle: Path, progress: Progress
) -> dict[str, Any]:
    """Write a bundle's files, bertie.json last. Returns: what that says."""
    opened, settled = spec.opened, spec.settled
    write_config_files(opened, bundle)
    definition = opened.tokenizer.definition
    if isinstance(definition, Definition):
        wordpiece_file.write(definition, bundle / encoder_folder(opened))
    weights = bundle / encoder_folder(opened) / "model.safetensors"
    write_safetensors(weights, stored_parts(opened, recipe), progress)
    content: dict[str, Any] = {
        "format": FORMAT,
        "bertie": _version(),
        "task": settled.task.name,
        "precision": settled.precision.value,
        "fingerprint": model_fingerprint(spec),
        "options": _options(spec),
    }
    if spec.quantization is not None and spec.calibration is not None:
        content["int8"] = {
            "recipe": spec.quantization["recipe"],
            "calibration": asdict(spec.calibration),
        }
    files = Manifest.of(bundle, source=str(source), origin="", progress=progress).files
    content["provenance"] = _provenance(source, spec)
    content["files"] = {name: asdict(file) for name, file in files.items()}
    content["tensors"] = tensor_hashes(opened)
    (bundle / NAME).write_bytes(encode_content(content))
    return content


def _verified(
    source: str | Path,
    spec: ModelSpec,
    calibration: str | Path | Sequence[str] | None,
    bundle: Path,
    min_cosine: float | None,
) -> dict[str, Any]:
    """Compare a bundle with its source in float32, one after the other.

    Returns: the report.
    Raises: CheckpointError: they aren't near enough.
    """
    found = verification_texts(calibration)
    original = observe(source, found.texts, precision="float32", given=spec.opened.given)
    made = observe(bundle, found.texts)
    made = replace(made, about={**made.about, "source": "this bundle"})
    limits = limits_for(original, made).given(min_cosine, None)
    report = compare(original, made, found.texts, found.origin, limits)
    if not report.passed:
        raise CheckpointError(
            f"{source} in {made.precision} is not near enough to float32: "
            f"{'; '.join(report.faults)}; nothing is exported. Take a higher precision, for int8"
            " give texts like those to be read as calibration, or lower the bar by --min-cosine"
        )
    return report.to_dict()


def _options(spec: ModelSpec) -> dict[str, Any]:
    """Say what must be given again when the bundle is read; a config is its config.json then."""
    options = spec.opened.given.stated()
    options.pop("config", None)
    if "vocab" in options:
        options["vocab"] = (encoder_folder(spec.opened) / VOCAB).as_posix()
    return {name: getattr(value, "tolist", lambda v=value: v)() for name, value in options.items()}


def _provenance(source: str | Path, spec: ModelSpec) -> dict[str, Any]:
    """Say what the bundle was made of, and when."""
    opened = spec.opened
    known = Manifest.read(opened.directory)
    paths = [*opened.checkpoint.files, *opened.layout.files]
    paths += [opened.directory / name for name in copied_files(opened)]
    provenance: dict[str, Any] = {
        "source": str(source),
        "exported": _now(),
        "settings": {name: asdict(setting) for name, setting in spec.settings.items()},
        "files": {
            name: known.files[name].sha256 if known and name in known.files else sha256(path)
            for name, path in _named(opened.directory, paths).items()
        },
    }
    if known is not None:
        provenance["origin"] = known.origin
    if opened.bundle is not None:
        provenance["before"] = opened.bundle.provenance
    return provenance


def _named(directory: Path, paths: Sequence[Path]) -> Mapping[str, Path]:
    """Name files by where they lie in their directory, in order."""
    return {path.relative_to(directory).as_posix(): path for path in sorted(paths)}


def _now() -> str:
    """The time in UTC, or what SOURCE_DATE_EPOCH says for builds that must come out the same."""
    stated = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(stated), UTC) if stated.isdecimal() else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _version() -> str:
    """The version that writes."""
    try:
        return version("bertie")
    except PackageNotFoundError:
        return "unknown, run from its sources without being installed"
