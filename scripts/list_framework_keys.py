"""Make tests/data/known/frameworks.json: the files and keys that the frameworks read of a model.

Needs torch, transformers (5 or later) and sentence-transformers (6 or later), none of which the
tests need:

    python scripts/list_framework_keys.py

The keys come out of the frameworks' own sources: the fields of their config classes, what their
code takes of a config, the arguments of sentence-transformers' modules, and the keys that its
loading asks a JSON object for. Nothing is chosen by hand but where to look. Of models that began
with their authors' code it is what their configs state (scripts/architecture_configs.py).
"""

import ast
import importlib
import inspect
import json
import pkgutil
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

import sentence_transformers
import transformers
from architecture_configs import MODERN_CONFIGS
from author_models import AUTHOR_MODELS
from sentence_transformers.base.modules import Module, Router, Transformer
from sentence_transformers.multi_vector_encoder.model import _LegacyStash
from transformers import CONFIG_MAPPING, GenerationConfig, PretrainedConfig

from bertie.checkpoint.architectures import ARCHITECTURES

MADE = Path(__file__).resolve().parent.parent / "tests" / "data" / "known" / "frameworks.json"
TRANSFORMERS = Path(transformers.__file__).parent
# Where transformers takes attributes of a config, beside each architecture's own file.
SHARED = (
    "modeling_utils.py",
    "masking_utils.py",
    "utils/generic.py",
    "utils/output_capturing.py",
    "pipelines/text_classification.py",
    "pipelines/token_classification.py",
    "pipelines/fill_mask.py",
    "pipelines/zero_shot_classification.py",
    "pipelines/feature_extraction.py",
    "models/auto/auto_factory.py",
    "models/auto/configuration_auto.py",
)
# What a config's class has and its file can't change.
CLASS_ATTRIBUTES = {"base_model_tp_plan", "base_model_pp_plan", "sub_configs"}
LIBRARY = Path(sentence_transformers.__file__).parent
# What sentence-transformers calls a JSON object → the file that it was in.
OBJECTS = {
    "config_sentence_transformers.json": ("model_config", LIBRARY),
    "modules.json": ("module_config", LIBRARY / "base"),
    "artifact.metadata": ("metadata", LIBRARY / "multi_vector_encoder" / "model.py"),
}
# Arguments of a module that no file gives: what loading adds, and tensors.
NOT_KEYS = {
    "self",
    "args",
    "kwargs",
    "model_name_or_path",
    "tokenizer",
    "weight",
    "init_weight",
    "init_bias",
    "layer_weights",
    "embedding_weights",
    "sub_modules",
    "backend",
}


def trees(paths: Iterable[Path]) -> Iterator[ast.Module]:
    """Parse files."""
    for path in paths:
        yield ast.parse(path.read_text(encoding="utf-8"))


def is_config(node: ast.expr) -> bool:
    """Tell whether an expression is a config: config, self.config, self.model.config, …"""
    name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
    return name == "config"


def attributes(paths: Iterable[Path]) -> Iterator[str]:
    """Name what code takes of a config, as an attribute or through getattr and hasattr."""
    for tree in trees(paths):
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and is_config(node.value):
                yield node.attr
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("getattr", "hasattr")
                and len(node.args) > 1
                and is_config(node.args[0])
                and isinstance(node.args[1], ast.Constant)
            ):
                yield str(node.args[1].value)


def taken(paths: Iterable[Path], name: str) -> Iterator[str]:
    """Name the keys that code asks an object for: o["k"], o.get("k"), o.pop("k"), "k" in o."""
    for tree in trees(paths):
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript):
                found, key = node.value, node.slice
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("get", "pop")
                and node.args
            ):
                found, key = node.func.value, node.args[0]
            elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
                found, key = node.comparators[0], node.left
            else:
                continue
            if isinstance(found, ast.Name) and found.id == name and isinstance(key, ast.Constant):
                yield str(key.value)


def config_keys(architecture: str) -> list[str]:
    """Name the keys of config.json that matter to one architecture, or to all."""
    kind, own = PretrainedConfig, []
    if architecture in CONFIG_MAPPING:
        kind, module = CONFIG_MAPPING[architecture], architecture.replace("-", "_")
        own = [TRANSFORMERS / "models" / module / f"modeling_{module}.py"]
    found = {field.name for field in fields(kind)} | set(kind.attribute_map)
    found |= set(attributes([*own, *(TRANSFORMERS / name for name in SHARED)]))
    found |= set(attributes([LIBRARY / "cross_encoder" / "model.py"]))
    found |= post_init_keys()
    found |= {"auto_map", "model_type"}
    for name in AUTHOR_MODELS:
        if name.partition("-")[0] == architecture:
            found |= set(MODERN_CONFIGS[name])
    kept = {
        name
        for name in found
        if not name.startswith("_") and not callable(getattr(kind, name, None))
    }
    return sorted(kept - CLASS_ATTRIBUTES)


def post_init_keys() -> set[str]:
    """Name what PretrainedConfig takes of a config.json beside its fields."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(PretrainedConfig.__post_init__)))
    found = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("get", "pop")
            and isinstance(node.args[0], ast.Constant)
        ):
            found.add(str(node.args[0].value))
    return found


def modules() -> Iterator[type]:
    """Find every module class of sentence-transformers."""
    seen = set()
    for found in pkgutil.walk_packages(sentence_transformers.__path__, "sentence_transformers."):
        if ".modules" not in found.name:
            continue
        for _, kind in inspect.getmembers(importlib.import_module(found.name), inspect.isclass):
            if issubclass(kind, Module) and not inspect.isabstract(kind) and kind not in seen:
                seen.add(kind)
                yield kind


def module_keys(kind: type) -> list[str]:
    """Name the keys of one module's file: those that it saves, its arguments, and older names."""
    found = {*kind.config_keys, *kind.config_key_renames}
    found |= set(inspect.signature(inspect.unwrap(kind.__init__)).parameters) - NOT_KEYS
    pooling = importlib.import_module("sentence_transformers.sentence_transformer.modules.pooling")
    if kind is pooling.Pooling:
        found |= set(pooling._LEGACY_POOLING_MODE_KWARGS)
    if issubclass(kind, Transformer):
        found |= {"model_args", "tokenizer_args", "config_args"}
    if issubclass(kind, Router):
        found |= set(taken([Path(inspect.getfile(Router))], "config"))
    return sorted(found)


def transformer_files() -> list[str]:
    """Name the files that may hold the settings of sentence-transformers' Transformer."""
    source = textwrap.dedent(inspect.getsource(Transformer.load_config))
    return [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.startswith("sentence_")
        and node.value.endswith(".json")
    ]


def main() -> None:
    """Replace the list."""
    found = {
        "versions": {
            "transformers": transformers.__version__,
            "sentence-transformers": sentence_transformers.__version__,
        },
        "config.json": {name: config_keys(name) for name in sorted(ARCHITECTURES)},
        "generation": sorted(GenerationConfig._get_default_generation_params()),
        "sentence_bert_config.json": {
            "files": transformer_files(),
            "keys": module_keys(Transformer),
        },
        "modules": {
            kind.__name__: {"file": kind.config_file_name, "keys": module_keys(kind)}
            for kind in sorted(modules(), key=lambda kind: kind.__name__)
        },
        **{
            file: sorted(set(taken([place] if place.is_file() else place.rglob("*.py"), name)))
            for file, (name, place) in OBJECTS.items()
        },
    }
    # Asked for through a variable.
    found["config_sentence_transformers.json"] += _LegacyStash._PYLATE_TRANSFORMER_KEYS
    found["config_sentence_transformers.json"] += ["query_prefix", "document_prefix"]
    MADE.parent.mkdir(exist_ok=True)
    MADE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
