"""A bundle's manifest, bertie.json: what its exporter settled, and what its files once were.

Everything else in a bundle lies as Hugging Face and sentence-transformers lay it out, so that a
bundle is read as any checkpoint is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.config import Setting
from bertie.checkpoint.files import resolve_inside
from bertie.errors import CheckpointError
from bertie.sources.bundles import NAME, is_bundle, read_content

# Goes up when an older Bertie would read a bundle wrongly.
FORMAT = 1
# How the tensors beside a quantized weight, and beside a product's weights, are called.
SCALE, SMOOTHING = "_scale", ".smoothing"


@dataclass(frozen=True, eq=False)
class Bundle:
    """What a bertie.json says.

    Attributes:
        directory: the bundle's.
        bertie: the version that wrote it.
        task: what it was exported for.
        precision: what its weights are stored for; those of float32 serve every precision.
        fingerprint: of the model that was exported.
        options: what its exporter said instead of the checkpoint, as bertie.load takes it.
        recipe: how its int8 weights came about, or "".
        calibration: what they were calibrated with, or None.
        hashes: of every tensor as it was in float32, by canonical name.
        provenance: what it was made of, and when.
        report: how true it is to its source in float32, where that was measured.
    """

    directory: Path
    bertie: str
    task: str
    precision: str
    fingerprint: str
    options: Mapping[str, Any]
    recipe: str
    calibration: Setting | None
    hashes: Mapping[str, str]
    provenance: Mapping[str, Any]
    report: Mapping[str, Any] | None

    @classmethod
    def read(cls, directory: Path) -> "Bundle | None":
        """Read a directory's bertie.json; None if it has none.

        Raises: CheckpointError: it is damaged, or of a newer format.
        """
        if not is_bundle(directory):
            return None
        content = read_content(directory)
        version, written_by = content.get("format"), content.get("bertie")
        if type(version) is not int or not 1 <= version <= FORMAT:
            raise CheckpointError(
                f"{NAME} has format {shown(version)}, written by Bertie {shown(written_by)}, but"
                f" this version reads formats up to {FORMAT}: install Bertie {shown(written_by)}"
                " or later, or export the model again with this version"
            )
        quantized = _field(content, "int8", dict, {})
        calibrated = _field(quantized, "calibration", dict, {})
        options = dict(_field(content, "options", dict))
        if "vocab" in options:
            options["vocab"] = resolve_inside(directory, options["vocab"], NAME)
        return cls(
            directory=directory,
            bertie=_field(content, "bertie", str),
            task=_field(content, "task", str),
            precision=_field(content, "precision", str),
            fingerprint=_field(content, "fingerprint", str),
            options=options,
            recipe=_field(quantized, "recipe", str, ""),
            calibration=(
                Setting(calibrated.get("value"), str(calibrated.get("origin")))
                if calibrated
                else None
            ),
            hashes=_field(content, "tensors", dict),
            provenance=_field(content, "provenance", dict),
            report=content.get("verify"),
        )

    @property
    def quantized(self) -> bool:
        """Whether the weights of its products are bytes."""
        return self.precision == "int8"

    def origin(self, name: str) -> str:
        """Say where a setting comes from that this file holds."""
        return f"{NAME}: {name}"


def _field(content: Mapping[str, Any], name: str, kind: type, default: Any = None) -> Any:
    """Take one field, of the type that it must have."""
    value = content.get(name, default)
    if type(value) is not kind:
        raise CheckpointError(f"{NAME}: {name} is {shown(value)}, expected a {kind.__name__}")
    return value
