"""Make tests/data/frameworks: models as sentence-transformers and transformers save them.

Needs torch, transformers (5 or later) and sentence-transformers (6 or later), none of which the
tests need:

    PYTHONPATH=. python scripts/make_framework_fixtures.py [ARCHITECTURE]...

Every model is built by its framework's own classes on the tiny BERT (scripts/make_fixtures.py), or
on a tiny config of another architecture, saved by the framework's own method, and run after it was
loaded again; PyLate's layout is written by hand. An archive holds a folder for each model; beside
what was saved it has expected.npz, what came out. What models have in common is stored once, for
the archives are compressed whole.
"""

import json
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy as np
import torch
import transformers
from sentence_transformers import (
    CrossEncoder,
    MultiVectorEncoder,
    SentenceTransformer,
    SparseEncoder,
)
from sentence_transformers.base.modules import Dense, Normalize, Router, Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from sentence_transformers.sentence_transformer.modules import (
    Dropout,
    LayerNorm,
    Pooling,
    StaticEmbedding,
)
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling

from bertie.checkpoint.architectures import ARCHITECTURES
from bertie.known.modern_model import AUTHORS, MODERN
from tests.frameworks import DATA as MADE
from tests.frameworks import PAIRS, TEXTS
from tests.tasks.heads import add_projection, as_pylate

transformers.logging.disable_progress_bar()

TESTS = Path(__file__).resolve().parent.parent / "tests"
BERT = str(TESTS / "data" / "tiny-bert")
HIDDEN = 24


def shake(parameters: Iterable[Any], by: float = 0.4) -> None:
    """Give parameters values that differ visibly from those of their first making."""
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(torch.randn(parameter.shape, generator=generator) * by)


def shaken(module: Any, by: float = 0.4) -> Any:
    """Shake a module's parameters."""
    shake(module.parameters(), by)
    return module


def cross_encoder(labels: int, **options: Any) -> CrossEncoder:
    """Make a cross-encoder whose scores differ visibly."""
    model = CrossEncoder(BERT, num_labels=labels, device="cpu", **options)
    shaken(model.transformers_model.classifier)
    return model


def sentence(*modules: Any, **options: Any) -> SentenceTransformer:
    """Make a sentence encoder."""
    return SentenceTransformer(modules=[Transformer(BERT), *modules], device="cpu", **options)


def splade(activation: str, **options: Any) -> SparseEncoder:
    """Make a sparse encoder whose head differs visibly."""
    encoder = Transformer(BERT, transformer_task="fill-mask")
    shaken(encoder.model.cls)
    pooling = SpladePooling("max", activation_function=activation)
    return SparseEncoder(modules=[encoder, pooling], device="cpu", **options)


def multi_vector(skipped: list[str], encoder: dict[str, Any], **options: Any) -> MultiVectorEncoder:
    """Make a multi-vector encoder."""
    identity = torch.nn.Identity()
    projection = shaken(
        Dense(
            HIDDEN,
            6,
            bias=False,
            activation_function=identity,
            module_input_name="token_embeddings",
        )
    )
    return MultiVectorEncoder(
        modules=[
            Transformer(BERT, **encoder),
            projection,
            MultiVectorMask(skipped),
            Normalize("token_embeddings"),
        ],
        device="cpu",
        **options,
    )


def routed(kind: type, route: Any, *rest: Any) -> Any:
    """Make an encoder that sends queries and documents through different modules."""
    router = Router.for_query_document(
        query_modules=[route], document_modules=[Transformer(BERT), *rest]
    )
    return kind(modules=[router], device="cpu")


MODES = ("mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
PROMPTS = {"query": "what is ", "document": "", "song": "a song of "}

# Name → what makes the model; those of REFUSED aren't run.
MODELS: dict[str, Callable[[], Any]] = {
    **{f"sentence-{mode}": lambda mode=mode: sentence(Pooling(HIDDEN, mode)) for mode in MODES},
    "sentence-dense": lambda: sentence(
        Pooling(HIDDEN, ("cls", "mean")), shaken(Dense(2 * HIDDEN, 10)), Dropout(0.1), Normalize()
    ),
    "sentence-prompts": lambda: sentence(
        Pooling(HIDDEN, "mean", include_prompt=False),
        Normalize(),
        prompts=PROMPTS,
        default_prompt_name="song",
        similarity_fn_name="dot",
    ),
    "sentence-truncated": lambda: sentence(Pooling(HIDDEN), truncate_dim=8),
    "sentence-truncated-normalized": lambda: sentence(Pooling(HIDDEN), Normalize(), truncate_dim=8),
    "sentence-processing": lambda: SentenceTransformer(
        modules=[
            Transformer(BERT, max_seq_length=20, processing_kwargs={"text": {"max_length": 9}}),
            Pooling(HIDDEN),
        ],
        device="cpu",
    ),
    "cross-1": lambda: cross_encoder(1),
    "cross-1-identity": lambda: cross_encoder(
        1,
        activation_fn=torch.nn.Identity(),
        max_length=20,
        prompts={"rank": "rain and "},
        default_prompt_name="rank",
    ),
    "cross-3": lambda: cross_encoder(3),
    "cross-3-sigmoid": lambda: cross_encoder(3, activation_fn=torch.nn.Sigmoid()),
    "sparse": lambda: splade("relu"),
    "sparse-limited": lambda: splade(
        "log1p_relu",
        max_active_dims=5,
        prompts={"document": "rain "},
        default_prompt_name="document",
    ),
    "multi-vector": lambda: multi_vector(
        [".", ",", "!"], {"document_length": 12}, prompts={"query": "who ", "document": "stone "}
    ),
    "multi-vector-expanded": lambda: multi_vector(
        [],
        {
            "document_length": 30,
            "query_expansion": {"strategy": "fixed", "length": 12, "attend": False},
        },
    ),
    "multi-vector-least": lambda: multi_vector(
        ["rain"],
        {"query_expansion": {"strategy": "min", "length": 12, "attend": True, "token": "stone"}},
    ),
}
REFUSED: dict[str, Callable[[], Any]] = {
    "sentence-router": lambda: routed(SentenceTransformer, Transformer(BERT), Pooling(HIDDEN)),
    "sentence-static": lambda: SentenceTransformer(
        modules=[
            StaticEmbedding(transformers.AutoTokenizer.from_pretrained(BERT), embedding_dim=8)
        ],
        device="cpu",
    ),
    "sentence-layer-norm": lambda: sentence(Pooling(HIDDEN), LayerNorm(HIDDEN)),
    "sentence-residual": lambda: sentence(
        Pooling(HIDDEN), Dense(HIDDEN, HIDDEN, use_residual=True)
    ),
    "sparse-autoencoder": lambda: SparseEncoder(BERT, device="cpu"),
    "sparse-router": lambda: SparseEncoder(
        modules=[
            Router.for_query_document(
                query_modules=[
                    SparseStaticEmbedding(transformers.AutoTokenizer.from_pretrained(BERT))
                ],
                document_modules=[
                    Transformer(BERT, transformer_task="fill-mask"),
                    SpladePooling("max"),
                ],
            )
        ],
        device="cpu",
    ),
    "sparse-sum": lambda: SparseEncoder(
        modules=[Transformer(BERT, transformer_task="fill-mask"), SpladePooling("sum")],
        device="cpu",
    ),
}


def outputs(model: Any) -> dict[str, np.ndarray]:
    """Run a model of sentence-transformers."""
    if isinstance(model, CrossEncoder):
        return {"scores": model.predict(PAIRS)}
    if isinstance(model, MultiVectorEncoder):
        found = {}
        for kind, encode in (("query", model.encode_query), ("document", model.encode_document)):
            vectors = [np.asarray(rows) for rows in encode(TEXTS)]
            found[kind] = np.concatenate(vectors)
            found[f"{kind}_tokens"] = np.array([len(rows) for rows in vectors])
        return found
    if isinstance(model, SparseEncoder):
        return {"vectors": model.encode(TEXTS, convert_to_sparse_tensor=False).numpy()}
    return {
        "vectors": model.encode(TEXTS),
        "query": model.encode_query(TEXTS),
        "document": model.encode_document(TEXTS),
    }


def packed(directory: Path, name: str) -> None:
    """Put a directory into an archive, without what is for people."""
    with tarfile.open(MADE / f"{name}.tar.xz", "w:xz", preset=9) as archive:
        for path in sorted(directory.rglob("*")):
            if path.is_file() and path.name != "README.md":
                entry = tarfile.TarInfo(path.relative_to(directory).as_posix())
                entry.size = path.stat().st_size
                with path.open("rb") as file:
                    archive.addfile(entry, file)


def save_library(directory: Path, make: Callable[[], Any], *, run: bool) -> None:
    """Save a model of sentence-transformers, load it again, and run it."""
    torch.manual_seed(3)
    model = make()
    model.save_pretrained(str(directory))
    if run:
        loaded = type(model)(str(directory), device="cpu")
        np.savez(directory / "expected.npz", **outputs(loaded))


def save_pylate(directory: Path) -> None:
    """Write a model as PyLate does, which isn't needed for it, and run it by the library."""
    shutil.copytree(BERT, directory)
    add_projection(directory)
    as_pylate(directory, model_type="ColBERT", document_prefix="[unused0]")
    loaded = MultiVectorEncoder(str(directory), device="cpu")
    np.savez(directory / "expected.npz", **outputs(loaded))


TOKENS = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
DISTANCES = {
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "max_relative_positions": 6,
    "type_vocab_size": 2,
}
# What shows that an option is read.
OPTIONS: dict[str, dict[str, Any]] = {
    "modernbert": {**TOKENS, "cls_token_id": 2, "sep_token_id": 3, "local_attention": 6},
    "deberta": DISTANCES,
    "deberta-v2": {
        **DISTANCES,
        "position_buckets": 4,
        "share_att_key": True,
        "norm_rel_ebd": "layer_norm",
        "conv_kernel_size": 3,
        "conv_act": "gelu",
    },
    "eurobert": {**TOKENS, "mask_token_id": 4, "num_key_value_heads": 1},
}


def sizes(architecture: str) -> dict[str, Any]:
    """Give a tiny config of one architecture, with the tiny BERT's vocabulary."""
    common = {
        "vocab_size": json.loads((Path(BERT) / "config.json").read_text())["vocab_size"],
        "max_position_embeddings": 66,
    }
    # Of names that authors and transformers have for one field, transformers' are its own.
    own = architecture in MODERN
    keys: Mapping[str, tuple[str, ...]] = {} if own else ARCHITECTURES[architecture].keys
    layers = {"hidden_size": 16, "num_hidden_layers": 2}
    layers |= {"num_attention_heads": 2, "intermediate_size": 24}
    found = {**common, **{keys.get(field, (field,))[0]: size for field, size in layers.items()}}
    if architecture in ("electra", "albert"):
        found["embedding_size"] = 12
    if architecture in ("roberta", "xlm-roberta", "camembert"):
        found.update(pad_token_id=1, type_vocab_size=1)
    return found | OPTIONS.get(architecture, {})


# How a class's name ends → how many outputs it is given, if it takes a number.
HEADS: dict[str, int | None] = {
    "Model": None,
    "ForPreTraining": None,
    "ForMaskedLM": None,
    "LMHeadModel": None,
    "ForCausalLM": None,
    "ForNextSentencePrediction": None,
    "ForSequenceClassification": 3,
    "ForMultipleChoice": None,
    "ForTokenClassification": 4,
    "ForQuestionAnswering": None,
}


def classes(architecture: str) -> Iterator[type]:
    """Find the classes of an architecture that can be saved."""
    config = transformers.CONFIG_MAPPING[architecture]
    stem = config.__name__.removesuffix("Config")
    for ending in HEADS:
        found = getattr(transformers, stem + ending, None)
        if found is not None:
            yield found


def save_heads(architecture: str) -> None:
    """Save every class of an architecture, each in a folder, and run it on token ids."""
    first, *others = classes(architecture)
    torch.manual_seed(5)
    ids = torch.tensor([[2, 9, 31, 44, 3, 17, 60, 3]])
    config = transformers.CONFIG_MAPPING[architecture](**sizes(architecture))
    with tempfile.TemporaryDirectory() as scratch:
        encoder = shaken(first(config), 0.2)
        encoder.save_pretrained(f"{scratch}/base")
        common = {name for name, _ in encoder.named_parameters()}
        for kind in (first, *others):
            ending = next(one for one in HEADS if kind.__name__.endswith(one))
            number = HEADS[ending]
            labels = {} if number is None else {"num_labels": number}
            model = kind.from_pretrained(f"{scratch}/base", **labels)
            own = (p for n, p in model.named_parameters() if n.partition(".")[2] not in common)
            shake([] if kind is first else own)
            directory = Path(scratch) / "heads" / kind.__name__
            model.save_pretrained(str(directory))
            if architecture in MODERN:
                transformers.AutoTokenizer.from_pretrained(BERT).save_pretrained(str(directory))
            else:
                for name in ("vocab.txt", "tokenizer_config.json"):
                    shutil.copy(Path(BERT) / name, directory)
            loaded = kind.from_pretrained(str(directory)).eval()
            given = ids.unsqueeze(1) if ending == "ForMultipleChoice" else ids
            with torch.no_grad():
                found = loaded(input_ids=given)
            arrays = {
                name: value.numpy() for name, value in found.items() if torch.is_tensor(value)
            }
            np.savez(directory / "expected.npz", ids=ids.numpy(), **arrays)
        packed(Path(scratch) / "heads", architecture)


def main(architectures: list[str]) -> None:
    """Replace the fixtures of some architectures, or all."""
    for architecture in architectures:
        save_heads(architecture)
    if architectures:
        return
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        for name, make in (MODELS | REFUSED).items():
            save_library(Path(scratch) / name, make, run=name in MODELS)
        save_pylate(Path(scratch) / "multi-vector-pylate")
        packed(Path(scratch), "sentence-transformers")
    for architecture in ARCHITECTURES:
        if architecture not in AUTHORS:
            save_heads(architecture)


if __name__ == "__main__":
    main(sys.argv[1:])
