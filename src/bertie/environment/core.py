"""The compiled core: how it was built, and what it computes with here."""

from dataclasses import dataclass

from bertie.checkpoint.config import Setting


@dataclass(frozen=True)
class Core:
    """How the core was built, and what of it this CPU can run.

    Attributes:
        compiler: its name and version.
        built_isas: the instruction sets that it was built for, the fastest first.
        found_isas: those of them that this CPU has.
    """

    compiler: str
    built_isas: tuple[str, ...]
    found_isas: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """What a model that is loaded here computes with.

    Attributes:
        isa: the instruction set: the fastest, or the one that BERTIE_ISA names.
        auto: what precision="auto" means, and why.
    """

    isa: str
    auto: Setting


def core() -> Core:
    """Ask the core how it was built.

    Raises: ImportError: it can't be imported.
    """
    from bertie import _core  # here, as below, because it may be broken

    return Core(_core.compiler(), tuple(_core.built_isas()), tuple(_core.available_isas()))


def choice() -> Choice:
    """Find out what a model would compute with, without one.

    Raises: ImportError: the core or NumPy can't be imported.
    Raises: InputError: BERTIE_ISA names an instruction set that can't run here.
    """
    import numpy as np

    from bertie import _core
    from bertie.engine.encoder import auto_precision, selected_isa

    _core.Linear(np.zeros((1, 1), np.float32))  # so that the core itself refuses what it can't run
    return Choice(selected_isa(), auto_precision())
