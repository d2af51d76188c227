"""The engines: how each is installed, and how it is made to turn texts into vectors."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Floats]

BATCH = 32  # texts


@dataclass(frozen=True)
class ModelFiles:
    """Where a model's files are: as trained, and in the engines' own formats."""

    checkpoint: Path
    work: Path


@dataclass(frozen=True)
class LoadedEngine:
    """An engine with its model loaded.

    Attributes:
        embed: texts to vectors, in the texts' order.
        notes: what it says it runs in, by name.
    """

    embed: Embed
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class Engine:
    """One way to embed texts.

    Attributes:
        key: how results name it.
        name: how tables name it.
        precision: what was asked of it.
        modules: what must be importable.
        install: the command that installs it.
        formats: the files that it wants, keys of formats.FORMATS.
        load: loads a model with a number of threads.
        any_shape: whether it is for shapes other than BERT's alone, or, False, for BERT's alone;
            None: for all.
    """

    key: str
    name: str
    precision: str
    modules: tuple[str, ...]
    install: str
    formats: tuple[str, ...]
    load: Callable[[ModelFiles, int], LoadedEngine]
    any_shape: bool | None = None


def load_bertie(precision: str, files: ModelFiles, threads: int) -> LoadedEngine:
    """Load Bertie as anybody would."""
    from bertie.loading.load import load

    model = load(files.checkpoint, precision=precision, threads=threads)

    def embed(texts: Sequence[str]) -> Floats:
        return model.embed(texts[0])[None] if len(texts) == 1 else model.embed(texts)

    return LoadedEngine(embed, {"isa": model.encoder.isa, "precision": model.info().precision})


def load_sentence_transformers(files: ModelFiles, threads: int) -> LoadedEngine:
    """Load sentence-transformers as its documentation does; it sorts by length by itself."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    model = SentenceTransformer(str(files.checkpoint), device="cpu")

    def embed(texts: Sequence[str]) -> Floats:
        vectors = model.encode(list(texts), batch_size=BATCH, show_progress_bar=False)
        return np.asarray(vectors, np.float32)

    return LoadedEngine(
        embed, {"torch": torch.__version__, "dtype": str(next(model.parameters()).dtype)}
    )


class PaddedEmbedder:
    """Around a peer that wants padded batches: tokenize, sort, pad, average, scale."""

    def __init__(self, files: ModelFiles, run: Callable[[Any, Any, Any], Any], kind: type) -> None:
        """Args: run: ids, mask and types, (batch, tokens), to hidden states; kind: their dtype."""
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(files.checkpoint / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(longest(files.checkpoint))
        self._run = run
        self._kind = kind

    def __call__(self, texts: Sequence[str]) -> Floats:
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        ids = [encoding.ids for encoding in encodings]
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        parts = [self._batch([ids[i] for i in order[a : a + BATCH]]) for a in _starts(len(order))]
        vectors = np.empty((len(ids), parts[0].shape[1]), np.float32)
        vectors[order] = np.concatenate(parts)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def _batch(self, ids: Sequence[Sequence[int]]) -> Floats:
        """Embed one batch, the longest first."""
        padded = np.zeros((len(ids), len(ids[0])), self._kind)
        mask = np.zeros_like(padded)
        for row, some in enumerate(ids):
            padded[row, : len(some)] = some
            mask[row, : len(some)] = 1
        hidden = self._run(padded, mask, np.zeros_like(padded))
        weights = (mask / mask.sum(axis=1, keepdims=True)).astype(np.float32)
        pooled: Floats = (weights[:, None, :] @ hidden)[:, 0]
        return pooled


def longest(checkpoint: Path) -> int:
    """The most tokens of a text, as sentence-transformers reads it from the checkpoint."""
    for name, key in (
        ("sentence_bert_config.json", "max_seq_length"),
        ("tokenizer_config.json", "model_max_length"),
    ):
        path = checkpoint / name
        if path.exists():
            return int(json.loads(path.read_text(encoding="utf-8"))[key])
    raise SystemExit(f"{checkpoint} does not say how long a text may be")


def _starts(count: int) -> range:
    return range(0, count, BATCH)


def load_onnxruntime(format: str, files: ModelFiles, threads: int) -> LoadedEngine:
    """Run a graph in ONNX Runtime with its default options."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(files.work / format), options, providers=["CPUExecutionProvider"]
    )
    names = [given.name for given in session.get_inputs()]

    def run(ids: Any, mask: Any, types: Any) -> Any:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        return session.run(None, {name: given[name] for name in names})[0]

    return LoadedEngine(
        PaddedEmbedder(files, run, np.int64), {"onnxruntime": onnxruntime.__version__}
    )


def load_openvino(precision: str, files: ModelFiles, threads: int) -> LoadedEngine:
    """Run the exported graph in OpenVINO, one stream that uses all threads."""
    import openvino

    compiled = openvino.Core().compile_model(
        str(files.work / "model.onnx"),
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        },
    )
    request = compiled.create_infer_request()

    def run(ids: Any, mask: Any, types: Any) -> Any:
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        return request.infer(given, share_inputs=True, share_outputs=True)[0]

    ran = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    return LoadedEngine(
        PaddedEmbedder(files, run, np.int64), {"openvino": openvino.__version__, "precision": ran}
    )


def load_ctranslate2(files: ModelFiles, threads: int) -> LoadedEngine:
    """Run CTranslate2's encoder, int8."""
    import ctranslate2

    encoder = ctranslate2.Encoder(
        str(files.work / "ctranslate2-int8"),
        device="cpu",
        compute_type="int8",
        inter_threads=1,
        intra_threads=threads,
    )

    def run(ids: Any, mask: Any, types: Any) -> Any:
        lengths = ctranslate2.StorageView.from_array(mask.sum(axis=1, dtype=np.int32))
        given = ctranslate2.StorageView.from_array(ids)
        return np.array(encoder.forward_batch(given, lengths).last_hidden_state)

    return LoadedEngine(
        PaddedEmbedder(files, run, np.int32),
        {"ctranslate2": ctranslate2.__version__, "compute_type": encoder.compute_type},
    )


_PADDED = "tokenizers"
ENGINES = (
    *(
        Engine(
            f"bertie-{precision}",
            "Bertie",
            precision,
            ("bertie",),
            "pip install .",
            (),
            partial(load_bertie, precision),
        )
        for precision in ("float32", "bfloat16", "int8")
    ),
    Engine(
        "sentence-transformers",
        "sentence-transformers",
        "float32",
        ("sentence_transformers",),
        "pip install sentence-transformers",
        (),
        load_sentence_transformers,
    ),
    Engine(
        "onnxruntime-float32",
        "ONNX Runtime, fused",
        "float32",
        ("onnxruntime", "onnx", _PADDED),
        "pip install onnxruntime onnx tokenizers",
        ("fused.onnx",),
        partial(load_onnxruntime, "fused.onnx"),
        any_shape=False,
    ),
    Engine(
        "onnxruntime-int8",
        "ONNX Runtime, dynamic",
        "int8",
        ("onnxruntime", "onnx", _PADDED),
        "pip install onnxruntime onnx tokenizers",
        ("int8.onnx",),
        partial(load_onnxruntime, "int8.onnx"),
        any_shape=False,
    ),
    Engine(
        "onnxruntime-plain",
        "ONNX Runtime",
        "float32",
        ("onnxruntime", "onnx", _PADDED),
        "pip install onnxruntime onnx tokenizers",
        ("model.onnx",),
        partial(load_onnxruntime, "model.onnx"),
        any_shape=True,
    ),
    Engine(
        "onnxruntime-plain-int8",
        "ONNX Runtime, dynamic",
        "int8",
        ("onnxruntime", "onnx", _PADDED),
        "pip install onnxruntime onnx tokenizers",
        ("plain-int8.onnx",),
        partial(load_onnxruntime, "plain-int8.onnx"),
        any_shape=True,
    ),
    *(
        Engine(
            f"openvino-{precision}",
            "OpenVINO",
            precision,
            ("openvino", "onnx", _PADDED),
            "pip install openvino onnx tokenizers",
            ("model.onnx",),
            partial(load_openvino, hint),
        )
        for precision, hint in (("float32", "f32"), ("bfloat16", "bf16"))
    ),
    Engine(
        "ctranslate2-int8",
        "CTranslate2",
        "int8",
        ("ctranslate2", _PADDED),
        "pip install ctranslate2 tokenizers",
        ("ctranslate2-int8",),
        load_ctranslate2,
        any_shape=False,
    ),
)

# Keys of engines that a CPU without bfloat16 runs in software, too slowly to wait for.
EMULATED_WITHOUT_BFLOAT16 = ("openvino-bfloat16",)
