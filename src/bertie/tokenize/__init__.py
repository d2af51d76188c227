"""Text to token ids and back, as BERT does it; usable without the rest of Bertie."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bertie.tokenize.basic import BasicTokenizer as BasicTokenizer
    from bertie.tokenize.encoding import Encoding as Encoding
    from bertie.tokenize.encoding import PackedEncodings as PackedEncodings
    from bertie.tokenize.encoding import PackedWindows as PackedWindows
    from bertie.tokenize.features import FeatureFactory as FeatureFactory
    from bertie.tokenize.features import Features as Features
    from bertie.tokenize.tokenizer import Tokenizer as Tokenizer
    from bertie.tokenize.training import train as train
    from bertie.tokenize.vocab import Vocab as Vocab
    from bertie.tokenize.wordpiece import WordPieceTokenizer as WordPieceTokenizer

_MODULES = {
    "BasicTokenizer": "basic",
    "Encoding": "encoding",
    "FeatureFactory": "features",
    "Features": "features",
    "PackedEncodings": "encoding",
    "PackedWindows": "encoding",
    "Tokenizer": "tokenizer",
    "Vocab": "vocab",
    "WordPieceTokenizer": "wordpiece",
    "train": "training",
}

__all__ = [
    "BasicTokenizer",
    "Encoding",
    "FeatureFactory",
    "Features",
    "PackedEncodings",
    "PackedWindows",
    "Tokenizer",
    "Vocab",
    "WordPieceTokenizer",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
