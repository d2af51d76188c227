"""modules.json, and what each module in it is: what follows the encoder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.checkpoint.config import Setting
from bertie.checkpoint.dense import read_dense
from bertie.checkpoint.files import read_json, read_object, resolve_inside
from bertie.checkpoint.pooling import read_pooling
from bertie.checkpoint.sentence_layout import MEAN, RELU, Normalize, SentenceLayout
from bertie.checkpoint.weights import weight_files
from bertie.errors import CheckpointError
from bertie.known import MODULE_CONFIGS, REFUSED, check, unlisted
from bertie.known.sentence import MODULES, PROMPTS_CONFIG

# Modules live in the library under different paths from version to version; others are code.
_LIBRARY = "sentence_transformers."
# The encoder, under the name that it has where its head for masked words is used, too.
_ENCODERS = ("Transformer", "MLMTransformer")
# What turns logits into a sparse vector's weights, the default first.
_WEIGHTINGS = ("relu", "log1p_relu")

# What stands behind the encoder, if anything does → the task that such a model is for.
_TASKS: Mapping[str, str] = {
    "": "rank",
    "Pooling": "embed",
    "SpladePooling": "sparse",
    "Dense": "multivector",
    "MultiVectorMask": "multivector",
}
# The task → the head that the encoder has then, as the file beside it calls it.
_HEADS: Mapping[str, str] = {
    "rank": "sequence-classification",
    "embed": "feature-extraction",
    "sparse": "fill-mask",
    "multivector": "feature-extraction",
}
# What config_sentence_transformers.json calls a kind of model → its task.
_SENTENCE = "SentenceTransformer"
_MODEL_TYPES: Mapping[str, str] = {
    "CrossEncoder": "rank",
    "SparseEncoder": "sparse",
    "MultiVectorEncoder": "multivector",
    "ColBERT": "multivector",
}
_TOKEN_MODULES = {"Dense", "MultiVectorMask", "Normalize"}
# PyLate's own name for sentence-transformers' layer, there over every token.
_PYLATE_DENSE = "pylate.models.Dense.Dense"

# What modules over every token call their input.
_TOKENS = "token_embeddings"


def list_modules(directory: Path) -> list[tuple[str, Path, str]]:
    """Read modules.json. Returns: each module's kind, directory, and what messages call it."""
    entries = read_json(directory / MODULES)
    if not isinstance(entries, list) or not entries:
        raise CheckpointError(f"{MODULES} holds {shown(entries)}, expected a list of modules")
    modules = [_module(entry, directory) for entry in entries]
    _check_names(entries)
    return modules


def read_modules(
    layout: SentenceLayout,
    modules: Sequence[tuple[str, Path, str]],
    raw: Mapping[str, Any],
    name: str,
) -> SentenceLayout:
    """Walk through the modules: a Transformer, what its task begins with, then any others.

    Args:
        layout: what was read of the files before.
        modules: as list_modules gives them.
        raw, name: the file beside the encoder, and what messages call it.
    """
    kinds = [kind for kind, _, _ in modules]
    stated = layout.stated.get("model_type", _SENTENCE)
    task = _task(kinds, raw, name, scores=stated == "CrossEncoder")
    _check_model_type(stated, task, kinds)
    layout = replace(layout, task=task, modules_origin=MODULES)
    if task == "embed":
        layout = replace(layout, pooling=Setting((), MODULES))
    else:
        layout = replace(layout, pooling=Setting(MEAN.value, f"default: {MODULES} has no Pooling"))
    if "MultiVectorMask" in kinds:
        from bertie.checkpoint.queries import read_queries  # here because others have none

        layout = replace(layout, queries=read_queries(raw, name))
    for kind, path, where in modules[1:]:
        layout = _held(layout, path, kind, where)
        layout = _READERS[kind](layout, path, where)
    if layout.queries is not None and "Normalize" not in kinds:
        raise _misplaced("MultiVectorMask without a Normalize", layout)
    return layout


def _check_names(entries: Sequence[Mapping[str, Any]]) -> None:
    """Refuse modules of one name, of which sentence-transformers keeps the last alone."""
    names = [str(entry["name"]) for entry in entries if "name" in entry]
    if len(set(names)) < len(names):
        raise CheckpointError(f"{MODULES} has the names {', '.join(names)}, expected one of each")


def _check_model_type(stated: Any, task: str, kinds: Sequence[str]) -> None:
    """Refuse modules that the kind of model which the settings name doesn't have.

    Of a kind that it doesn't know sentence-transformers reads the encoder alone.
    """
    known = (_SENTENCE, *_MODEL_TYPES)
    if not isinstance(stated, str) or stated not in known:
        raise CheckpointError(
            f"{PROMPTS_CONFIG}: model_type is {shown(stated)}, expected one of {', '.join(known)}"
        )
    wanted = _MODEL_TYPES.get(stated, task)
    unmasked = stated == "MultiVectorEncoder" and "MultiVectorMask" not in kinds
    if wanted != task or unmasked:
        raise CheckpointError(
            f"{PROMPTS_CONFIG}: model_type is {shown(stated)}, but {MODULES} has the modules"
            f" {', '.join(kinds)}, which aren't what it saves; save the model again"
        )


def _task(kinds: Sequence[str], raw: Mapping[str, Any], name: str, *, scores: bool) -> str:
    """Tell what the modules are for, and check that the encoder has the head that they take.

    Args:
        kinds: the modules' classes.
        raw, name: the file beside the encoder, and what messages call it.
        scores: whether an encoder alone gives scores where that file doesn't say.
    """
    first, *others = [kind for kind in kinds if kind != "Dropout"] or [""]
    task = _TASKS.get(others[0] if others else "") if first in _ENCODERS else None
    # PyLate's models have dense layers alone, those of sentence-transformers 6 the rest, too.
    known = _TOKEN_MODULES if "MultiVectorMask" in others else {"Dense"}
    tokens = task != "multivector" or {"Dense"} <= set(others) <= known
    if task is None or not tokens or any(kind in _ENCODERS for kind in others):
        raise CheckpointError(
            f"{MODULES} has the modules {', '.join(kinds)}; expected Transformer, Pooling, ..."
        )
    default = "sparse" if first == "MLMTransformer" else "rank" if scores else "embed"
    head = raw.get("transformer_task") or _HEADS[default]
    if head != _HEADS[task]:
        alone = "" if others else ", or Transformer, Pooling, ... in " + MODULES
        raise CheckpointError(
            f"{name}: transformer_task is {shown(raw.get('transformer_task', 'not stated'))},"
            f" expected {_HEADS[task]!r} for the modules {', '.join(kinds)}{alone}"
        )
    return task


def _module(entry: Any, directory: Path) -> tuple[str, Path, str]:
    """Give one module's kind, directory and name in messages."""
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str):
        raise CheckpointError(
            f"{MODULES}: {shown(entry)} is no module; expected an object with type and path"
        )
    kind = entry["type"].rpartition(".")[2]
    refused = [row for row in MODULE_CONFIGS if kind in row.where and not row.key]
    if refused and entry["type"].startswith(_LIBRARY):
        assert refused[0].mark == REFUSED
        raise CheckpointError(
            f"{MODULES}: module type {shown(entry['type'])} is not supported: {kind}"
            f" {refused[0].effect}; {refused[0].instead}"
        )
    supported = (*_ENCODERS, *_READERS)
    known = entry["type"].startswith(_LIBRARY) or entry["type"] == _PYLATE_DENSE
    if kind not in supported or not known:
        raise CheckpointError(
            f"{MODULES}: module type {shown(entry['type'])} is not supported;"
            f" supported: sentence-transformers' {', '.join(supported)}"
        )
    path = entry.get("path", "")
    return kind, resolve_inside(directory, path, MODULES), f"{path}/config.json".lstrip("/")


def _add_pooling(layout: SentenceLayout, path: Path, where: str) -> SentenceLayout:
    """Add the pooling module, of which there is one."""
    if layout.pooling.value:
        if layout.task != "embed":
            raise _misplaced("Pooling", layout)
        raise CheckpointError(f"{MODULES} has a second Pooling, {where}; expected one")
    return replace(layout, **read_pooling(read_object(path / "config.json", where), where))


def _add_sparse(layout: SentenceLayout, path: Path, where: str) -> SentenceLayout:
    """Read how a masked language model's logits become a sparse vector."""
    if layout.task != "sparse":
        raise _misplaced("SpladePooling", layout)
    raw = read_object(path / "config.json", where)
    key = "activation_function"
    if raw.get(key, _WEIGHTINGS[0]) not in _WEIGHTINGS:
        raise CheckpointError(
            f"{where}: {key} is {shown(raw[key])}; supported: {', '.join(_WEIGHTINGS)}"
        )
    weighting = Setting(raw[key], f"{where}: {key}") if key in raw else RELU
    return replace(layout, weighting=weighting)


def _held(layout: SentenceLayout, path: Path, kind: str, where: str) -> SentenceLayout:
    """Hold a module's file against the table, and keep what is worth knowing."""
    if not (path / "config.json").is_file():
        return layout
    raw = read_object(path / "config.json", where)
    notes = check(MODULE_CONFIGS, raw, where, where=kind)
    notes += unlisted(MODULE_CONFIGS, raw, where, kind)
    return replace(layout, notes=(*layout.notes, *notes))


def _misplaced(kind: str, layout: SentenceLayout) -> CheckpointError:
    """An error about a module of another task's."""
    return CheckpointError(
        f"{MODULES} has a {kind}, which doesn't fit its other modules; they are those of the task"
        f" {layout.task!r}"
    )


def _add_normalize(layout: SentenceLayout, path: Path, where: str) -> SentenceLayout:
    """Add a normalizing module; its config is absent from older checkpoints."""
    raw = {}
    if (path / "config.json").is_file():
        raw = read_object(path / "config.json", where)
    if layout.task == "multivector":
        # Every token's vector is scaled in any case, at the end.
        _require_input({"module_input_name": "sentence_embedding", **raw}, where, _TOKENS)
    else:
        _require_input(raw, where, "sentence_embedding")
    return replace(layout, modules=(*layout.modules, Normalize()))


def _add_mask(layout: SentenceLayout, path: Path, where: str) -> SentenceLayout:
    """Read which tokens of a multi-vector encoder's texts are left out."""
    if layout.task != "multivector":
        raise _misplaced("MultiVectorMask", layout)
    raw = read_object(path / "config.json", where)
    found = {"skiplist_words": layout.skipped, "skiplist_tasks": layout.skipped_in}
    for key in found:
        value = raw.get(key)
        value = [value] if isinstance(value, str) and key == "skiplist_tasks" else value
        if value is None:
            continue
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise CheckpointError(f"{where}: {key} is {shown(value)}, expected a list of words")
        found[key] = Setting(tuple(value), f"{where}: {key}")
    return replace(layout, skipped=found["skiplist_words"], skipped_in=found["skiplist_tasks"])


def _add_dense(layout: SentenceLayout, path: Path, where: str) -> SentenceLayout:
    """Add a dense layer, over the pooled vector or over every token's."""
    if layout.task == "sparse":
        raise _misplaced("Dense", layout)
    raw = read_object(path / "config.json", where)
    layout = replace(layout, files=(*layout.files, *weight_files(path)))
    if layout.task == "multivector":
        if layout.modules:
            raise _misplaced("Dense behind a Normalize", layout)
        _require_input(raw, where, _TOKENS)
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
    "MultiVectorMask": _add_mask,
    "Dropout": _add_nothing,
}


def _require_input(raw: Mapping[str, Any], where: str, supported: str) -> None:
    """Refuse a module that works on anything but the pooled vector, or every token's."""
    for key in ("module_input_name", "module_output_name"):
        value = raw.get(key)
        if value not in (None, supported):
            raise CheckpointError(f"{where}: {key} is {shown(value)}; supported: {supported}")
