"""Make tests/data/architectures: what transformers computes for each architecture and head.

Needs torch and transformers, neither of which the tests need:

    python scripts/make_architecture_fixtures.py [NAME]...

Weights aren't stored: they follow from the tensors' names (tests/random_weights.py). The sizes are
awkward on purpose, and the activations such that a head with another than the layers' shows. An
architecture with options has several configs, and so several names. What transformers has no class
for is computed by a rewrite of its authors' code (scripts/author_models.py).
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

from architecture_configs import MODERN_CONFIGS  # noqa: E402
from author_layers import Weights  # noqa: E402
from author_models import AUTHOR_MODELS, AuthorModel  # noqa: E402

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

# By name: that of the architecture, and what tells its config from its other ones.
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
    **MODERN_CONFIGS,
}
# Names of several configs → the architecture.
OF = {
    name: max((one for one in ARCHITECTURES if name.startswith(one)), key=len) for name in CONFIGS
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
# Beyond the windows, distances and trained lengths of MODERN_CONFIGS.
BEYOND = 40


def build(name: str, kind: str) -> Any:
    """Build a class, if the architecture has it, with weights that follow from their names."""
    start, ending = ARCHITECTURES[OF[name]].classes, ENDINGS[kind]
    made = getattr(transformers, f"{start}{ending}", None)
    if made is None:
        return None
    config = getattr(transformers, f"{start}Config")(
        **CONFIGS[name], num_labels=LABELS.get(kind, 2), attn_implementation="eager"
    )
    config.architectures = [f"{start}{ending}"]
    model = made(config).eval()
    weights = random_weights(shapes(model), model.base_model_prefix)
    model.load_state_dict({name: torch.tensor(w) for name, w in weights.items()}, strict=False)
    model.tie_weights()
    return model


def shapes(model: Any) -> dict[str, list[int]]:
    """List what a file of the model would hold: tied tensors once."""
    tied = set(getattr(model, "all_tied_weights_keys", {}))
    return {name: list(t.shape) for name, t in model.state_dict().items() if name not in tied}


def inputs(raw: dict[str, Any], name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw sequences of ids with type ids; the padding token stands amid some of them."""
    random = np.random.RandomState(7)
    lengths = [*LENGTHS, LONG] if name == "mpnet" else LENGTHS
    lengths = [*LENGTHS, BEYOND] if name in MODERN_CONFIGS else lengths
    typed = name in ("bert", "electra", "albert")
    typed |= name in MODERN_CONFIGS and raw.get("type_vocab_size", 0) > 1
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
    """Write a config, the shapes of its architecture's classes, and what they compute."""
    drawn = inputs(CONFIGS[name], name)
    stored = {
        "ids": np.concatenate([ids for ids, _ in drawn]),
        "type_ids": np.concatenate([types for _, types in drawn]),
        "lengths": np.array([len(ids) for ids, _ in drawn], np.int32),
    }
    authors = AUTHOR_MODELS.get(name)
    described = (
        compute(name, drawn, stored)
        if authors is None
        else compute_authors(authors, CONFIGS[name], drawn, stored)
    )
    np.savez_compressed(DATA / f"{name}.npz", **stored)
    text = json.dumps({"architecture": OF[name], **described}, separators=(",", ":"))
    (DATA / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def compute(name: str, drawn: list[Any], stored: dict[str, np.ndarray]) -> dict[str, Any]:
    """Store what transformers computes, and describe the files of its classes."""
    models = {kind: build(name, kind) for kind in ENDINGS}
    models = {kind: model for kind, model in models.items() if model is not None}
    for kind, model in models.items():
        outputs = run(model, drawn)
        hidden = np.concatenate(
            [torch.stack(output.hidden_states)[:, 0].numpy() for output in outputs], axis=1
        )
        assert np.array_equal(stored.setdefault("hidden", hidden), hidden)
        if kind == "pooler" and getattr(outputs[0], "pooler_output", None) is None:
            continue
        stored[f"logits_{kind}"] = joined(kind, [logits(kind, output) for output in outputs])
    return describe(models)


def joined(kind: str, rows: list[np.ndarray]) -> np.ndarray:
    """Join sequences' logits; a language model's are many: those of the first one will do."""
    kept = rows[:1] if kind == "masked_lm" else rows
    return np.concatenate([np.atleast_2d(one) for one in kept]).astype(np.float32)


def compute_authors(
    model: AuthorModel, raw: dict[str, Any], drawn: list[Any], stored: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Store what the authors' code computes, and describe its files."""
    encoder = model.shapes(raw)
    own = {kind: model.heads(kind, raw) for kind in model.classes}
    weights = Weights(
        {name: w.astype(np.float64) for name, w in random_weights(encoder, model.prefix).items()}
    )
    states = [model.states(raw, weights, ids, types) for ids, types in drawn]
    stored["hidden"] = np.concatenate(states, axis=1).astype(np.float32)
    for kind, shapes_of_kind in own.items():
        if kind == "pooler" and not shapes_of_kind:
            continue
        made = {n: w.astype(np.float64) for n, w in random_weights(shapes_of_kind, "").items()}
        both = Weights({**weights, **made})
        stored[f"logits_{kind}"] = joined(
            kind, [model.logits(kind, raw, both, one[-1]) for one in states]
        )
    return {
        "prefix": model.prefix,
        "config": raw,
        "encoder": encoder,
        "classes": {
            kind: {
                "config": {"architectures": [model.classes[kind]], **labels(kind)},
                "shapes": {
                    f"{model.prefix}.{name}"
                    if name in own["pooler"] and kind != "pooler"
                    else name: shape
                    for name, shape in shapes_of_kind.items()
                },
            }
            for kind, shapes_of_kind in own.items()
        },
    }


def inside(name: str, kind: str) -> bool:
    """Tell whether a head's tensor is named as one of the encoder that it stands on: a pooler's."""
    return name.startswith("pooler.") and kind != "pooler"


def labels(kind: str) -> dict[str, Any]:
    """Say in a config how many labels there are, as transformers does."""
    if kind not in LABELS:
        return {}
    names = {str(number): f"LABEL_{number}" for number in range(LABELS[kind])}
    return {"id2label": names, "label2id": {name: int(n) for n, name in names.items()}}


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
