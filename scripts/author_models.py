"""Encoders that transformers has no class for, as their authors' own code computes them, in NumPy.

Nothing here is Bertie's: it is what bertie.engine.reference and the core are compared with, through
scripts/make_architecture_fixtures.py. Names of tensors and keys are the authors'. One sequence at a
time, float64, but for angles, which are float32 as in their code.

Sources: nomic-ai/contrastors (Nomic), Alibaba-NLP/new-impl (GTE), jinaai/jina-bert-implementation
and jinaai/jina-bert-v2-qk-post-norm, chandar-lab/NeoBERT. Theirs are the facts; the code is ours.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from author_layers import (
    ACTIVATIONS,
    LABELS,
    Array,
    Config,
    Shapes,
    Weights,
    attend,
    bert_heads,
    bert_logits,
    dense_shapes,
    embed,
    frequencies,
    heads_of,
    norm_shapes,
    silu,
    table_shapes,
    turn,
)
from numpy.typing import NDArray


@dataclass(frozen=True)
class AuthorModel:
    """An architecture as its authors wrote it.

    Attributes:
        prefix: what stands before an encoder's names in files with a head.
        classes: the class of each kind of head, and of "pooler", the encoder alone.
        shapes: config → the encoder's tensors, without prefix.
        heads: kind and config → the head's own tensors.
        states: config, weights, ids and type ids → the embeddings and each layer's output, the
            last one normalized where there is a norm behind it.
        logits: kind, config, weights and last states → (rows, outputs).
    """

    prefix: str
    classes: Mapping[str, str]
    shapes: Callable[[Config], Shapes]
    heads: Callable[[str, Config], Shapes]
    states: Callable[[Config, Weights, Any, Any], list[Array]]
    logits: Callable[[str, Config, Weights, Array], Array]


# Nomic


def nomic_shapes(config: Config) -> Shapes:
    """Describe its encoder; there is a bias wherever the config says so."""
    width, inner, attention = config["n_embd"], config["n_inner"], config["qkv_proj_bias"]
    found = dict(table_shapes(config, width)) | dict(norm_shapes(width, "emb_ln"))
    for layer in range(config["n_layer"]):
        at = f"encoder.layers.{layer}"
        found |= dict(dense_shapes(f"{at}.attn.Wqkv", 3 * width, width, bias=attention))
        found |= dict(dense_shapes(f"{at}.attn.out_proj", width, width, bias=attention))
        for name in ("fc11", "fc12"):
            bias = config["mlp_fc1_bias"]
            found |= dict(dense_shapes(f"{at}.mlp.{name}", inner, width, bias=bias))
        found |= dict(dense_shapes(f"{at}.mlp.fc2", width, inner, bias=config["mlp_fc2_bias"]))
        found |= dict(norm_shapes(width, f"{at}.norm1", f"{at}.norm2"))
    return found


def nomic_states(config: Config, weights: Weights, ids: Any, types: Any) -> list[Array]:
    """Normalize after each block; fc12 gates fc11; beyond the trained length the base grows."""
    eps, act = config["layer_norm_epsilon"], ACTIVATIONS[config["activation_function"]]
    dims = int(config["n_embd"] // config["n_head"] * config["rotary_emb_fraction"])
    base, factor = config["rotary_emb_base"], config["rotary_scaling_factor"]
    trained = config["max_trained_positions"]
    if factor and len(ids) > trained:
        base *= (factor * len(ids) / trained - (factor - 1)) ** (dims / (dims - 2))
    steps = frequencies(base, dims)
    x = embed(config, weights, ids, types, "emb_ln", eps)
    states = [x]
    for layer in range(config["n_layer"]):
        at = f"encoder.layers.{layer}"
        parts = np.split(weights.dense(x, f"{at}.attn.Wqkv"), 3, axis=1)
        query, key, value = (heads_of(part, config["n_head"]) for part in parts)
        near = config["rotary_emb_interleaved"]
        read = attend(turn(query, steps, neighbours=near), turn(key, steps, neighbours=near), value)
        x = weights.layer_norm(x + weights.dense(read, f"{at}.attn.out_proj"), f"{at}.norm1", eps)
        inner = weights.dense(x, f"{at}.mlp.fc11") * act(weights.dense(x, f"{at}.mlp.fc12"))
        x = weights.layer_norm(x + weights.dense(inner, f"{at}.mlp.fc2"), f"{at}.norm2", eps)
        states.append(x)
    return states


NOMIC = AuthorModel(
    prefix="bert",
    classes={
        "sequence_classification": "NomicBertForSequenceClassification",
        "masked_lm": "NomicBertForPreTraining",
        "pooler": "NomicBertModel",
    },
    shapes=nomic_shapes,
    heads=lambda kind, config: (
        {}
        if kind == "pooler"
        else bert_heads(
            config["n_embd"],
            config["vocab_size"],
            "layer_norm",
            bias="decoder.bias" if config["mlp_fc1_bias"] else "",
        )[kind]
    ),
    states=nomic_states,
    logits=lambda kind, config, weights, last: bert_logits(
        kind,
        weights,
        last,
        ACTIVATIONS[config["activation_function"]],
        "layer_norm",
        config["layer_norm_epsilon"],
    ),
)

# GTE, which its authors call new


def new_shapes(config: Config) -> Shapes:
    """Describe its encoder: attention has biases, the first feed-forward layers none."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    found = dict(table_shapes(config, width)) | dict(norm_shapes(width, "embeddings.LayerNorm"))
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        if config["pack_qkv"]:
            found |= dict(dense_shapes(f"{at}.attention.qkv_proj", 3 * width, width))
        else:
            for name in ("q_proj", "k_proj", "v_proj"):
                found |= dict(dense_shapes(f"{at}.attention.{name}", width, width))
        found |= dict(dense_shapes(f"{at}.attention.o_proj", width, width))
        found |= dict(dense_shapes(f"{at}.mlp.up_gate_proj", 2 * inner, width, bias=False))
        found |= dict(dense_shapes(f"{at}.mlp.down_proj", width, inner))
        found |= dict(norm_shapes(width, f"{at}.attn_ln", f"{at}.mlp_ln"))
    return found


def new_frequencies(config: Config) -> NDArray[np.float32]:
    """Slow the angles down as its "ntk" does, whatever the length."""
    dims, base = config["hidden_size"] // config["num_attention_heads"], config["rope_theta"]
    scaling = config["rope_scaling"]
    if scaling is None:
        return frequencies(base, dims)
    factor, mixed = scaling["factor"], scaling.get("mixed_b")
    if mixed is None:
        return frequencies(base * factor, dims) / np.float32(factor ** (2 / dims))
    # float32 throughout, as theirs.
    share = np.float32(math.log(factor)) / np.float32((dims / 2) ** mixed)
    numbers = np.arange(1, dims // 2 + 1, dtype=np.float32)
    slower: NDArray[np.float32] = np.exp(share * numbers ** np.float32(mixed))
    return frequencies(base, dims) / slower


def new_states(config: Config, weights: Weights, ids: Any, types: Any) -> list[Array]:
    """Normalize after each block; the second half of up_gate_proj gates the first."""
    eps, act = config["layer_norm_eps"], ACTIVATIONS[config["hidden_act"]]
    steps = new_frequencies(config)
    x = embed(config, weights, ids, types, "embeddings.LayerNorm", eps)
    states = [x]
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        if config["pack_qkv"]:
            parts = np.split(weights.dense(x, f"{at}.attention.qkv_proj"), 3, axis=1)
        else:
            parts = [weights.dense(x, f"{at}.attention.{name}_proj") for name in "qkv"]
        query, key, value = (heads_of(part, config["num_attention_heads"]) for part in parts)
        read = weights.dense(
            attend(turn(query, steps), turn(key, steps), value), f"{at}.attention.o_proj"
        )
        x = weights.layer_norm(x + read, f"{at}.attn_ln", eps)
        up, gate = np.split(weights.dense(x, f"{at}.mlp.up_gate_proj"), 2, axis=1)
        x = x + weights.dense(act(gate) * up, f"{at}.mlp.down_proj")
        x = weights.layer_norm(x, f"{at}.mlp_ln", eps)
        states.append(x)
    return states


def new_heads(kind: str, config: Config) -> Shapes:
    """Describe its heads: BERT's, but for masked words."""
    width, words = config["hidden_size"], config["vocab_size"]
    if kind == "masked_lm":
        found = dict(dense_shapes("lm_head.dense", width, width))
        return found | dict(norm_shapes(width, "lm_head.norm")) | {"lm_head.decoder.bias": (words,)}
    return {} if kind == "pooler" else bert_heads(width, words, "")[kind]


def new_logits(kind: str, config: Config, weights: Weights, last: Array) -> Array:
    """Run one of them."""
    act, eps = ACTIVATIONS[config["hidden_act"]], config["layer_norm_eps"]
    if kind != "masked_lm":
        return bert_logits(kind, weights, last, act, "", eps)
    x = weights.layer_norm(act(weights.dense(last, "lm_head.dense")), "lm_head.norm", eps)
    return x @ weights["embeddings.word_embeddings.weight"].T + weights["lm_head.decoder.bias"]


NEW = AuthorModel(
    prefix="new",
    classes={
        "sequence_classification": "NewForSequenceClassification",
        "token_classification": "NewForTokenClassification",
        "question_answering": "NewForQuestionAnswering",
        "masked_lm": "NewForMaskedLM",
        "pooler": "NewModel",
    },
    shapes=new_shapes,
    heads=new_heads,
    states=new_states,
    logits=new_logits,
)

# Jina's second version, and the variant that reads code


def jina_shapes(config: Config, *, code: bool) -> Shapes:
    """Describe its encoder: BERT's without positions, with other feed-forward layers."""
    width, inner = config["hidden_size"], config["intermediate_size"]
    found = dict(table_shapes(config, width)) | dict(norm_shapes(width, "embeddings.LayerNorm"))
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            found |= dict(dense_shapes(f"{at}.attention.{name}", width, width))
        found |= dict(norm_shapes(width, f"{at}.attention.output.LayerNorm"))
        up, down = ("up_gated_layer", "down_layer") if code else ("gated_layers", "wo")
        found |= dict(dense_shapes(f"{at}.mlp.{up}", 2 * inner, width, bias=False))
        found |= dict(dense_shapes(f"{at}.mlp.{down}", width, inner))
        own = ("attention.self.layer_norm_q", "attention.self.layer_norm_k")
        norms = (*own, "layer_norm_1", "layer_norm_2") if code else ("mlp.layernorm",)
        found |= dict(norm_shapes(width, *(f"{at}.{name}" for name in norms)))
    return found


def slopes(heads: int) -> list[float]:
    """What each head's scores lose by token: for other numbers than powers of 2 from the next."""
    power = 1 << (heads.bit_length() - 1)
    found = [2 ** (-8 * (head + 1) / power) for head in range(power)]
    if power == heads:
        return found
    return found + slopes(2 * power)[::2][: heads - power]


def jina_states(
    config: Config, weights: Weights, ids: Any, types: Any, *, code: bool
) -> list[Array]:
    """Normalize after each block. The code variant adds attention's input a second time."""
    eps, act = config["layer_norm_eps"], ACTIVATIONS[config["feed_forward_type"]]
    count, norm, dense = config["num_attention_heads"], weights.layer_norm, weights.dense
    places = np.arange(len(ids))
    bias = -np.array(slopes(count))[:, None, None] * np.abs(places[:, None] - places)
    x = embed(config, weights, ids, types, "embeddings.LayerNorm", eps)
    states = [x]
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}"
        own = f"{at}.attention.self"
        query, key = dense(x, f"{own}.query"), dense(x, f"{own}.key")
        if code:
            query = norm(query, f"{own}.layer_norm_q", eps)
            key = norm(key, f"{own}.layer_norm_k", eps)
        parts = (heads_of(part, count) for part in (query, key, dense(x, f"{own}.value")))
        read = dense(attend(*parts, bias), f"{at}.attention.output.dense")
        read = norm(read + x, f"{at}.attention.output.LayerNorm", eps)
        x = norm(x + read, f"{at}.layer_norm_1", eps) if code else read
        if code:
            up, gate = np.split(dense(x, f"{at}.mlp.up_gated_layer"), 2, axis=1)
            made, last = dense(up * act(gate), f"{at}.mlp.down_layer"), "layer_norm_2"
        else:
            gate, up = np.split(dense(x, f"{at}.mlp.gated_layers"), 2, axis=1)
            made, last = dense(act(gate) * up, f"{at}.mlp.wo"), "mlp.layernorm"
        x = norm(x + made, f"{at}.{last}", eps)
        states.append(x)
    return states


def _jina(*, code: bool) -> AuthorModel:
    """Describe one of the two."""
    return AuthorModel(
        prefix="bert",
        classes={
            "sequence_classification": "JinaBertForSequenceClassification",
            "token_classification": "JinaBertForTokenClassification",
            "question_answering": "JinaBertForQuestionAnswering",
            "masked_lm": "JinaBertForMaskedLM",
            "pooler": "JinaBertModel",
        },
        shapes=lambda config: jina_shapes(config, code=code),
        heads=lambda kind, config: bert_heads(
            config["hidden_size"], config["vocab_size"], "LayerNorm"
        )[kind],
        states=lambda *given: jina_states(*given, code=code),
        logits=lambda kind, config, weights, last: bert_logits(
            kind,
            weights,
            last,
            ACTIVATIONS[config["hidden_act"]],
            "LayerNorm",
            config["layer_norm_eps"],
        ),
    )


JINA, JINA_CODE = _jina(code=False), _jina(code=True)

# NeoBERT


def neobert_inner(config: Config) -> int:
    """Two thirds of the stated width, in eights."""
    return -(-int(2 * config["intermediate_size"] / 3) // 8) * 8


def neobert_shapes(config: Config) -> Shapes:
    """Describe its encoder: no biases; the table of words is called encoder."""
    width, inner = config["hidden_size"], neobert_inner(config)
    found: Shapes = {"encoder.weight": (config["vocab_size"], width), "layer_norm.weight": (width,)}
    for layer in range(config["num_hidden_layers"]):
        at = f"transformer_encoder.{layer}"
        found[f"{at}.qkv.weight"] = (3 * width, width)
        found[f"{at}.wo.weight"] = (width, width)
        found[f"{at}.ffn.w12.weight"] = (2 * inner, width)
        found[f"{at}.ffn.w3.weight"] = (width, inner)
        found[f"{at}.attention_norm.weight"] = found[f"{at}.ffn_norm.weight"] = (width,)
    return found


def neobert_states(config: Config, weights: Weights, ids: Any, types: Any) -> list[Array]:
    """Normalize before each block; a head's query, key and value stand side by side."""
    eps, count = config["norm_eps"], config["num_attention_heads"]
    steps = frequencies(10_000.0, config["hidden_size"] // count)
    x = weights["encoder.weight"][ids]
    states = [x]
    for layer in range(config["num_hidden_layers"]):
        at = f"transformer_encoder.{layer}"
        joined = weights.dense(weights.rms_norm(x, f"{at}.attention_norm", eps), f"{at}.qkv")
        query, key, value = np.split(heads_of(joined, count), 3, axis=2)
        query, key = turn(query, steps, neighbours=True), turn(key, steps, neighbours=True)
        x = x + weights.dense(attend(query, key, value), f"{at}.wo")
        before = weights.rms_norm(x, f"{at}.ffn_norm", eps)
        gate, up = np.split(weights.dense(before, f"{at}.ffn.w12"), 2, axis=1)
        x = x + weights.dense(silu(gate) * up, f"{at}.ffn.w3")
        states.append(x)
    return [*states[:-1], weights.rms_norm(x, "layer_norm", eps)]


def neobert_heads(kind: str, config: Config) -> Shapes:
    """Describe its heads."""
    width = config["hidden_size"]
    if kind == "masked_lm":
        return dict(dense_shapes("decoder", config["vocab_size"], width))
    if kind == "question_answering":
        return dict(dense_shapes("qa_outputs", 2, width))
    if kind == "pooler":
        return {}
    found = dict(dense_shapes("dense", width, width))
    return found | dict(dense_shapes("classifier", LABELS[kind], width))


def neobert_logits(kind: str, config: Config, weights: Weights, last: Array) -> Array:
    """Run one of them."""
    if kind in ("masked_lm", "question_answering"):
        return weights.dense(last, "decoder" if kind == "masked_lm" else "qa_outputs")
    rows = last[:1] if kind == "sequence_classification" else last
    return weights.dense(np.tanh(weights.dense(rows, "dense")), "classifier")


NEOBERT = AuthorModel(
    prefix="model",
    classes={
        "sequence_classification": "NeoBERTForSequenceClassification",
        "token_classification": "NeoBERTForTokenClassification",
        "question_answering": "NeoBERTForQuestionAnswering",
        "masked_lm": "NeoBERTLMHead",
        "pooler": "NeoBERT",
    },
    shapes=neobert_shapes,
    heads=neobert_heads,
    states=neobert_states,
    logits=neobert_logits,
)

# By the names of scripts/architecture_configs.py.
AUTHOR_MODELS: Mapping[str, AuthorModel] = {
    "nomic_bert-authors": NOMIC,
    "nomic_bert-authors-partial": NOMIC,
    "new": NEW,
    "new-mixed": NEW,
    "new-plain": NEW,
    "jina_bert": JINA,
    "jina_bert-code": JINA_CODE,
    "neobert": NEOBERT,
}
