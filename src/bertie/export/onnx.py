"""Writing a model as ONNX, from its weights, for engines that aren't Bertie."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from reprlib import repr as shown
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.checkpoint.finite import require_finite
from bertie.checkpoint.heads import HeadRecord, heads, require_head
from bertie.checkpoint.sentence_layout import Normalize
from bertie.checkpoint.tensor import FLOAT_DTYPES
from bertie.engine import pooling
from bertie.engine.encoder import Encoder
from bertie.engine.heads import Head
from bertie.errors import CheckpointError, InputError, TaskError
from bertie.export.config_files import encoder_folder, write_config_files
from bertie.export.onnx_check import (
    Check,
    Expected,
    check_model,
    longest,
    require_runtime,
    sample,
)
from bertie.export.onnx_encoder import add_encoder
from bertie.export.onnx_file import add_metadata, write_model
from bertie.export.onnx_net import Net, import_onnx
from bertie.export.onnx_outputs import HIDDEN, SPAN, add_embedding, add_head, add_hidden
from bertie.export.staging import check_destination, staging_directory
from bertie.export.tokenizer_files import write_tokenizer
from bertie.loading.fingerprint import remembered_hash
from bertie.opened import Given, Opened, open_source
from bertie.system.disk import put_in_place
from bertie.tasks import embed
from bertie.tasks.embed_settings import FIRST_LAST
from bertie.tasks.modules import build_modules

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

OUTPUTS = ("hidden", "embedding", "logits")
MODEL = "model.onnx"

# What a caller may say instead of the checkpoint; the rest is no part of a graph.
_COMMON = {"activation", "config", "vocab", "lower"}
_ACCEPTED = {
    "hidden": _COMMON,
    "embedding": {*_COMMON, "pooling", "layers", "normalize", "dimensions"},
    "logits": _COMMON,
}
# Which head is meant where the caller doesn't say, if a checkpoint has several.
_HEADS = (
    "sequence_classification",
    "token_classification",
    "question_answering",
    "masked_lm",
    "next_sentence",
    "pooler",
)


@dataclass(frozen=True)
class ExportedOnnx:
    """What an export made.

    Attributes:
        path: the directory.
        files: the model, and its external data if it has any, relative to the directory.
        bytes: what those take.
        inputs, outputs: their names, in order.
        check: how it compares with the core.
    """

    path: Path
    files: tuple[str, ...]
    bytes: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    check: Check

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON knows it."""
        return {**asdict(self), "path": str(self.path)}


@dataclass(frozen=True)
class _Plan:
    """A graph, and what it should compute.

    Attributes:
        net: the graph.
        outputs: the names of what it gives.
        expected: the core.
        metadata: the rest of what there is to say about it.
    """

    net: Net
    outputs: tuple[str, ...]
    expected: Expected
    metadata: Mapping[str, Any]


def write_onnx(
    source: str | Path,
    destination: str | Path,
    *,
    output: str = "hidden",
    head: str | None = None,
    given: Given | None = None,
    external: bool | None = None,
) -> ExportedOnnx:
    """Write a model as ONNX, in float32, with its config and tokenizer beside it.

    The graph is of the standard's operators alone, takes any batch and length, and masks padding by
    attention_mask. onnxruntime has run it on real texts and the core has agreed, before anything
    stands under the destination's name; the largest difference is in the model's metadata.

    Args:
        source: a directory, or a name that `bertie pull` knows.
        destination: the directory to make.
        output: "hidden" gives last_hidden_state, (batch, sequence, hidden_size); "embedding" gives
            sentence_embedding, (batch, dimensions), pooled and put through the checkpoint's
            modules; "logits" gives a head's, (batch, outputs) or (batch, sequence, outputs), under
            the names that optimum gives them.
        head: for "logits", the kind of head; None for the first that the checkpoint has of
            sequence_classification, token_classification, question_answering, masked_lm,
            next_sentence, pooler.
        given: activation, config, vocab and lower instead of the checkpoint's; for "embedding"
            also pooling, layers, normalize and dimensions.
        external: whether weights go to a file of their own; None: where one file can't hold them.
    Raises: ExtraMissing: the packages onnx and onnxruntime aren't installed.
    Raises: InputError: the destination exists, or can't be written, or an option can't be.
    Raises: SourceError, CheckpointError, TokenizerError: as bertie.load; what was written differs
        from the core by more than 1e-4 of the largest number.
    Raises: TaskError: the checkpoint has no such head.
    """
    destination = Path(destination)
    given = given or Given()
    _check_options(output, head, given)
    import_onnx()
    require_runtime()
    if os.path.lexists(destination):
        raise InputError(f"{destination} exists already; name another place, or remove it yourself")
    check_destination(destination, file=False, force=False)
    opened = open_source(source, given)
    _require_writable(opened)
    plan = _PLANS[output](opened, head)
    with staging_directory(destination) as stage:
        made = stage / "onnx"
        made.mkdir()
        write_config_files(opened, made)
        _state_activation(opened, made)
        write_tokenizer(opened, made / encoder_folder(opened))
        path = made / encoder_folder(opened) / MODEL
        files = write_model(plan.net, path, _version(), external=external)
        import_onnx().checker.check_model(str(path))
        packed = sample(opened.tokenizer, longest(opened.config))
        check = check_model(path, packed, _padding(opened), plan.outputs, plan.expected)
        add_metadata(path, _metadata(opened, plan, check))
        size = sum(file.stat().st_size for file in files)
        put_in_place(made, destination, stage / "replaced")
    names = tuple(file.relative_to(made).as_posix() for file in files)
    return ExportedOnnx(destination, names, size, plan.net.inputs, plan.outputs, check)


def _check_options(output: str, head: str | None, given: Given) -> None:
    """Refuse options that can't be, before anything is read."""
    if output not in OUTPUTS:
        raise InputError(f"output is {shown(output)}, expected one of {', '.join(OUTPUTS)}")
    if head is not None and output != "logits":
        raise InputError(f"head is {shown(head)}, but output is {output}: only logits have a head")
    if head is not None and head not in _HEADS:
        raise InputError(f"head is {shown(head)}, expected one of {', '.join(_HEADS)}")
    if idle := sorted(set(given.stated()) - _ACCEPTED[output]):
        raise InputError(
            f"{', '.join(idle)}: given, but an ONNX graph of {output} has no place for it; it takes"
            f" {', '.join(sorted(_ACCEPTED[output]))}"
        )


def _require_writable(opened: Opened) -> None:
    """Refuse weights that were quantized, and numbers that are none."""
    quantized = [t.name for t in opened.tensors.values() if t.dtype not in FLOAT_DTYPES]
    if quantized:
        raise CheckpointError(
            f"{opened.directory}: {len(quantized)} tensors such as {quantized[0]} are quantized,"
            " but ONNX is written in float32: export the checkpoint that they were made of"
        )
    require_finite(opened.tensors.values())


def _plan_hidden(opened: Opened, head: str | None) -> _Plan:
    """Plan for the last hidden states."""
    net = Net()
    states = add_encoder(net, opened.config, opened.tensors)
    outputs = add_hidden(net, states[-1], opened.config.hidden_size)
    encoder = Encoder(opened.config, opened.tensors)

    def expected(ids: Ints, type_ids: Ints, lengths: Ints) -> dict[str, Floats]:
        return {HIDDEN: encoder.forward(ids, type_ids, lengths)}

    return _Plan(net, outputs, expected, {})


def _plan_embedding(opened: Opened, head: str | None) -> _Plan:
    """Plan for vectors."""
    prepared = embed.prepare(opened)
    settings = {name: setting.value for name, setting in prepared.settings.items()}
    if not settings["include_prompt"]:
        raise CheckpointError(
            f"{opened.directory}: its pooling leaves the prompt's tokens out, which a graph doesn't"
            " know of: export it with output hidden, and pool what that gives"
        )
    modes, layers, normalize = settings["pooling"], settings["layers"], settings["normalize"]
    average = modes == (FIRST_LAST,)
    if average:
        modes, layers = ("mean",), (1, -1)
    built, width = build_modules(opened.layout), prepared.dimensions or 0
    net = Net()
    states = add_encoder(net, opened.config, opened.tensors)
    pooled = [states[layer] for layer in layers]
    modules = [*opened.layout.modules[: len(built)], *([Normalize()] if normalize else [])]
    outputs = add_embedding(net, pooled, modes, modules, width, average=average)
    encoder = Encoder(opened.config, opened.tensors)

    def expected(ids: Ints, type_ids: Ints, lengths: Ints) -> dict[str, Floats]:
        vectors = encoder.forward_pooled(ids, type_ids, lengths, modes, layers=layers)
        if average:
            first, last = np.split(vectors, 2, axis=1)
            vectors = (first + last) / np.float32(2)
        for module in built:
            vectors = module.run(vectors)
        vectors = np.ascontiguousarray(vectors[:, :width])
        return {outputs[0]: pooling.normalize(vectors) if normalize else vectors}

    metadata = {
        "pooling": list(settings["pooling"]),
        "layers": list(layers),
        "modules": prepared.modules,
        "normalize": normalize,
    }
    return _Plan(net, outputs, expected, metadata)


def _plan_logits(opened: Opened, head: str | None) -> _Plan:
    """Plan for a head's logits."""
    record = _head(opened, head)
    require_finite(record.tensors.values())
    net = Net()
    states = add_encoder(net, opened.config, opened.tensors)
    outputs = add_head(net, states[-1], record)
    encoder, ready = Encoder(opened.config, opened.tensors), Head(record)

    def expected(ids: Ints, type_ids: Ints, lengths: Ints) -> dict[str, Floats]:
        logits = ready.of_sequences(encoder.forward(ids, type_ids, lengths), lengths)
        if outputs == SPAN:
            return {name: logits[:, number] for number, name in enumerate(outputs)}
        return {outputs[0]: logits}

    return _Plan(net, outputs, expected, {"head": record.kind, "labels": list(record.labels)})


_PLANS: Mapping[str, Callable[[Opened, str | None], _Plan]] = {
    "hidden": _plan_hidden,
    "embedding": _plan_embedding,
    "logits": _plan_logits,
}


def _head(opened: Opened, kind: str | None) -> HeadRecord:
    """Find the head that is meant."""
    found = heads(opened.checkpoint)
    wanted = kind or next((kind for kind in _HEADS if kind in found), None)
    record = require_head(opened.checkpoint, wanted) if wanted else None
    if record is None:
        raise TaskError(
            f"{opened.directory}: the checkpoint has no head{f' for {kind}' if kind else ''};"
            f" it has {', '.join(found) or 'none'}"
        )
    return record


def _state_activation(opened: Opened, made: Path) -> None:
    """Have the config say what the caller said."""
    if opened.given.activation is None:
        return
    path = made / encoder_folder(opened) / "config.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    text = json.dumps({**raw, "hidden_act": opened.given.activation}, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def _padding(opened: Opened) -> int:
    """Find the id of the padding token; where there is none, any id will do."""
    if opened.config.position_padding is not None:
        return opened.config.position_padding
    token = opened.tokenizer.settings["pad_token"].value
    return opened.tokenizer.vocab.ids.get(token, 0)


def _metadata(opened: Opened, plan: _Plan, check: Check) -> dict[str, str]:
    """Say in the model what it is and how it was checked."""
    return {
        "bertie": _version(),
        "model_type": opened.config.model_type,
        "max_positions": str(opened.config.positions),
        "tensors_sha256": remembered_hash(opened.tensors, opened.checkpoint.files),
        **{name: json.dumps(value) for name, value in plan.metadata.items()},
        **{f"check_{name}": str(value) for name, value in asdict(check).items()},
    }


def _version() -> str:
    """The version that writes."""
    try:
        return version("bertie")
    except PackageNotFoundError:
        return "unknown"
