"""What a model is, and where each of its settings came from."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bertie.checkpoint.config import Setting


@dataclass(frozen=True)
class ModelInfo:
    """A loaded model, described.

    Attributes:
        source: what the caller named.
        directory: where its files lie.
        task: what it does.
        dimensions: floats in one vector; None where the task gives none.
        parameters: numbers in the tensors that are used.
        precision: what the encoder computes in.
        isa: the instruction set of its kernels.
        threads: the most cores that one call uses.
        settings: every setting by name, with its origin.
        modules: what pooled vectors pass through, in words.
        unused: tensors in the files that this task doesn't use, by the files' names.
        notes: what is worth knowing, such as files that disagree.
    """

    source: str
    directory: str
    task: str
    dimensions: int | None
    parameters: int
    precision: str
    isa: str
    threads: int
    settings: Mapping[str, Setting]
    modules: tuple[str, ...]
    unused: tuple[str, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON knows it: a setting is an object of value and origin."""
        return asdict(self)
