"""The architectures after BERT's: rotary, gated, local; DeBERTa's are in deberta.py.

The facts are those of transformers' model classes, and of the authors' own code where that came
first or transformers has none.
"""

import re
from collections.abc import Mapping
from typing import Any

from bertie.checkpoint import head_forms as forms
from bertie.checkpoint.architecture import (
    HEADS,
    KEY,
    NUMBERED,
    QUERY,
    VALUE,
    Architecture,
    RotaryKeys,
    Split,
)
from bertie.checkpoint.deberta import DEBERTA, DEBERTA_V2
from bertie.checkpoint.head_forms import HeadForm

FULL, SLIDING = "full_attention", "sliding_attention"

_GATE, _UP = "intermediate.gate", "intermediate.dense"

# What transformers calls a gated layer's modules since Llama.
_PROJECTIONS: Mapping[str, str] = {
    "self_attn.q_proj": QUERY,
    "self_attn.k_proj": KEY,
    "self_attn.v_proj": VALUE,
    "self_attn.o_proj": "attention.output.dense",
    "mlp.gate_proj": _GATE,
    "mlp.up_proj": _UP,
    "mlp.down_proj": "output.dense",
}
_NORMS_AFTER: Mapping[str, str] = {
    "post_attention_layernorm": "attention.output.LayerNorm",
    "post_mlp_layernorm": "output.LayerNorm",
}

# Each pass has weights of its own, and embeddings are as wide as hidden states.
_WIDTHS: Mapping[str, str] = {
    "num_hidden_groups": "num_hidden_layers",
    "embedding_size": "hidden_size",
}
# No learned places, and none that count from the padding's.
_UNPLACED: Mapping[str, Any] = {
    "learned_positions": False,
    "position_padding": None,
    "relative_attention_num_buckets": 0,
    "inner_group_num": 1,
}
_LAYERS = re.compile(r"(?:encoder\.)?layers?\.(?P<layer>0|[1-9]\d{0,8})\.")


def _biases(value: bool, *names: str) -> dict[str, bool]:
    """Say that some dense layers have a bias, or not."""
    return {f"{name}_bias": value for name in names}


_ATTENTION = ("query", "key", "value", "attention_output")
_FEED_FORWARD = ("gate", "intermediate", "output")
_NO_BIASES = _biases(False, *_ATTENTION, *_FEED_FORWARD)
# Of configs that state the biases of attention and of the feed-forward layers.
_STATED_BIASES: Mapping[str, tuple[str, ...]] = {
    **{f"{name}_bias": ("attention_bias",) for name in _ATTENTION},
    **{f"{name}_bias": ("mlp_bias",) for name in _FEED_FORWARD},
}
# RMS norms before each block and at the end, none on the embeddings.
_RMS_BEFORE: Mapping[str, Any] = {
    **_UNPLACED,
    "type_vocab_size": 0,
    "embedding_norm": False,
    "norm": "rms_norm",
    "norm_bias": False,
    "norm_place": "before",
    "final_norm": True,
    "gated": True,
}

MODERNBERT = Architecture(
    model_type="modernbert",
    classes="ModernBert",
    prefix="model",
    keys={
        "layer_norm_eps": ("norm_eps",),
        "hidden_act": ("hidden_activation",),
        "head_size": ("head_dim",),
        **_STATED_BIASES,
    },
    defaults={
        "max_position_embeddings": 8192,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "norm_bias": False,
        "head_size": None,
        "local_attention": 128,
        **_NO_BIASES,
    },
    fixed={
        **_UNPLACED,
        "type_vocab_size": 0,
        "norm_place": "before",
        "first_norm": False,
        "final_norm": True,
        "gated": True,
    },
    same=_WIDTHS,
    told_by=("global_attn_every_n_layers", "local_attention"),
    layer=_LAYERS,
    modules={
        "embeddings.tok_embeddings": "embeddings.word_embeddings",
        "embeddings.norm": "embeddings.LayerNorm",
        "attn_norm": "attention.LayerNorm",
        "attn.Wo": "attention.output.dense",
        "mlp_norm": "intermediate.LayerNorm",
        "mlp.Wo": "output.dense",
        "final_norm": "encoder.LayerNorm",
    },
    ties=forms.MODERNBERT_TIES,
    heads=forms.MODERNBERT_HEADS,
    splits=(Split("attn.Wqkv", HEADS), Split("mlp.Wi", (_GATE, _UP))),
    rotary=RotaryKeys(
        {FULL: ("global_rope_theta", 160_000.0), SLIDING: ("local_rope_theta", 10_000.0)}
    ),
    layer_types=True,
)


NOMIC_BERT = Architecture(
    model_type="nomic_bert",
    classes="NomicBert",
    prefix="nomic_bert",
    prefixes=("bert",),
    # The authors' words, whose config is GPT-2's with more, and transformers'.
    keys={
        "hidden_size": ("n_embd", "hidden_size"),
        "num_hidden_layers": ("n_layer", "num_hidden_layers"),
        "num_attention_heads": ("n_head", "num_attention_heads"),
        "intermediate_size": ("n_inner", "intermediate_size"),
        "max_position_embeddings": ("n_positions", "max_position_embeddings"),
        "hidden_act": ("activation_function", "hidden_act"),
        "layer_norm_eps": ("layer_norm_epsilon", "layer_norm_eps"),
        "head_size": ("head_dim",),
        **{f"{name}_bias": ("qkv_proj_bias",) for name in _ATTENTION},
        "gate_bias": ("mlp_fc1_bias",),
        "intermediate_bias": ("mlp_fc1_bias",),
        "output_bias": ("mlp_fc2_bias",),
    },
    defaults={
        "max_position_embeddings": 2048,
        "type_vocab_size": 2,
        "hidden_act": "silu",
        "layer_norm_eps": 1e-12,
        "head_size": None,
        **_NO_BIASES,
    },
    fixed={**_UNPLACED, "gated": True},
    same=_WIDTHS,
    told_by=("n_embd", "rotary_emb_fraction"),
    layer=_LAYERS,
    modules={
        **_PROJECTIONS,
        **_NORMS_AFTER,
        "emb_ln": "embeddings.LayerNorm",
        "attn.out_proj": "attention.output.dense",
        "mlp.fc11": _UP,
        "mlp.fc12": _GATE,
        "mlp.fc2": "output.dense",
        "norm1": "attention.output.LayerNorm",
        "norm2": "output.LayerNorm",
    },
    ties=forms.NOMIC_BERT_TIES,
    heads=forms.NOMIC_BERT_HEADS,
    splits=(Split("attn.Wqkv", HEADS),),
    words={"swiglu": "silu", "geglu": "gelu"},
    needs={
        "n_embd": (
            "activation_function",
            "layer_norm_epsilon",
            "mlp_fc1_bias",
            "mlp_fc2_bias",
            "qkv_proj_bias",
            "rotary_emb_base",
            "rotary_emb_fraction",
        )
    },
    may_be_zero=("type_vocab_size",),
    rotary=RotaryKeys(
        {FULL: ("rotary_emb_base", 1_000.0)},
        fraction="rotary_emb_fraction",
        interleaved_key="rotary_emb_interleaved",
        own_base="rotary_emb_base",
        dynamic=("rotary_scaling_factor", "max_trained_positions", 2048),
    ),
    own_classes={"NomicBertForPreTraining": "masked_lm"},
)


def _gte(
    model_type: str,
    classes: str,
    prefix: str,
    base: float,
    positions: int,
    heads: tuple[HeadForm, ...],
) -> Architecture:
    """Describe GTE, which its authors call new."""
    return Architecture(
        model_type=model_type,
        classes=classes,
        prefix=prefix,
        keys={"head_size": ("head_dim",)},
        defaults={
            "max_position_embeddings": positions,
            "type_vocab_size": 1,
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-12,
            "head_size": None,
        },
        fixed={**_UNPLACED, "gated": True, **_biases(False, "gate", "intermediate")},
        same=_WIDTHS,
        told_by=(),
        layer=_LAYERS,
        modules={
            **_PROJECTIONS,
            **_NORMS_AFTER,
            "attention.q_proj": QUERY,
            "attention.k_proj": KEY,
            "attention.v_proj": VALUE,
            "attention.o_proj": "attention.output.dense",
            "attn_ln": "attention.output.LayerNorm",
            "mlp_ln": "output.LayerNorm",
            "lm_head.layer_norm": "lm_head.norm",
        },
        ties=forms.GTE_TIES,
        heads=heads,
        splits=(
            Split("attention.qkv_proj", HEADS),
            Split("mlp.up_gate_proj", (_UP, _GATE)),
        ),
        may_be_zero=("type_vocab_size",),
        rotary=RotaryKeys({FULL: ("rope_theta", base)}),
    )


GTE = _gte("gte", "Gte", "gte", 160_000.0, 8192, forms.GTE_HEADS)
NEW = _gte("new", "New", "new", 10_000.0, 2048, forms.NEW_HEADS)

JINA_BERT = Architecture(
    model_type="jina_bert",
    classes="JinaBert",
    prefix="bert",
    keys={"hidden_act": ("feed_forward_type",)},
    defaults={
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
    },
    fixed={
        **_UNPLACED,
        "gated": True,
        "alibi": True,
        **_biases(False, "gate", "intermediate"),
    },
    same=_WIDTHS,
    told_by=(),
    layer=NUMBERED,
    modules={
        "mlp.wo": "output.dense",
        "mlp.layernorm": "output.LayerNorm",
        # The names of the variant that normalizes queries and keys.
        "attention.self.layer_norm_q": f"{QUERY}.LayerNorm",
        "attention.self.layer_norm_k": f"{KEY}.LayerNorm",
        "layer_norm_1": "attention.residual.LayerNorm",
        "layer_norm_2": "output.LayerNorm",
        "mlp.down_layer": "output.dense",
    },
    ties=forms.JINA_BERT_TIES,
    heads=forms.JINA_BERT_HEADS,
    # The two variants gate by another half.
    splits=(
        Split("mlp.gated_layers", (_GATE, _UP)),
        Split("mlp.up_gated_layer", (_UP, _GATE)),
    ),
    words={"geglu": "gelu", "reglu": "relu"},
    present={
        "query_key_norm": (f"encoder.layer.0.{QUERY}.LayerNorm.weight", "all"),
        "residual_norm": ("encoder.layer.0.attention.residual.LayerNorm.weight", True),
    },
    stated_as=("bert", {"position_embedding_type": "alibi"}),
)

EUROBERT = Architecture(
    model_type="eurobert",
    classes="EuroBert",
    prefix="model",
    keys={
        "layer_norm_eps": ("rms_norm_eps",),
        "head_size": ("head_dim",),
        **_STATED_BIASES,
    },
    defaults={
        "max_position_embeddings": 8192,
        "hidden_act": "silu",
        "layer_norm_eps": 1e-5,
        "head_size": None,
        "num_key_value_heads": None,
        **_NO_BIASES,
    },
    fixed=_RMS_BEFORE,
    same=_WIDTHS,
    told_by=(),
    layer=_LAYERS,
    modules={
        **_PROJECTIONS,
        "embed_tokens": "embeddings.word_embeddings",
        "input_layernorm": "attention.LayerNorm",
        "post_attention_layernorm": "intermediate.LayerNorm",
        "norm": "encoder.LayerNorm",
    },
    ties=forms.EUROBERT_TIES,
    heads=forms.EUROBERT_HEADS,
    rotary=RotaryKeys({FULL: ("rope_theta", 10_000.0)}),
)

NEOBERT = Architecture(
    model_type="neobert",
    classes="NeoBERT",
    prefix="model",
    keys={"layer_norm_eps": ("norm_eps",), "max_position_embeddings": ("max_length",)},
    defaults={"max_position_embeddings": 1024, "layer_norm_eps": 1e-6},
    fixed={**_RMS_BEFORE, "hidden_act": "silu", **_NO_BIASES},
    same=_WIDTHS,
    told_by=(),
    layer=re.compile(r"(?:transformer_encoder|encoder\.layer)\.(?P<layer>0|[1-9]\d{0,8})\."),
    modules={
        "encoder": "embeddings.word_embeddings",
        "wo": "attention.output.dense",
        "ffn.w3": "output.dense",
        "attention_norm": "attention.LayerNorm",
        "ffn_norm": "intermediate.LayerNorm",
        "layer_norm": "encoder.LayerNorm",
    },
    ties=forms.NEOBERT_TIES,
    heads=forms.NEOBERT_HEADS,
    splits=(Split("qkv", HEADS, by_heads=True), Split("ffn.w12", (_GATE, _UP))),
    rotary=RotaryKeys({FULL: ("rope_theta", 10_000.0)}, interleaved=True),
    two_thirds_of=8,
    own_classes={"NeoBERT": "", "NeoBERTLMHead": "masked_lm"},
)

MODERN = (
    MODERNBERT,
    DEBERTA,
    DEBERTA_V2,
    NOMIC_BERT,
    GTE,
    NEW,
    JINA_BERT,
    EUROBERT,
    NEOBERT,
)
