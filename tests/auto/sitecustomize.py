"""Give `auto` another meaning on an instruction set: what `pytest --auto` uses where it must.

Python imports a module of this name as it starts, so with this directory on PYTHONPATH the child
processes of the tests have the meaning, too.
"""

import importlib.machinery
import os
import sys
from types import ModuleType
from typing import Any

# What to change: an instruction set, and what `auto` is to mean on it, as in "avx2=bfloat16". The
# name doesn't begin as Bertie's own variables do, which some tests take out of the environment.
VARIABLE = "TESTED_AUTO"


def change_auto(encoder: ModuleType) -> None:
    """Change the meaning in the module bertie.engine.encoder."""
    isa, precision = os.environ[VARIABLE].split("=")
    real, meant = encoder.bfloat16_speed, "faster" if precision == "bfloat16" else "slower"
    encoder.bfloat16_speed = lambda other: meant if other == isa else real(other)


class Finder:
    """Finds bertie.engine.encoder, and changes it once it has been run."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Find what the import system asks for, or None for any other module."""
        if name != "bertie.engine.encoder":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        run = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            change_auto(module)

        spec.loader.exec_module = exec_module
        return spec


# Not at once: some tests look at what a process imports, and when.
if VARIABLE in os.environ:
    sys.meta_path.insert(0, Finder())
