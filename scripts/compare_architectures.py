"""Compare every architecture, head and precision with transformers on random checkpoints.

    python scripts/compare_architectures.py [--seeds N] [--only NAME ...]

Each seed draws other sizes, awkward ones, and weights far from what training starts with. A model
is saved by transformers, as safetensors or as pytorch_model.bin, and read from there. Prints the
largest difference of hidden states and logits from transformers for float32, as a share of the
largest of them where that is above 1, and the cosines with float32's last hidden states for
bfloat16 and int8; exits with 1 when a bar doesn't hold. Needs torch and transformers.
"""

import argparse
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from bertie.checkpoint.architectures import ARCHITECTURES
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.heads import heads
from bertie.checkpoint.shapes import encoder_tensors
from bertie.checkpoint.tensor import Tensor
from bertie.engine.calibration import Calibration, CalibrationText
from bertie.engine.encoder import PRECISIONS, Encoder, Recipe
from bertie.engine.heads import Head
from bertie.engine.quantize import int8_recipe

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

# The largest differences that float32 may have.
TOLERANCE = 1e-4
# Cosines with float32: mean and least. Random weights have none of the redundancy of trained ones,
# so the bars are somewhat lower than those of docs/precision.md.
COSINES = {"bfloat16": (0.9999, 0.999), "int8": (0.998, 0.99)}

ENDINGS = {
    "pooler": "Model",
    "sequence_classification": "ForSequenceClassification",
    "token_classification": "ForTokenClassification",
    "question_answering": "ForQuestionAnswering",
    "masked_lm": "ForMaskedLM",
    "next_sentence": "ForNextSentencePrediction",
}
# Those of transformers' models that take token types.
TYPED = ("bert", "electra", "albert", "nomic_bert", "deberta", "deberta-v2", "gte")

MODERN = ("modernbert", "deberta", "deberta-v2", "nomic_bert", "gte", "eurobert")


@dataclass(frozen=True)
class Batch:
    """Packed sequences of random ids."""

    ids: Ints
    type_ids: Ints
    lengths: Ints

    def sequences(self) -> Iterator[tuple[Ints, Ints]]:
        """Give each sequence's ids and type ids."""
        ends = np.cumsum(self.lengths)
        for end, length in zip(ends, self.lengths, strict=True):
            yield self.ids[end - length : end], self.type_ids[end - length : end]


@dataclass(frozen=True)
class Result:
    """What came of one comparison: a difference, or two cosines, and whether the bar holds."""

    text: str
    holds: bool


def draw_sizes(
    random: np.random.Generator, heads: Sequence[int], widths: Sequence[int], layers: int
) -> dict[str, Any]:
    """Draw the sizes that all architectures have, with heads of some widths."""
    count = int(random.choice(heads))
    return {
        "hidden_size": count * int(random.choice(widths)),
        "vocab_size": int(random.integers(200, 400)) * 2 + 1,
        "num_hidden_layers": layers,
        "num_attention_heads": count,
        "intermediate_size": int(random.integers(50, 300)),
        "max_position_embeddings": 210,
    }


def draw_config(name: str, random: np.random.Generator) -> dict[str, Any]:
    """Draw sizes that are awkward: odd widths, heads that are no power of two."""
    sizes = draw_sizes(random, heads=[3, 5, 6, 7], widths=[7, 10, 16], layers=3)
    hidden = sizes["hidden_size"]
    sizes["hidden_act"] = str(random.choice(["gelu", "gelu_new", "relu"]))
    if name == "distilbert":
        names = ("dim", "n_layers", "n_heads", "hidden_dim", "activation")
        fields = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
        for key, field in zip(names, (*fields, "hidden_act"), strict=True):
            sizes[key] = sizes.pop(field)
        return sizes
    sizes["layer_norm_eps"] = float(random.choice([1e-12, 1e-5]))
    if name in ("electra", "albert"):
        sizes["embedding_size"] = int(random.choice([hidden, 13, 32]))
    if name == "albert":
        shared = {"num_hidden_layers": 4, "num_hidden_groups": int(random.choice([1, 2, 4]))}
        sizes |= {**shared, "inner_group_num": int(random.choice([1, 2]))}
    if name in ("roberta", "xlm-roberta", "camembert"):
        sizes |= {"pad_token_id": int(random.integers(0, 5))}
        sizes |= {"type_vocab_size": int(random.integers(1, 3))}
    return sizes


def draw_modern(name: str, random: np.random.Generator) -> dict[str, Any]:
    """Draw sizes and options of the architectures after BERT's: heads are of even width."""
    sizes = draw_sizes(random, heads=[4, 6], widths=[6, 10, 16], layers=4) | {"pad_token_id": 0}
    hidden, heads_of = sizes["hidden_size"], sizes["num_attention_heads"]

    def flag() -> bool:
        return bool(random.integers(0, 2))

    scaled = random.choice(["default", "linear", "yarn", "llama3"])
    rope: dict[str, Any] = {"rope_theta": float(random.choice([500.0, 10_000.0]))}
    rope |= {"rope_type": str(scaled)} | ({} if scaled == "default" else {"factor": 3.0})
    if scaled in ("yarn", "llama3"):
        rope["original_max_position_embeddings"] = 70
    if scaled == "llama3":
        rope |= {"low_freq_factor": 1.0, "high_freq_factor": 4.0}
    if name == "modernbert":
        kinds = {"full_attention": rope, "sliding_attention": {"rope_theta": 100.0}}
        sizes |= {"local_attention": int(random.choice([6, 16, 40])), "rope_parameters": kinds}
        sizes |= {"norm_bias": flag(), "attention_bias": flag(), "mlp_bias": flag()}
        sizes |= {"classifier_pooling": str(random.choice(["cls", "mean"]))}
        sizes |= {"classifier_bias": flag(), "decoder_bias": flag()}
        return sizes | {"bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
    if name == "eurobert":
        sizes |= {"num_key_value_heads": heads_of // int(random.choice([1, 2])), "mlp_bias": flag()}
        sizes |= {"attention_bias": flag(), "head_dim": int(random.choice([8, 16]))}
        pooling = str(random.choice(["bos", "mean", "late"]))
        sizes |= {"classifier_pooling": pooling, "bos_token_id": 1, "eos_token_id": 2}
    if name in ("nomic_bert", "gte", "eurobert"):
        sizes |= {"rope_parameters": rope}
    if name == "gte":
        sizes |= {"type_vocab_size": int(random.integers(0, 3))}
    if name.startswith("deberta"):
        parts = str(random.choice(["c2p|p2c", "c2p", "p2c"]))
        sizes |= {"relative_attention": True, "pos_att_type": parts}
        sizes |= {"position_biased_input": flag(), "type_vocab_size": 2 * int(flag())}
        sizes |= {"max_relative_positions": int(random.choice([-1, 30]))}
        sizes |= {"embedding_size": int(random.choice([hidden, 26]))}
        # transformers' newer head can't be of another width than the embeddings.
        sizes |= {"legacy": flag() or sizes["embedding_size"] != hidden}
    if name == "deberta-v2":
        sizes |= {"position_buckets": int(random.choice([-1, 16])), "share_att_key": flag()}
        sizes |= {"norm_rel_ebd": str(random.choice(["none", "layer_norm"]))}
        sizes |= {"conv_kernel_size": int(random.choice([0, 3])), "conv_act": "gelu"}
    return sizes


def draw_batch(name: str, raw: dict[str, Any], random: np.random.Generator) -> Batch:
    """Draw sequences, short and long, with padding tokens amid them."""
    lengths = np.array([1, 2, 7, 33, 64, 200], np.int32)
    ids = random.integers(0, raw["vocab_size"], lengths.sum())
    ids[random.random(len(ids)) < 0.05] = raw.get("pad_token_id", 1)
    typed = name in TYPED and raw.get("type_vocab_size", 2) > 1
    types = random.integers(0, 2, len(ids)) * typed
    return Batch(ids.astype(np.int32), types.astype(np.int32), lengths)


def build(name: str, kind: str, raw: dict[str, Any], seed: int) -> Any:
    """Build one of transformers' classes, if it has this one, with large random weights."""
    start = ARCHITECTURES[name].classes
    made = getattr(transformers, f"{start}{ENDINGS[kind]}", None)
    if made is None:
        return None
    config = getattr(transformers, f"{start}Config")(
        **raw, num_labels=2 if kind == "question_answering" else 4, attn_implementation="eager"
    )
    torch.manual_seed(seed)
    model = made(config).eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            norm = "norm" in parameter_name.lower() and parameter_name.endswith("weight")
            # Gated and pre-norm layers of such weights would amplify every rounding.
            parameter.normal_(1.0 if norm else 0.0, 0.1 if name in MODERN else 0.2)
    return model


@torch.no_grad()
def run(model: Any, kind: str, batch: Batch) -> tuple[Floats, Floats | None]:
    """Run every sequence alone; give the hidden states of all layers, and the logits as rows."""
    hidden, logits = [], []
    for ids, types in batch.sequences():
        given = {"input_ids": torch.tensor(ids[None]).long()}
        given["attention_mask"] = torch.ones_like(given["input_ids"])
        if types.any():
            given["token_type_ids"] = torch.tensor(types[None]).long()
        output = model(**given, output_hidden_states=True)
        hidden.append(torch.stack(output.hidden_states)[:, 0].numpy())
        if kind == "question_answering":
            rows = torch.stack([output.start_logits[0], output.end_logits[0]], dim=1)
        else:
            rows = getattr(output, "pooler_output" if kind == "pooler" else "logits", None)
            rows = None if rows is None else rows.reshape(-1, rows.shape[-1])
        logits.append(rows)
    states = np.concatenate(hidden, axis=1)
    if any(rows is None for rows in logits):
        return states, None
    return states, torch.cat(logits).numpy()


def save(model: Any, directory: Path, pickled: bool) -> Path:
    """Save a model as transformers does, in one of two formats."""
    model.save_pretrained(directory)
    if pickled:
        (directory / "model.safetensors").unlink()
        torch.save(model.state_dict(), directory / "pytorch_model.bin")
    return directory


def recipe(
    precision: str, checkpoint: Checkpoint, tensors: dict[str, Tensor], batch: Batch, cache: Path
) -> Recipe:
    """Make an encoder's recipe; int8 is calibrated on the batch."""
    if precision != "int8":
        return Recipe(precision)
    drawn = Calibration(
        CalibrationText((), "drawn"), batch.ids, batch.type_ids, batch.lengths, True, None
    )
    return int8_recipe(checkpoint.config, tensors, drawn, tensors_hash="", cache=cache)


def difference(found: Floats, expected: Floats) -> Result:
    """Compare with transformers."""
    worst = float(np.abs(found - expected).max()) / max(1.0, float(np.abs(expected).max()))
    return Result(f"{worst:.1e}", worst <= TOLERANCE)


def cosine(found: Floats, expected: Floats, precision: str) -> Result:
    """Compare the rows of a precision with float32's."""
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    cosines = (found * expected).sum(axis=1) / lengths
    mean, least = COSINES[precision]
    holds = bool(cosines.mean() >= mean and cosines.min() >= least)
    return Result(f"{cosines.mean():.5f} {cosines.min():.5f}", holds)


def compare(name: str, kind: str, seed: int, folder: Path) -> dict[str, Result] | None:
    """Compare one class of one architecture; None where transformers hasn't got it."""
    random = np.random.default_rng([seed, *name.encode()])
    raw = (draw_modern if name in MODERN else draw_config)(name, random)
    batch = draw_batch(name, raw, random)
    model = build(name, kind, raw, seed)
    if model is None:
        return None
    states, expected = run(model, kind, batch)
    saved = save(model, folder / kind, pickled=kind in ("question_answering", "masked_lm"))
    checkpoint = Checkpoint.open(saved)
    tensors = encoder_tensors(checkpoint)
    packed = (batch.ids, batch.type_ids, batch.lengths)
    results: dict[str, Result] = {}
    last: dict[str, Floats] = {}
    for precision in PRECISIONS:
        made = recipe(precision, checkpoint, tensors, batch, folder)
        encoder = Encoder(checkpoint.config, tensors, recipe=made)
        if precision == "float32":
            layers = tuple(range(len(states)))
            found = encoder.forward(*packed, layers=layers)
            wanted = np.concatenate(list(states), axis=1)
            results["hidden"] = difference(found, wanted)
        last[precision] = encoder.forward(*packed)
        if precision != "float32":
            results[precision] = cosine(last[precision], last["float32"], precision)
    if expected is not None:
        head = Head(heads(checkpoint)[kind])
        results["logits"] = difference(head.of_sequences(last["float32"], batch.lengths), expected)
    return results


def main() -> int:
    """Print a row for each architecture and head, and tell whether every bar holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1, help="how many sizes to draw")
    theirs = [
        name for name, one in ARCHITECTURES.items() if hasattr(transformers, f"{one.classes}Config")
    ]
    parser.add_argument("--only", nargs="*", choices=theirs, default=theirs)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    columns = ("hidden", "logits", "bfloat16", "int8")
    print(f"{'':40}" + "".join(f"{column:>18}" for column in columns))
    holds = True
    for name in given.only:
        for kind in ENDINGS:
            for seed in range(given.seeds):
                with tempfile.TemporaryDirectory() as folder:
                    results = compare(name, kind, seed, Path(folder))
                if results is None:
                    continue
                cells = [results.get(column, Result("-", True)) for column in columns]
                holds &= all(cell.holds for cell in cells)
                marked = [cell.text + ("" if cell.holds else " !") for cell in cells]
                title = f"{name} {kind} {seed}"
                print(f"{title:40}" + "".join(f"{text:>18}" for text in marked), flush=True)
    print("all hold" if holds else "NOT all hold")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
