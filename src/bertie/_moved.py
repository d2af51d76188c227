"""The modules that have moved, by the names that they had: for one release they still import.

What was pickled before has those names, too.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any
from warnings import warn

# From a wing, to a wing: the modules, and =what they are called now where that is another name.
_MOVES = {
    ("bertie", "bertie"): "opening=opened",
    ("bertie", "bertie.checkpoint"): "architectures config",
    ("bertie", "bertie.engine"): (
        "batching calibration encoder heads pooling quantize reference similarity"
    ),
    ("bertie", "bertie.loading"): "doctor fingerprint load settled=settle",
    ("bertie", "bertie.rows"): "json_lines",
    ("bertie.bench", "bertie.bench"): (
        "child=child_process machine=load_average operations=flops start=cold_start"
    ),
    ("bertie.checkpoint", "bertie.checkpoint"): "claims=disagreements",
    ("bertie.checkpoint.tensorflow", "bertie.checkpoint.tensorflow"): "derive=derived_config",
    ("bertie.cli", "bertie.cli"): (
        "answers=row_stream counting=histogram data=typed_rows grouped=option_groups"
        " indexes=index_argument rows=row_files vectors=vector_files whole_file=atomic_output"
    ),
    ("bertie.client", "bertie.client"): "calls=methods conversation=request exchange=response",
    ("bertie.evaluate", "bertie.evaluate"): "counted=progress",
    ("bertie.export", "bertie.export"): "beside=config_files place=staging",
    ("bertie.jobs", "bertie.jobs"): (
        "content=chunk elsewhere=remote_errors engine=model place=layout steps=tasks"
        " work=computation"
    ),
    ("bertie.jobs", "bertie.system"): "durable=disk",
    ("bertie.search", "bertie.search"): "picture=projection",
    ("bertie.server.engine", "bertie.server.scheduling"): (
        "admission ask=inference cache ends=socket_pair events frames halving=bisection"
        " host=model_runner links=worker_handle loader messages pool rates readiness registry"
        " scheduler service state unit=queued_input waiting=fair_queue worker workers=pool_worker"
    ),
    ("bertie.server.grpc", "bertie.server.grpc"): "call=rpc_handler methods=rpcs",
    ("bertie.server.http", "bertie.server.http"): (
        "asker=context counting=metric_types encoding=serialization exchange=request_handler"
        " exposition=prometheus faults=errors figures=metrics finished=access_record"
        " inflating=decompression patience=timeout wishes=request_options"
    ),
    ("bertie.server.http.apis", "bertie.server.http"): "errors=error_bodies speakers=api",
    ("bertie.server.http.apis", "bertie.server.http.apis"): (
        "bounds=limits documents=pages main=dispatch ranked=scores status=metrics"
        " vectors=embeddings"
    ),
    ("bertie.sources", "bertie.sources"): "contents=cached_models",
    ("bertie.tasks", "bertie.calls"): (
        "ahead=prefetching apart=mixed_inputs call embeddings=missing_embeddings"
        " framed=token_ids logits lowering=lower_casing outputs overflow passes=batches"
        " probabilities prompts records seams=merging texts tokenized truncation windows"
    ),
    ("bertie.tasks", "bertie.loading"): "detect",
    ("bertie.tasks", "bertie.server"): "tensors",
    ("bertie.tasks", "bertie.tasks"): (
        "calls=methods counting=token_counts schemes=iob_tags settle=common_settings stages=modules"
    ),
    ("bertie.tokenize", "bertie.tokenize"): (
        "added=added_tokens engine=backend foreign=hf_backend foreign_edits=hf_edits"
        " foreign_files=hf_files frame=special_tokens processor=post_processor"
        " stored=wordpiece_file"
    ),
    ("bertie.verify", "bertie.verify"): "outside=transformers_outputs",
}
MOVED = {
    f"{old}.{names[0]}": f"{new}.{names[-1]}"
    for (old, new), modules in _MOVES.items()
    for names in (module.split("=") for module in modules.split())
}
# What packages gave away themselves, and what of their modules that is.
EXPORTS = {
    "bertie.checkpoint": {
        "Bundle": "bundle.Bundle",
        "Checkpoint": "directory.Checkpoint",
        "Cut": "sentence_layout.TruncateDim",
        "Dense": "dense.Dense",
        "HeadLayer": "heads.HeadLayer",
        "HeadRecord": "heads.HeadRecord",
        "Normalize": "sentence_layout.Normalize",
        "SentenceLayout": "sentence_layout.SentenceLayout",
        "Tensor": "tensor.Tensor",
        "encoder_tensors": "shapes.encoder_tensors",
        "head_faults": "heads.head_errors",
        "read_layout": "sentence.read_layout",
        "require_files": "directory.require_files",
        "require_head": "heads.require_head",
    }
}
# Gone altogether: it imports as an empty package, so that what was in it is looked for.
_GONE = "bertie.server.engine"


def find_moved(name: str) -> ModuleSpec | None:
    """Find a module by its old name."""
    if name in MOVED or name == _GONE:
        return ModuleSpec(name, _Loader(), is_package=name == _GONE)  # type: ignore[arg-type]
    return None


def find_export(package: str, name: str) -> Any:
    """Find what a package gave away itself. Raises: AttributeError: it never did."""
    if name not in EXPORTS[package]:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    home = f"{package}.{EXPORTS[package][name]}"
    module, _, own = home.rpartition(".")
    value = getattr(import_module(module), own)
    _warn(f"{package}.{name}", home, stacklevel=3)
    setattr(sys.modules[package], name, value)
    return value


def _warn(old: str, new: str, stacklevel: int) -> None:
    """Warn of an old name, where it is used."""
    warn(
        f"{old} is {new} now; the next release no longer knows the old name",
        DeprecationWarning,
        stacklevel=stacklevel + 1,
    )


class _Loader:
    """Loads what an old name stands for."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to importlib to make a module, which is thrown away at once if it has moved."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Put the module where it is now in the place of the one by the old name."""
        old = module.__name__
        if old == _GONE:
            return
        _warn(old, MOVED[old], stacklevel=2)
        sys.modules[old] = import_module(MOVED[old])
