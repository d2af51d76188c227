"""Make tests/data/architectures: what transformers computes for each architecture and head.

Needs torch and transformers, neither of which the tests need:

    python scripts/make_architecture_fixtures.py [NAME]...

Weights aren't stored: they follow from the tensors' names (tests/random_weights.py). The sizes are
awkward on purpose, and the activations such that a head with another than the layers' shows.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bertie.checkpoint.architectures import ARCHITECTURES  # noqa: E402
from tests.random_weights import random_weights  # noqa: E402

DATA = ROOT / "tests" / "data" / "architectures"

SIZES: dict[str, Any] = {
    "vocab_size": 101,
    "hidden_size": 30,
    "num_hidden_layers": 3,
    "num_attention_heads": 5,
    "intermediate_size": 42,
    "max_position_embeddings": 40,
}
DISTILBERT_SIZES = {
    "vocab_size": 101,
    "dim": 30,
    "n_layers": 3,
    "n_heads": 5,
    "hidden_dim": 42,
    "max_position_embeddings": 40,
}
GROUPS = {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2}

# By architecture.
CONFIGS: dict[str, dict[str, Any]] = {
    "bert": SIZES,
    "roberta": {**SIZES, "hidden_act": "relu", "layer_norm_eps": 1e-5},
    "xlm-roberta": {**SIZES, "type_vocab_size": 1, "pad_token_id": 3},
    "camembert": {**SIZES, "type_vocab_size": 1, "pad_token_id": 0},
    "distilbert": {**DISTILBERT_SIZES, "activation": "relu"},
    "electra": {**SIZES, "embedding_size": 14, "hidden_act": "relu"},
    "albert": {**SIZES, **GROUPS, "embedding_size": 14},
    # Its distances are told apart up to 128 tokens.
    "mpnet": {**SIZES, "max_position_embeddings": 150, "layer_norm_eps": 1e-5},
}
ENDINGS = {
    "sequence_classification": "ForSequenceClassification",
    "token_classification": "ForTokenClassification",
    "question_answering": "ForQuestionAnswering",
    "masked_lm": "ForMaskedLM",
    "next_sentence": "ForNextSentencePrediction",
    "pooler": "Model",
}
LABELS = {"sequence_classification": 3, "token_classification": 5}

LENGTHS = [9, 1, 5, 17]
LONG = 140


def build(start: str, kind: str, raw: dict[str, Any]) -> Any:
    """Build a class, if the architecture has it, with weights that follow from their names."""
    ending = ENDINGS[kind]
    made = getattr(transformers, f"{start}{ending}", None)
    if made is None:
        return None
    config = getattr(transformers, f"{start}Config")(
        **raw, num_labels=LABELS.get(kind, 2), attn_implementation="eager"
    )
    config.architectures = [f"{start}{ending}"]
    model = made(config).eval()
    weights = random_weights(shapes(model), model.base_model_prefix)
    model.load_state_dict({name: torch.tensor(w) for name, w in weights.items()}, strict=False)
    return model


def shapes(model: Any) -> dict[str, list[int]]:
    """List what a file of the model would hold: tied tensors once."""
    tied = set(getattr(model, "all_tied_weights_keys", {}))
    return {name: list(t.shape) for name, t in model.state_dict().items() if name not in tied}


def inputs(raw: dict[str, Any], name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw sequences of ids with type ids; the padding token stands amid some of them."""
    random = np.random.RandomState(7)
    lengths = [*LENGTHS, LONG] if name == "mpnet" else LENGTHS
    typed = name in ("bert", "electra", "albert")
    drawn = []
    for length in lengths:
        ids = random.randint(0, raw["vocab_size"], length)
        ids[length // 2 : length // 2 + length // 5] = raw.get("pad_token_id", 1)
        types = (np.arange(length) >= length // 2).astype(int) * typed
        drawn.append((ids.astype(np.int32), types.astype(np.int32)))
    return drawn


@torch.no_grad()
def run(model: Any, drawn: list[tuple[np.ndarray, np.ndarray]]) -> list[Any]:
    """Run every sequence alone, so that no padding takes part."""
    outputs = []
    for ids, types in drawn:
        given = {"input_ids": torch.tensor(ids[None]).long()}
        if types.any():
            given["token_type_ids"] = torch.tensor(types[None]).long()
        given["attention_mask"] = torch.ones_like(given["input_ids"])
        outputs.append(model(**given, output_hidden_states=True))
    return outputs


def logits(kind: str, output: Any) -> np.ndarray:
    """Give one sequence's logits as rows."""
    if kind == "question_answering":
        return np.stack([output.start_logits[0].numpy(), output.end_logits[0].numpy()], axis=1)
    return (output.pooler_output if kind == "pooler" else output.logits)[0].numpy()


def make(name: str) -> None:
    """Write an architecture's config, the shapes of its classes, and what they compute."""
    start, raw = ARCHITECTURES[name].classes, CONFIGS[name]
    drawn = inputs(raw, name)
    stored = {
        "ids": np.concatenate([ids for ids, _ in drawn]),
        "type_ids": np.concatenate([types for _, types in drawn]),
        "lengths": np.array([len(ids) for ids, _ in drawn], np.int32),
    }
    models = {kind: build(start, kind, raw) for kind in ENDINGS}
    models = {kind: model for kind, model in models.items() if model is not None}
    for kind, model in models.items():
        outputs = run(model, drawn)
        hidden = np.concatenate(
            [torch.stack(output.hidden_states)[:, 0].numpy() for output in outputs], axis=1
        )
        assert np.array_equal(stored.setdefault("hidden", hidden), hidden)
        if kind == "pooler" and getattr(outputs[0], "pooler_output", None) is None:
            continue
        # A language model's logits are many: those of the first sequence will do.
        kept = outputs[:1] if kind == "masked_lm" else outputs
        rows = [np.atleast_2d(logits(kind, output)) for output in kept]
        stored[f"logits_{kind}"] = np.concatenate(rows)
    np.savez_compressed(DATA / f"{name}.npz", **stored)
    described = json.dumps(describe(models), indent=None, separators=(",", ":"))
    (DATA / f"{name}.json").write_text(described + "\n", encoding="utf-8")


def describe(models: dict[str, Any]) -> dict[str, Any]:
    """Tell what files of these models would hold: what they share, and each one's own.

    The encoder's names stand without their prefix, all others as they are in the file.
    """
    prefix = models["pooler"].base_model_prefix
    configs = {kind: model.config.to_diff_dict() for kind, model in models.items()}
    common = configs["pooler"]
    listed = {kind: shapes(model) for kind, model in models.items()}
    encoder = {
        name: shape
        for name, shape in listed["pooler"].items()
        if f"{prefix}.{name}" in listed["masked_lm"]
    }
    return {
        "prefix": prefix,
        "config": common,
        "encoder": encoder,
        "classes": {
            kind: {
                "config": {key: v for key, v in config.items() if common.get(key) != v},
                "shapes": {
                    name: shape
                    for name, shape in listed[kind].items()
                    if name.removeprefix(f"{prefix}.") not in encoder
                },
            }
            for kind, config in configs.items()
        },
    }


def main(names: list[str]) -> None:
    """Replace the fixtures of some architectures, or all."""
    if not names:
        shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir(parents=True, exist_ok=True)
    for name in names or CONFIGS:
        make(name)


if __name__ == "__main__":
    main(sys.argv[1:])
