"""How the architectures differ: a table, and nothing here computes.

All of them are one forward pass (embeddings, then layers of attention and feed-forward). What
differs is said by data: what config.json calls a size and what it means when it leaves it out, what
a file calls a tensor, where norms stand and what attention sees, and which layers stand on the last
hidden state. Rows of BERT's family are here, the facts those of transformers' model classes; later
ones are in modern_architectures.py and deberta.py.
"""

import re
from collections.abc import Mapping
from typing import Any

from bertie.checkpoint.architecture import NUMBERED, Architecture
from bertie.checkpoint.fields import RELATIVE_BUCKETS
from bertie.checkpoint.head_forms import (
    ANSWERS,
    BERT_MASKED_LM,
    BERT_TIES,
    CLASSIFIER,
    HIDDEN_ACT,
    ON_POOLER,
    POOLED,
    POOLER,
    TOKENS,
    WORDS,
    HeadForm,
    Step,
    Tie,
    masked_lm,
    on_first,
)
from bertie.checkpoint.modern_architectures import MODERN

_TWO_LAYERS = on_first(Step("classifier.dense", "tanh"), Step("classifier.out_proj"))
_LM_HEAD = masked_lm(
    Step("lm_head.dense", "gelu"), Step("lm_head.layer_norm", norm=True), Step("lm_head.decoder")
)

_LM_HEAD_TIES = (
    Tie("lm_head.decoder.weight", WORDS, "lm_head."),
    Tie("lm_head.decoder.bias", "lm_head.bias", "lm_head."),
)

# transformers' values for what its BERT-like configs may leave out.
_DEFAULTS: Mapping[str, Any] = {
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
}
# An encoder whose positions count from 0, without distances; each pass has weights of its own.
_PLAIN: Mapping[str, Any] = {
    "position_padding": None,
    "relative_attention_num_buckets": 0,
    "inner_group_num": 1,
}
_OWN_LAYERS: Mapping[str, str] = {"num_hidden_groups": "num_hidden_layers"}
_ONE_WIDTH: Mapping[str, str] = {**_OWN_LAYERS, "embedding_size": "hidden_size"}

BERT = Architecture(
    model_type="bert",
    classes="Bert",
    prefix="bert",
    keys={},
    defaults=_DEFAULTS,
    fixed=_PLAIN,
    same=_ONE_WIDTH,
    told_by=(
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "type_vocab_size",
    ),
    layer=NUMBERED,
    # What Google's own scripts for fine-tuning call their heads.
    modules={
        "output_weights": "classifier.weight",
        "output_bias": "classifier.bias",
        "cls.squad.output_weights": "qa_outputs.weight",
        "cls.squad.output_bias": "qa_outputs.bias",
    },
    ties=BERT_TIES,
    heads=(
        ON_POOLER,
        TOKENS,
        ANSWERS,
        BERT_MASKED_LM,
        HeadForm(
            "next_sentence",
            "first",
            (POOLER, Step("cls.seq_relationship")),
            2,
            "ForNextSentencePrediction",
        ),
        POOLED,
    ),
)


def _roberta(model_type: str, classes: str) -> Architecture:
    """Describe RoBERTa, of which others are copies under their own names."""
    return Architecture(
        model_type=model_type,
        classes=classes,
        prefix="roberta",
        keys={"position_padding": ("pad_token_id",)},
        defaults={**_DEFAULTS, "position_padding": 1},
        fixed={"relative_attention_num_buckets": 0, "inner_group_num": 1},
        same=_ONE_WIDTH,
        told_by=(),
        layer=NUMBERED,
        modules={},
        ties=_LM_HEAD_TIES,
        heads=(_TWO_LAYERS, TOKENS, ANSWERS, _LM_HEAD, POOLED),
    )


DISTILBERT = Architecture(
    model_type="distilbert",
    classes="DistilBert",
    prefix="distilbert",
    keys={
        "hidden_size": ("dim", "hidden_size"),
        "num_hidden_layers": ("n_layers", "num_hidden_layers"),
        "num_attention_heads": ("n_heads", "num_attention_heads"),
        "intermediate_size": ("hidden_dim",),
        "hidden_act": ("activation",),
    },
    defaults=_DEFAULTS,
    # Its config has no epsilon, its code this one.
    fixed={**_PLAIN, "type_vocab_size": 0, "layer_norm_eps": 1e-12},
    same=_ONE_WIDTH,
    told_by=("dim", "n_layers", "n_heads", "hidden_dim"),
    layer=re.compile(r"transformer\.layer\.(?P<layer>0|[1-9]\d{0,8})\."),
    modules={
        "attention.q_lin": "attention.self.query",
        "attention.k_lin": "attention.self.key",
        "attention.v_lin": "attention.self.value",
        "attention.out_lin": "attention.output.dense",
        "sa_layer_norm": "attention.output.LayerNorm",
        "ffn.lin1": "intermediate.dense",
        "ffn.lin2": "output.dense",
        "output_layer_norm": "output.LayerNorm",
    },
    ties=(Tie("vocab_projector.weight", WORDS, "vocab_"),),
    heads=(
        on_first(Step("pre_classifier", "relu"), CLASSIFIER),
        TOKENS,
        ANSWERS,
        masked_lm(
            Step("vocab_transform", HIDDEN_ACT),
            Step("vocab_layer_norm", norm=True),
            Step("vocab_projector"),
        ),
    ),
)

ELECTRA = Architecture(
    model_type="electra",
    classes="Electra",
    prefix="electra",
    keys={},
    defaults={**_DEFAULTS, "embedding_size": 128},
    fixed=_PLAIN,
    same=_OWN_LAYERS,
    told_by=(),
    layer=NUMBERED,
    modules={"embeddings_project": "embeddings.projection"},
    ties=(Tie("generator_lm_head.weight", WORDS, "generator_"),),
    heads=(
        on_first(Step("classifier.dense", "gelu"), Step("classifier.out_proj")),
        TOKENS,
        ANSWERS,
        # A discriminator has none: its predictions say which tokens were replaced.
        masked_lm(
            Step("generator_predictions.dense", "gelu"),
            Step("generator_predictions.LayerNorm", norm=True),
            Step("generator_lm_head"),
        ),
    ),
)

ALBERT = Architecture(
    model_type="albert",
    classes="Albert",
    prefix="albert",
    keys={},
    defaults={
        **_DEFAULTS,
        "hidden_act": "gelu_new",
        "embedding_size": 128,
        "num_hidden_groups": 1,
        "inner_group_num": 1,
    },
    fixed={"position_padding": None, "relative_attention_num_buckets": 0},
    same={},
    told_by=("embedding_size", "num_hidden_groups", "inner_group_num"),
    layer=re.compile(
        r"encoder\.albert_layer_groups\.(?P<group>0|[1-9]\d{0,3})"
        r"\.albert_layers\.(?P<layer>0|[1-9]\d{0,3})\."
    ),
    modules={
        "attention.query": "attention.self.query",
        "attention.key": "attention.self.key",
        "attention.value": "attention.self.value",
        "attention.dense": "attention.output.dense",
        "attention.LayerNorm": "attention.output.LayerNorm",
        "ffn": "intermediate.dense",
        "ffn_output": "output.dense",
        "full_layer_layer_norm": "output.LayerNorm",
        "encoder.embedding_hidden_mapping_in": "embeddings.projection",
        "pooler": "pooler.dense",
    },
    ties=(
        Tie("predictions.decoder.weight", WORDS, "predictions."),
        Tie("predictions.decoder.bias", "predictions.bias", "predictions."),
    ),
    heads=(
        ON_POOLER,
        TOKENS,
        ANSWERS,
        masked_lm(
            Step("predictions.dense", HIDDEN_ACT),
            Step("predictions.LayerNorm", norm=True),
            Step("predictions.decoder"),
        ),
        POOLED,
    ),
    always_projects=True,
)

MPNET = Architecture(
    model_type="mpnet",
    classes="MPNet",
    prefix="mpnet",
    keys={},
    defaults={**_DEFAULTS, "relative_attention_num_buckets": RELATIVE_BUCKETS},
    # Its code counts positions from 1, whatever the config's pad_token_id.
    fixed={"position_padding": 1, "type_vocab_size": 0, "inner_group_num": 1},
    same=_ONE_WIDTH,
    told_by=(),
    layer=NUMBERED,
    modules={
        "attention.attn.q": "attention.self.query",
        "attention.attn.k": "attention.self.key",
        "attention.attn.v": "attention.self.value",
        "attention.attn.o": "attention.output.dense",
        "attention.LayerNorm": "attention.output.LayerNorm",
        "encoder.relative_attention_bias": "relative_attention_bias",
    },
    ties=_LM_HEAD_TIES,
    heads=(_TWO_LAYERS, TOKENS, ANSWERS, _LM_HEAD, POOLED),
)

ARCHITECTURES: Mapping[str, Architecture] = {
    architecture.model_type: architecture
    for architecture in (
        BERT,
        _roberta("roberta", "Roberta"),
        _roberta("xlm-roberta", "XLMRoberta"),
        _roberta("camembert", "Camembert"),
        DISTILBERT,
        ELECTRA,
        ALBERT,
        MPNET,
        *MODERN,
    )
}
