"""The modules that have moved, by the names that they had: for one release they still import.

What was pickled before has those names, too.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from warnings import warn

MOVED = {
    f"bertie.{name}": f"bertie.{wing}.{name}"
    for wing, names in {
        "checkpoint": ("architectures", "config"),
        "engine": (
            "batching",
            "calibration",
            "encoder",
            "heads",
            "pooling",
            "quantize",
            "reference",
            "similarity",
        ),
        "loading": ("doctor", "fingerprint", "load"),
    }.items()
    for name in names
} | {
    "bertie.jobs.engine": "bertie.jobs.model",
    "bertie.opening": "bertie.opened",
    "bertie.settled": "bertie.loading.settle",
}


class Forwarder:
    """Finds a module by its old name, after everybody else has not."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Say that this knows a module that has moved."""
        return ModuleSpec(name, self) if name in MOVED else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to importlib to make a module that is thrown away at once."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Put the module where it is now in the place of the one by the old name."""
        old, new = module.__name__, MOVED[module.__name__]
        warn(
            f"{old} is {new} now; the next release no longer knows the old name",
            DeprecationWarning,
            stacklevel=2,
        )
        sys.modules[old] = import_module(new)
