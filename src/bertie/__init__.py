"""Run BERT-family encoders in production.

The names below are resolved on first use, so that `import bertie` loads neither numpy nor the core.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from bertie.checkpoint.config import EncoderConfig, Setting
    from bertie.client import AsyncClient, Client
    from bertie.errors import (
        BertieError,
        CalibrationWarning,
        CheckpointError,
        ExtraMissing,
        InputError,
        KernelWarning,
        SourceError,
        TaskError,
        TokenizerError,
        TruncationWarning,
    )
    from bertie.loading.load import load
    from bertie.tasks.answer import Answer, Reader
    from bertie.tasks.classify import Classifier, Label
    from bertie.tasks.embed import Embedder
    from bertie.tasks.fill import Filler, Filling, Likelihood
    from bertie.tasks.info import ModelInfo
    from bertie.tasks.model import Model
    from bertie.tasks.multivector import MultiVectorEmbedder
    from bertie.tasks.next_sentence import PairModel
    from bertie.tasks.rank import Ranked, Reranker
    from bertie.tasks.sparse import SparseEmbedder, SparseVector
    from bertie.tasks.tag import Span, Tagger
    from bertie.tasks.zero_shot import ZeroShotClassifier

__all__ = [
    "Answer",
    "AsyncClient",
    "BertieError",
    "CalibrationWarning",
    "CheckpointError",
    "Classifier",
    "Client",
    "Embedder",
    "EncoderConfig",
    "ExtraMissing",
    "Filler",
    "Filling",
    "InputError",
    "KernelWarning",
    "Label",
    "Likelihood",
    "Model",
    "ModelInfo",
    "MultiVectorEmbedder",
    "PairModel",
    "Ranked",
    "Reader",
    "Reranker",
    "Setting",
    "SourceError",
    "Span",
    "SparseEmbedder",
    "SparseVector",
    "Tagger",
    "TaskError",
    "TokenizerError",
    "TruncationWarning",
    "ZeroShotClassifier",
    "load",
]

# Where each public name lives.
_HOMES = {
    "bertie.client": ("AsyncClient", "Client"),
    "bertie.checkpoint.config": ("EncoderConfig", "Setting"),
    "bertie.errors": (
        "BertieError",
        "CalibrationWarning",
        "CheckpointError",
        "ExtraMissing",
        "InputError",
        "KernelWarning",
        "SourceError",
        "TaskError",
        "TokenizerError",
        "TruncationWarning",
    ),
    "bertie.loading.load": ("load",),
    "bertie.tasks.answer": ("Answer", "Reader"),
    "bertie.tasks.classify": ("Classifier", "Label"),
    "bertie.tasks.embed": ("Embedder",),
    "bertie.tasks.fill": ("Filler", "Filling", "Likelihood"),
    "bertie.tasks.multivector": ("MultiVectorEmbedder",),
    "bertie.tasks.next_sentence": ("PairModel",),
    "bertie.tasks.rank": ("Ranked", "Reranker"),
    "bertie.tasks.sparse": ("SparseEmbedder", "SparseVector"),
    "bertie.tasks.tag": ("Span", "Tagger"),
    "bertie.tasks.zero_shot": ("ZeroShotClassifier",),
    "bertie.tasks.info": ("ModelInfo",),
    "bertie.tasks.model": ("Model",),
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


class _Package(ModuleType):
    """Keeps `bertie.load` the function, where the module that had this name is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and name in _HOME_OF:
            value = getattr(value, name)
        super().__setattr__(name, value)


class _MovedFinder:
    """Finds a module by its old name, once nobody else has: their table is read for that alone."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> "ModuleSpec | None":
        """Say whether this knows the module."""
        if not name.startswith("bertie."):
            return None
        from bertie._moved import find_moved

        return find_moved(name)


sys.modules[__name__].__class__ = _Package
sys.meta_path.append(_MovedFinder())
