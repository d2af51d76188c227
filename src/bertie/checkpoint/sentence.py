"""sentence-transformers' layout: the modules after the encoder, and how texts are prepared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.dense import Dense, read_dense
from bertie.checkpoint.files import inside, read_json, read_object
from bertie.checkpoint.weights import weight_files
from bertie.config import Setting
from bertie.errors import CheckpointError

MODULES = "modules.json"
SENTENCE_CONFIG = "sentence_bert_config.json"
PROMPTS_CONFIG = "config_sentence_transformers.json"

POOLING_MODES = ("mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")

# What config_sentence_transformers.json calls a similarity → our word.
_SIMILARITIES: Mapping[str, str] = {
    "cosine": "cosine",
    "dot": "dot",
    "dot_product": "dot",
    "euclidean": "euclid",
    "manhattan": "manhattan",
}

# Booleans of older pooling configs → the mode, in the order in which several are concatenated.
_POOLING_FLAGS: Mapping[str, str] = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}

# Modules live in the library under different paths from version to version; others are code.
_LIBRARY = "sentence_transformers."
# The encoder, under the name that it has where its head for masked words is used, too.
_ENCODERS = ("Transformer", "MLMTransformer")
# What SpladePooling can be told → what of that is supported, the default first.
_SPLADE: Mapping[str, tuple[str, ...]] = {
    "pooling_strategy": ("max",),
    "activation_function": ("relu", "log1p_relu"),
}

# What stands behind the encoder → the task that such a model is for.
_TASKS: Mapping[str, str] = {
    "Pooling": "embed",
    "SpladePooling": "sparse",
    "Dense": "multivector",
}
# PyLate's own name for sentence-transformers' layer, there over every token.
_PYLATE_DENSE = "pylate.models.Dense.Dense"

_MEAN = Setting(("mean",), f"default: there is no {MODULES}")
_RELU = Setting("relu", "default")
_FALSE = Setting(False, "default")
_TRUE = Setting(True, "default")
_COSINE = Setting("cosine", "default")
_NO_PROMPTS = Setting({}, "default")
_NO_PROMPT = Setting(None, "default")


@dataclass(frozen=True)
class Normalize:
    """A module that scales vectors to length 1."""


@dataclass(frozen=True, eq=False)
class SentenceLayout:
    """What sentence-transformers' files say beyond the encoder.

    Attributes:
        transformer: the directory of the encoder's own files.
        task: what the modules make of its states: one vector ("embed"), a sparse one ("sparse"), or
            one for each token ("multivector").
        pooling: the modes whose vectors are concatenated, in order.
        pooling_width: the hidden size that the pooling module states, if it does.
        modules: what the pooled vectors pass through, in order.
        projection: what each token's state passes through, in order, where there is no pooling.
        weighting: how a sparse vector's weights come of logits: "relu", log(1 + max(0, logit)), or
            "log1p_relu", the logarithm of one more than that.
        max_length: max_seq_length in tokens, or None where no file says it.
        include_prompt: whether pooling reads a prompt's tokens.
        similarity: what vectors are compared by.
        lower_first: do_lower_case: texts are lower-cased before a tokenizer that wouldn't.
        prompts: texts to put before an input, by name.
        default_prompt_name: the prompt that is used unless the caller says otherwise, or None.
        files: those that hold the modules' weights.
    """

    transformer: Path
    task: str = "embed"
    pooling: Setting = _MEAN
    pooling_width: Setting | None = None
    modules: tuple[Dense | Normalize, ...] = ()
    modules_origin: str = _MEAN.origin
    projection: tuple[Dense, ...] = ()
    weighting: Setting = _RELU
    max_length: Setting | None = None
    include_prompt: Setting = _TRUE
    similarity: Setting = _COSINE
    lower_first: Setting = _FALSE
    prompts: Setting = _NO_PROMPTS
    default_prompt_name: Setting = _NO_PROMPT
    files: tuple[Path, ...] = ()


def read_layout(directory: Path) -> SentenceLayout:
    """Read a directory's modules and text settings, if it has any.

    Args:
        directory: in sentence-transformers' layout, or in Hugging Face's, whose pooling is the
            mean of all tokens, not normalized, as sentence-transformers does.
    Raises: CheckpointError: broken files, or modules that aren't supported, by name.
    """
    layout = SentenceLayout(directory)
    if (directory / MODULES).is_file():
        layout = _read_modules(directory)
    layout = _read_text_settings(layout)
    return _read_prompts(directory, layout)


def _read_modules(directory: Path) -> SentenceLayout:
    """Walk through modules.json: a Transformer, what its task begins with, then any others."""
    entries = read_json(directory / MODULES)
    if not isinstance(entries, list) or not entries:
        raise CheckpointError(f"{MODULES} holds {shown(entries)}, expected a list of modules")
    modules = [_module(entry, directory) for entry in entries]
    kinds = [kind for kind, _, _ in modules]
    task = _TASKS.get(kinds[1]) if kinds[1:] and kinds[0] in _ENCODERS else None
    alone = task != "multivector" or set(kinds[1:]) == {"Dense"}
    if task is None or not alone or any(kind in _ENCODERS for kind in kinds[1:]):
        raise CheckpointError(
            f"{MODULES} has the modules {', '.join(kinds)}; expected Transformer, Pooling, ..."
        )
    layout = SentenceLayout(modules[0][1], task=task, modules_origin=MODULES)
    if task == "embed":
        layout = replace(layout, pooling=Setting((), MODULES))
    else:
        layout = replace(layout, pooling=Setting(_MEAN.value, f"default: {MODULES} has no Pooling"))
    for kind, path, where in modules[1:]:
        layout = _READERS[kind](layout, path, where)
    return layout


def _module(entry: Any, directory: Path) -> tuple[str, Path, str]:
    """Give one module's kind, directory and name in messages."""
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        raise CheckpointError(
            f"{MODULES}: {shown(entry)} is no module; expected an object with type and path"
        )
    kind = entry["type"].rpartition(".")[2]
    supported = (*_ENCODERS, *_READERS)
    known = entry["type"].startswith(_LIBRARY) or entry["type"] == _PYLATE_DENSE
    if kind not in supported or not known:
        raise CheckpointError(
            f"{MODULES}: module type {shown(entry['type'])} is not supported;"
            f" supported: sentence-transformers' {', '.join(supported)}"
        )
    path = entry.get("path", "")
    return kind, inside(directory, path, MODULES), f"{path}/config.json".lstrip("/")


def _add_pooling(layout: SentenceLayout, path: Path, where: str) -> SentenceLayout:
    """Read a pooling module's modes, in either of its two forms."""
    if layout.pooling.value:
        if layout.task != "embed":
            raise _misplaced("Pooling", layout)
        raise CheckpointError(f"{MODULES} has a second Pooling, {where}; expected one")
    raw = read_object(path / "config.json", where)
    flags = [mode for flag, mode in _POOLING_FLAGS.items() if raw.get(flag) is True]
    stated = raw.get("pooling_mode")
    modes = flags if stated is None else [stated] if isinstance(stated, str) else stated
    if not isinstance(modes, list) or not all(isinstance(mode, str) for mode in modes):
        raise CheckpointError(f"{where}: pooling_mode is {shown(stated)}, expected mode names")
    unsupported = [mode for mode in modes if mode not in POOLING_MODES]
    if unsupported:
        raise CheckpointError(
            f"{where}: pooling mode {', '.join(unsupported)} is not supported;"
            f" supported: {', '.join(POOLING_MODES)}"
        )
    include = raw.get("include_prompt", True)
    if type(include) is not bool:
        raise CheckpointError(
            f"{where}: include_prompt is {shown(include)}, expected true or false"
        )
    if "include_prompt" in raw:
        layout = replace(layout, include_prompt=Setting(include, f"{where}: include_prompt"))
    keys = (
        ("pooling_mode",) if stated is not None else tuple(k for k in _POOLING_FLAGS if raw.get(k))
    )
    origin = f"{where}: {', '.join(keys)}" if modes else "default"
    return replace(
        layout,
        pooling=Setting(tuple(modes) or ("mean",), origin),
        pooling_width=_width(raw, where),
    )


def _add_sparse(layout: SentenceLayout, path: Path, where: str) -> SentenceLayout:
    """Read how a masked language model's logits become a sparse vector."""
    if layout.task != "sparse":
        raise _misplaced("SpladePooling", layout)
    raw = read_object(path / "config.json", where)
    for key, supported in _SPLADE.items():
        if raw.get(key, supported[0]) not in supported:
            raise CheckpointError(
                f"{where}: {key} is {shown(raw[key])}; supported: {', '.join(supported)}"
            )
    key = "activation_function"
    weighting = Setting(raw[key], f"{where}: {key}") if key in raw else _RELU
    return replace(layout, weighting=weighting)


def _misplaced(kind: str, layout: SentenceLayout) -> CheckpointError:
    """An error about a module of another task's."""
    return CheckpointError(
        f"{MODULES} has a {kind}, which doesn't fit its other modules; they are those of the task"
        f" {layout.task!r}"
    )


def _width(raw: Mapping[str, Any], where: str) -> Setting | None:
    """Read the hidden size that a pooling module states."""
    for key in ("embedding_dimension", "word_embedding_dimension"):
        if key in raw:
            return Setting(raw[key], f"{where}: {key}")
    return None


def _add_normalize(layout: SentenceLayout, path: Path, where: str) -> SentenceLayout:
    """Add a normalizing module; its config is absent from older checkpoints."""
    if (path / "config.json").is_file():
        _require_input(read_object(path / "config.json", where), where, "sentence_embedding")
    return replace(layout, modules=(*layout.modules, Normalize()))


def _add_dense(layout: SentenceLayout, path: Path, where: str) -> SentenceLayout:
    """Add a dense layer, over the pooled vector or over every token's."""
    if layout.task == "sparse":
        raise _misplaced("Dense", layout)
    raw = read_object(path / "config.json", where)
    layout = replace(layout, files=(*layout.files, *weight_files(path)))
    if layout.task == "multivector":
        _require_input(raw, where, "token_embeddings")
        return replace(layout, projection=(*layout.projection, read_dense(path, where)))
    _require_input(raw, where, "sentence_embedding")
    return replace(layout, modules=(*layout.modules, read_dense(path, where)))


def _add_nothing(layout: SentenceLayout, path: Path, where: str) -> SentenceLayout:
    """Leave a module out that does nothing outside training."""
    return layout


_READERS: Mapping[str, Callable[[SentenceLayout, Path, str], SentenceLayout]] = {
    "Pooling": _add_pooling,
    "SpladePooling": _add_sparse,
    "Dense": _add_dense,
    "Normalize": _add_normalize,
    "Dropout": _add_nothing,
}


def _require_input(raw: Mapping[str, Any], where: str, supported: str) -> None:
    """Refuse a module that works on anything but the pooled vector, or every token's."""
    for key in ("module_input_name", "module_output_name"):
        value = raw.get(key)
        if value not in (None, supported):
            raise CheckpointError(f"{where}: {key} is {shown(value)}; supported: {supported}")


def _read_text_settings(layout: SentenceLayout) -> SentenceLayout:
    """Read max_seq_length and do_lower_case, which lie beside the encoder."""
    if not (layout.transformer / SENTENCE_CONFIG).is_file():
        return layout
    raw = read_object(layout.transformer / SENTENCE_CONFIG)
    length, lower = raw.get("max_seq_length"), raw.get("do_lower_case", False)
    if length is not None and (type(length) is not int or length < 1):
        raise CheckpointError(
            f"{SENTENCE_CONFIG}: max_seq_length is {shown(length)}, expected a number of tokens"
        )
    if type(lower) is not bool:
        raise CheckpointError(
            f"{SENTENCE_CONFIG}: do_lower_case is {shown(lower)}, expected true or false"
        )
    # Beside a projection of every token it is the length of what was read last, query or document.
    if length is not None and not layout.projection:
        layout = replace(layout, max_length=Setting(length, f"{SENTENCE_CONFIG}: max_seq_length"))
    if "do_lower_case" in raw:
        layout = replace(layout, lower_first=Setting(lower, f"{SENTENCE_CONFIG}: do_lower_case"))
    return layout


def _read_prompts(directory: Path, layout: SentenceLayout) -> SentenceLayout:
    """Read the prompts, which of them is the default, and how vectors are compared."""
    if not (directory / PROMPTS_CONFIG).is_file():
        return layout
    raw = read_object(directory / PROMPTS_CONFIG)
    prompts, default = raw.get("prompts") or {}, raw.get("default_prompt_name")
    if not isinstance(prompts, dict) or not all(isinstance(p, str) for p in prompts.values()):
        raise CheckpointError(
            f"{PROMPTS_CONFIG}: prompts is {shown(prompts)}, expected texts by name"
        )
    if default is not None and default not in list(prompts):
        raise CheckpointError(
            f"{PROMPTS_CONFIG}: default_prompt_name is {shown(default)},"
            f" but the prompts are {', '.join(prompts) or 'none'}"
        )
    similarity = raw.get("similarity_fn_name")
    if similarity is not None and layout.task == "embed":
        if similarity not in _SIMILARITIES:
            raise CheckpointError(
                f"{PROMPTS_CONFIG}: similarity_fn_name is {shown(similarity)}, expected one of"
                f" {', '.join(_SIMILARITIES)}"
            )
        origin = f"{PROMPTS_CONFIG}: similarity_fn_name"
        layout = replace(layout, similarity=Setting(_SIMILARITIES[similarity], origin))
    if "prompts" in raw:
        layout = replace(layout, prompts=Setting(prompts, f"{PROMPTS_CONFIG}: prompts"))
    if "default_prompt_name" in raw:
        origin = f"{PROMPTS_CONFIG}: default_prompt_name"
        layout = replace(layout, default_prompt_name=Setting(default, origin))
    return layout
