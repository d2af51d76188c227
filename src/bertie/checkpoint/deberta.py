"""The architectures of DeBERTa, whose scores know distances.

The facts are those of transformers' model classes.
"""

from typing import Any

from bertie.checkpoint import head_forms as forms
from bertie.checkpoint.architecture import HEADS, KEY, NUMBERED, QUERY, VALUE, Architecture, Split


def _deberta(model_type: str, classes: str, **differences: Any) -> Architecture:
    """Describe DeBERTa, whose first version names and fuses its projections differently."""
    return Architecture(
        model_type=model_type,
        classes=classes,
        prefix="deberta",
        keys={"learned_positions": ("position_biased_input",), **differences.pop("keys", {})},
        defaults={
            "max_position_embeddings": 512,
            "type_vocab_size": 0,
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-7,
            "embedding_size": None,  # hidden_size's
            "learned_positions": True,
            "relative_attention": False,
            "max_relative_positions": -1,
            "pos_att_type": (),
            **differences.pop("defaults", {}),
        },
        fixed={
            "position_padding": None,
            "relative_attention_num_buckets": 0,
            "inner_group_num": 1,
            "projection_first": True,
            "projection_bias": False,
            **differences.pop("fixed", {}),
        },
        same={"num_hidden_groups": "num_hidden_layers"},
        told_by=(),
        layer=NUMBERED,
        modules={
            "embeddings.embed_proj": "embeddings.projection",
            "encoder.rel_embeddings": "relative_embeddings",
            **differences.pop("modules"),
        },
        ties=forms.DEBERTA_TIES,
        heads=forms.DEBERTA_HEADS,
        may_be_zero=("type_vocab_size",),
        **differences,
    )


DEBERTA = _deberta(
    "deberta",
    "Deberta",
    fixed={
        "position_buckets": 0,
        "share_att_key": False,
        "norm_rel_ebd": "none",
        "conv_kernel_size": 0,
        "conv_act": "tanh",
        "key_bias": False,
        "position_key_bias": False,
    },
    modules={
        "attention.self.q_bias": f"{QUERY}.bias",
        "attention.self.v_bias": f"{VALUE}.bias",
        "attention.self.pos_proj": "attention.self.position_key",
        "attention.self.pos_q_proj": "attention.self.position_query",
    },
    splits=(Split("attention.self.in_proj", HEADS, by_heads=True),),
)
DEBERTA_V2 = _deberta(
    "deberta-v2",
    "DebertaV2",
    keys={"head_size": ("attention_head_size",)},
    defaults={
        "head_size": None,
        "position_buckets": -1,
        "share_att_key": False,
        "norm_rel_ebd": "none",
        "conv_kernel_size": 0,
        "conv_act": "tanh",
    },
    modules={
        "attention.self.query_proj": QUERY,
        "attention.self.key_proj": KEY,
        "attention.self.value_proj": VALUE,
        "attention.self.pos_key_proj": "attention.self.position_key",
        "attention.self.pos_query_proj": "attention.self.position_query",
        "encoder.LayerNorm": "relative_embeddings.LayerNorm",
        "encoder.conv.conv": "convolution",
        "encoder.conv.LayerNorm": "convolution.LayerNorm",
    },
)
