"""Run BERT-family encoders in production.

The names below are resolved on first use, so that `import bertie` loads neither numpy nor the core.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bertie.config import EncoderConfig, Setting
    from bertie.errors import (
        BertieError,
        CheckpointError,
        ExtraMissing,
        InputError,
        SourceError,
        TaskError,
        TokenizerError,
        TruncationWarning,
    )

__all__ = [
    "BertieError",
    "CheckpointError",
    "EncoderConfig",
    "ExtraMissing",
    "InputError",
    "Setting",
    "SourceError",
    "TaskError",
    "TokenizerError",
    "TruncationWarning",
]

# Where each public name lives.
_HOMES = {
    "bertie.config": ("EncoderConfig", "Setting"),
    "bertie.errors": (
        "BertieError",
        "CheckpointError",
        "ExtraMissing",
        "InputError",
        "SourceError",
        "TaskError",
        "TokenizerError",
        "TruncationWarning",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its home, or find the installed version."""
    if name == "__version__":
        from importlib.metadata import version

        value = version("bertie")
    elif name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
    else:
        raise AttributeError(f"module 'bertie' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names as well as those loaded already."""
    return sorted({*globals(), *__all__, "__version__"})
