"""Copies of the tiny BERT with random heads of every kind."""

import json
from pathlib import Path

import numpy as np
import safetensors.numpy

from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.shapes import encoder_tensors
from bertie.engine import reference
from bertie.tasks.multivector import METADATA
from tests.editing import edit_json, edit_tensors

DATA = Path(__file__).resolve().parents[1] / "data"
HIDDEN = 24

CLASSES = {
    "sequence_classification": "BertForSequenceClassification",
    "token_classification": "BertForTokenClassification",
    "question_answering": "BertForQuestionAnswering",
    "next_sentence": "BertForNextSentencePrediction",
    "masked_lm": "BertForMaskedLM",
}
_MODULES = {
    "sequence_classification": "classifier",
    "token_classification": "classifier",
    "question_answering": "qa_outputs",
    "next_sentence": "cls.seq_relationship",
}


def add_head(
    directory: Path, kind: str, outputs: int, labels: list[str] | None = None, **config: object
) -> None:
    """Give a copy of the tiny BERT a head whose logits differ visibly from text to text."""
    random = np.random.default_rng(5)
    head = {
        f"{_MODULES[kind]}.weight": random.normal(0, 0.7, (outputs, HIDDEN)),
        f"{_MODULES[kind]}.bias": random.normal(0, 0.3, outputs),
    }
    edit_tensors(
        directory, lambda tensors: {**tensors, **{k: v.astype("f4") for k, v in head.items()}}
    )
    named = {} if labels is None else {"id2label": {str(i): v for i, v in enumerate(labels)}}
    edit_json(directory / "config.json", architectures=[CLASSES[kind]], **named, **config)


def add_fill_head(directory: Path) -> None:
    """Let a copy of the tiny BERT fill masks, at random, by its own word embeddings."""
    random = np.random.default_rng(9)
    head = {
        "cls.predictions.transform.dense.weight": random.normal(0, 0.5, (HIDDEN, HIDDEN)),
        "cls.predictions.transform.dense.bias": random.normal(0, 0.5, HIDDEN),
        "cls.predictions.transform.LayerNorm.weight": random.normal(1, 0.2, HIDDEN),
        "cls.predictions.transform.LayerNorm.bias": random.normal(0, 0.2, HIDDEN),
    }

    def add(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        words = len(tensors["embeddings.word_embeddings.weight"])
        head["cls.predictions.bias"] = random.normal(0, 0.5, words)
        return {**tensors, **{name: values.astype("f4") for name, values in head.items()}}

    edit_tensors(directory, add)
    edit_json(directory / "config.json", architectures=[CLASSES["masked_lm"]])


def with_stored_weights(directory: Path, name: str) -> dict[str, np.ndarray]:
    """Give a copy the head's weights that scripts/make_head_fixtures.py ran, and say what came."""
    with np.load(DATA / "tiny-heads" / f"{name}.npz") as file:
        stored = dict(file)
    weights = {
        key.removeprefix("weights/"): stored[key] for key in stored if key.startswith("weights/")
    }
    edit_tensors(directory, lambda tensors: {**tensors, **weights})
    return stored


def add_projection(directory: Path) -> None:
    """Make a copy of the tiny BERT a ColBERT of six dimensions, at random."""
    weight = np.random.default_rng(4).normal(0, 0.5, (6, HIDDEN)).astype("f4")
    edit_tensors(directory, lambda tensors: {**tensors, "linear.weight": weight})
    edit_json(directory / "config.json", architectures=["HF_ColBERT"])
    settings = {"query_maxlen": 12, "doc_maxlen": 30, "doc_token_id": "song"}
    (directory / METADATA).write_text(json.dumps(settings))


def as_pylate(directory: Path, **settings: object) -> None:
    """Write a tiny ColBERT's projection and settings as PyLate saves them instead."""
    weights: dict[str, np.ndarray] = {}

    def without(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        weights["linear.weight"] = tensors.pop("linear.weight")
        return tensors

    edit_tensors(directory, without)
    (directory / METADATA).unlink()
    (directory / "1_Dense").mkdir()
    safetensors.numpy.save_file(weights, directory / "1_Dense/model.safetensors")
    outputs, inputs = weights["linear.weight"].shape
    files = {
        "1_Dense/config.json": {
            "in_features": inputs,
            "out_features": outputs,
            "bias": False,
            "activation_function": "torch.nn.modules.linear.Identity",
            "use_residual": False,
        },
        "modules.json": [
            {
                "idx": 0,
                "name": "0",
                "path": "",
                "type": "sentence_transformers.models.Transformer.Transformer",
            },
            {"idx": 1, "name": "1", "path": "1_Dense", "type": "pylate.models.Dense.Dense"},
        ],
        "sentence_bert_config.json": {"max_seq_length": 11, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "similarity_fn_name": "MaxSim",
            "query_prefix": "[unused0]",
            "document_prefix": "song",
            "query_length": 12,
            "document_length": 30,
            **settings,
        },
    }
    for name, content in files.items():
        (directory / name).write_text(json.dumps(content))


def as_sparse_encoder(directory: Path, **settings: object) -> None:
    """Put sentence-transformers' files of a sparse encoder around a tiny BERT that fills masks."""
    library = "sentence_transformers.sparse_encoder.modules"
    modules = [
        {"path": "", "type": f"{library}.mlm_transformer.MLMTransformer"},
        {"path": "1_SpladePooling", "type": f"{library}.splade_pooling.SpladePooling"},
    ]
    (directory / "modules.json").write_text(json.dumps(modules))
    (directory / "1_SpladePooling").mkdir(exist_ok=True)
    content = {"pooling_strategy": "max", "embedding_dimension": None, **settings}
    (directory / "1_SpladePooling/config.json").write_text(json.dumps(content))


def logits(directory: Path, kind: str, ids: list[int], type_ids: list[int]) -> np.ndarray:
    """Compute a head's logits in float64, by hand: (outputs,) or (tokens, outputs)."""
    checkpoint = Checkpoint.open(directory)
    arrays = {name: t.float32() for name, t in encoder_tensors(checkpoint).items()}
    raw = safetensors.numpy.load_file(directory / "model.safetensors")
    hidden = reference.forward(
        checkpoint.config,
        arrays,
        np.array(ids, np.int32),
        np.array(type_ids, np.int32),
        np.array([len(ids)], np.int32),
    )[-1]
    if kind in ("sequence_classification", "next_sentence"):
        pooler = raw["pooler.dense.weight"], raw["pooler.dense.bias"]
        hidden = np.tanh(hidden[0] @ pooler[0].T + pooler[1])
    module = _MODULES[kind]
    return hidden @ raw[f"{module}.weight"].T + raw[f"{module}.bias"]


def labels_of(directory: Path) -> dict[str, str]:
    """Read a copy's labels."""
    labels: dict[str, str] = json.loads((directory / "config.json").read_text())["id2label"]
    return labels
