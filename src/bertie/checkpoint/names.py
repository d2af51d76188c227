"""One name for each tensor, whatever the file calls it.

Canonical names are those of transformers' BertModel, for every architecture: no prefix before
them, layers as encoder.layer.N, and norms with weight and bias. What BERT lacks is called
embeddings.projection (ELECTRA, ALBERT, DeBERTa), relative_attention_bias (MPNet),
relative_embeddings and convolution (DeBERTa), encoder.LayerNorm (a norm after the last layer), and
within a layer attention.LayerNorm and intermediate.LayerNorm (norms before the blocks),
attention.self.query.LayerNorm and its like, attention.residual.LayerNorm (both Jina's),
attention.self.position_key and position_query (DeBERTa) and intermediate.gate, whose activation
gates intermediate.dense. A tensor that stands for several is split. Heads keep the names that their
architecture gives them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from bertie.checkpoint.architecture import Architecture, Split
from bertie.checkpoint.architectures import ARCHITECTURES
from bertie.checkpoint.head_forms import WORDS, Tie

# TensorFlow's words for a layer norm's tensors, which early files have kept.
_NORM = {"gamma": "weight", "beta": "bias"}

# What training puts before every name of a model that it wraps, and who does.
WRAPPERS: Mapping[str, str] = {
    "module": "torch's DataParallel and DistributedDataParallel",
    "_orig_mod": "torch.compile",
}

_IN_LAYER = re.compile(r"encoder\.layer\.\d+\.")

_T = TypeVar("_T")


def unwrap(found: Mapping[str, _T]) -> tuple[dict[str, _T], tuple[str, ...]]:
    """Take off what stands before every name because the model was wrapped while it was saved.

    Args:
        found: anything by the file's names.
    Returns: the same by the names without it, and the keys of WRAPPERS that were taken off, the
        outermost first.
    """
    names, wrappers = list(found), []
    for _ in WRAPPERS:  # each once, in either order
        for wrapper in WRAPPERS:
            if wrapper not in wrappers and _all_begin(names, wrapper):
                names = [name.removeprefix(f"{wrapper}.") for name in names]
                wrappers.append(wrapper)
    return dict(zip(names, found.values(), strict=True)), tuple(wrappers)


def _all_begin(names: Sequence[str], wrapper: str) -> bool:
    """Tell whether there are names and all of them are inside a wrapper."""
    return bool(names) and all(name.startswith(f"{wrapper}.") for name in names)


def canonical(name: str, architecture: Architecture, inner_group_num: int = 1) -> str:
    """Give the canonical name of a file's tensor.

    Args:
        name: the file's; a canonical one stays as it is.
        architecture: whose names the file has.
        inner_group_num: where passes share weights, the layers of each group.
    Returns: the canonical name; names nobody knows stay as they are.
    """
    for prefix in (architecture.prefix, *architecture.prefixes):
        if name.startswith(f"{prefix}."):
            name = name.removeprefix(f"{prefix}.")
            break
    name = architecture.modules.get(name, name)
    match = architecture.layer.match(name)
    if match is None:
        return _module(name, architecture)
    layer = int(match["layer"])
    if "group" in match.groupdict():
        if layer >= inner_group_num:
            return name
        layer += int(match["group"]) * inner_group_num
    return f"encoder.layer.{layer}.{_module(name[match.end() :], architecture)}"


def _module(name: str, architecture: Architecture) -> str:
    """Translate the part of a name that says which module and which of its tensors."""
    if name in architecture.modules:
        return architecture.modules[name]
    module, dot, tensor = name.rpartition(".")
    module = architecture.modules.get(module, module)
    if module.endswith("LayerNorm"):
        tensor = _NORM.get(tensor, tensor)
    return f"{module}{dot}{tensor}"


def split(name: str, architecture: Architecture) -> tuple[Split, tuple[str, ...]] | None:
    """Find the tensors that one of a file stands for.

    Args:
        name: canonical, but for the module.
        architecture: whose names the file has.
    Returns: how its rows are shared out, and the canonical names in order; None: it is one.
    """
    match = _IN_LAYER.match(name)
    if match is None:
        return None
    module, dot, tensor = name[match.end() :].rpartition(".")
    for one in architecture.splits:
        if one.module == module:
            return one, tuple(f"{match[0]}{part}{dot}{tensor}" for part in one.parts)
    return None


def ties(
    names: Iterable[str],
    architecture: Architecture,
    *,
    words: bool | None = None,
    classes: Sequence[str] = (),
) -> dict[str, str]:
    """Find the absent tensors that are other ones, of the heads that a file has.

    Args:
        names: the file's, canonical.
        architecture: says what is tied to what; of two that are one, a file may hold either.
        words: whether the config says that a decoder is the word embeddings; None: neither way.
        classes: those that the config names.
    Returns: the absent tensor's name, and that of the one that it is.
    """
    present = set(names)
    found = {}
    for tie in architecture.ties:
        if tie.of == WORDS and not _words_may_be(tie, words):
            continue
        if not _has_head(tie, present, classes):
            continue
        if tie.of in present and tie.name not in present:
            found[tie.name] = tie.of
        elif tie.name in present and tie.of not in present:
            found[tie.of] = tie.name
    return found


def _words_may_be(tie: Tie, words: bool | None) -> bool:
    """Tell whether a config lets the word embeddings be a decoder."""
    return tie.words == "always" or words is True or (words is None and tie.words == "allowed")


def _has_head(tie: Tie, present: set[str], classes: Sequence[str]) -> bool:
    """Tell whether a file has the head that a tie is of."""
    if tie.rival and any(name.startswith(tie.rival) for name in present):
        return False
    told = bool(tie.class_ending) and any(name.endswith(tie.class_ending) for name in classes)
    return told or any(name.startswith(tie.head) for name in present)


def other_architecture(names: Iterable[str], architecture: Architecture) -> str | None:
    """Name the architecture whose prefix a file's names have instead of this one's, if any."""
    prefixes = {name.partition(".")[0] for name in names}
    if architecture.prefix in prefixes:
        return None
    others = (other for other in ARCHITECTURES.values() if other.prefix in prefixes)
    return next((other.model_type for other in others), None)
