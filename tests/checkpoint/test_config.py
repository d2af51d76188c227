"""config.json and bert_config.json become one checked record."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.checkpoint.config import MODEL_TYPES, EncoderConfig, Setting
from bertie.errors import CheckpointError, InputError
from tests.architectures import own_names

TINY = json.loads((Path(__file__).parents[1] / "data/tiny-bert/config.json").read_text())

# The keys of the BERT repository's own bert_config.json.
GOOGLE = {
    "attention_probs_dropout_prob": 0.1,
    "directionality": "bidi",
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 4,
    "initializer_range": 0.02,
    "intermediate_size": 16,
    "max_position_embeddings": 16,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "type_vocab_size": 2,
    "vocab_size": 15,
}


def read(**changes: Any) -> EncoderConfig:
    """Read the tiny config with some keys changed; None takes a key away."""
    raw = {key: value for key, value in {**TINY, **changes}.items() if value is not None}
    return EncoderConfig.from_dict(raw, where="config.json")


def test_a_config_says_what_its_file_says() -> None:
    config = read()
    assert (config.model_type, config.vocab_size, config.hidden_size) == ("bert", 179, 24)
    assert (config.num_hidden_layers, config.num_attention_heads) == (3, 3)
    assert (config.hidden_act, config.layer_norm_eps) == ("gelu", 1e-12)
    assert config.setting("hidden_act") == Setting("gelu", "config.json: hidden_act")
    assert config.source("hidden_size") == "hidden_size in config.json"


def test_googles_config_is_berts_by_its_keys() -> None:
    config = EncoderConfig.from_dict(GOOGLE, where="bert_config.json")
    assert config.setting("model_type") == Setting(
        "bert", "bert_config.json: its keys are those of bert"
    )
    assert config.setting("layer_norm_eps") == Setting(1e-12, "default")
    assert config.source("layer_norm_eps") == "layer_norm_eps by default"


def test_berts_layers_have_weights_of_their_own_and_its_positions_count_from_zero() -> None:
    config = read()
    assert config.layer_weights == (0, 1, 2)
    assert config.embedding_size == 24
    assert config.positions == config.max_position_embeddings == 64


def test_positions_that_count_from_the_padding_token_are_fewer() -> None:
    assert replace(read(), position_padding=1).positions == 62
    assert replace(read(), position_padding=0).positions == 63


def test_the_callers_activation_wins_even_over_an_unknown_one() -> None:
    raw = {**TINY, "hidden_act": "unheard_of"}
    config = EncoderConfig.from_dict(raw, where="config.json", activation="gelu_new")
    assert config.setting("hidden_act") == Setting("gelu_new", "caller")
    with pytest.raises(InputError, match=r"activation is 'unheard_of', expected one of: gelu, "):
        EncoderConfig.from_dict(TINY, where="config.json", activation="unheard_of")


SIZES = {
    "vocab_size": 15,
    "max_position_embeddings": 16,
    "intermediate_size": 16,
    "hidden_size": 4,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


def read_as(model_type: str | None, **keys: Any) -> EncoderConfig:
    """Read a config of another architecture, of the tiny sizes unless a key says otherwise."""
    stated: dict[str, Any] = {} if model_type is None else {"model_type": model_type}
    if model_type == "jina_bert":  # which its configs call bert
        alibi = {"position_embedding_type": "alibi", "feed_forward_type": "geglu"}
        stated = {"model_type": "bert", **alibi}
        keys.pop("feed_forward_type", None)
    raw = {**stated, **SIZES, **keys}
    raw = {key: value for key, value in raw.items() if value is not None}
    return EncoderConfig.from_dict(raw, where="config.json")


# The embedding models that people load most, as their config.json has it.
MPNET_BASE = {
    "architectures": ["MPNetForMaskedLM"],
    "attention_probs_dropout_prob": 0.1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "gradient_checkpointing": False,
    "hidden_act": "gelu",
    "hidden_size": 768,
    "intermediate_size": 3072,
    "layer_norm_eps": 1e-05,
    "max_position_embeddings": 514,
    "model_type": "mpnet",
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "pad_token_id": 1,
    "relative_attention_num_buckets": 32,
    "vocab_size": 30527,
}
DISTILBERT_BASE = {
    "activation": "gelu",
    "architectures": ["DistilBertForMaskedLM"],
    "dim": 768,
    "hidden_dim": 3072,
    "max_position_embeddings": 512,
    "model_type": "distilbert",
    "n_heads": 12,
    "n_layers": 6,
    "pad_token_id": 0,
    "sinusoidal_pos_embds": False,
    "tie_weights_": True,
    "vocab_size": 30522,
}
XLM_R_BASE = {
    "architectures": ["XLMRobertaModel"],
    "hidden_act": "gelu",
    "hidden_size": 768,
    "intermediate_size": 3072,
    "layer_norm_eps": 1e-05,
    "max_position_embeddings": 514,
    "model_type": "xlm-roberta",
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "pad_token_id": 1,
    "position_embedding_type": "absolute",
    "type_vocab_size": 1,
    "vocab_size": 250002,
}
ALBERT_SMALL = {
    "architectures": ["AlbertModel"],
    "down_scale_factor": 1,
    "embedding_size": 128,
    "gap_size": 0,
    "hidden_act": "gelu",
    "hidden_size": 768,
    "inner_group_num": 1,
    "intermediate_size": 3072,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "albert",
    "net_structure_type": 0,
    "num_attention_heads": 12,
    "num_hidden_groups": 1,
    "num_hidden_layers": 6,
    "num_memory_blocks": 0,
    "type_vocab_size": 2,
    "vocab_size": 30000,
}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (MPNET_BASE, {"positions": 512, "type_vocab_size": 0, "position_padding": 1}),
        (MPNET_BASE, {"relative_attention_num_buckets": 32, "layer_norm_eps": 1e-5}),
        (DISTILBERT_BASE, {"hidden_size": 768, "intermediate_size": 3072, "hidden_act": "gelu"}),
        (DISTILBERT_BASE, {"num_hidden_layers": 6, "num_attention_heads": 12, "positions": 512}),
        (DISTILBERT_BASE, {"type_vocab_size": 0, "layer_norm_eps": 1e-12}),
        (XLM_R_BASE, {"positions": 512, "type_vocab_size": 1, "position_padding": 1}),
        (ALBERT_SMALL, {"embedding_size": 128, "layer_weights": (0,) * 6, "positions": 512}),
    ],
)
def test_the_configs_of_well_known_models_are_read(
    raw: dict[str, Any], expected: dict[str, Any]
) -> None:
    config = EncoderConfig.from_dict(raw, where="config.json")
    assert {name: getattr(config, name) for name in expected} == expected


@pytest.mark.parametrize("model_type", [name for name in MODEL_TYPES if name != "albert"])
def test_every_architecture_but_alberts_has_weights_for_each_pass(model_type: str) -> None:
    config = read_as(model_type, **own_names(model_type, SIZES))
    assert config.layer_weights == (0, 1)
    (width,) = own_names(model_type, {"hidden_size": 4})
    assert config.source("hidden_size") == f"{width} in config.json"


def test_a_config_is_the_same_by_the_names_that_distilbert_has_for_sizes() -> None:
    names = {"dim": 4, "n_layers": 2, "n_heads": 2, "hidden_dim": 16, "activation": "relu"}
    others = dict.fromkeys(["hidden_size", "num_hidden_layers", "num_attention_heads"])
    config = read_as("distilbert", **names, **others, intermediate_size=None)
    assert config == read_as("distilbert", hidden_dim=16, activation="relu")
    assert config.source("hidden_size", "embedding_size") == "dim in config.json"
    with pytest.raises(CheckpointError, match=r"config.json lacks dim, hidden_dim; a config of di"):
        read_as("distilbert", hidden_size=None)


def test_what_a_config_leaves_out_is_what_transformers_takes() -> None:
    assert read_as("albert").hidden_act == "gelu_new"
    assert read_as("albert").embedding_size == 128
    assert read_as("electra").embedding_size == 128
    assert read_as("roberta").position_padding == 1
    assert read_as("mpnet").relative_attention_num_buckets == 32
    assert read_as("bert", embedding_size=3).embedding_size == 4


def test_the_padding_token_is_the_configs_but_for_mpnet() -> None:
    assert read_as("roberta", pad_token_id=3).positions == 12
    assert read_as("mpnet", pad_token_id=3).positions == 14
    assert read_as("bert", pad_token_id=3).positions == 16


def test_albert_shares_weights_between_passes() -> None:
    grouped = read_as("albert", num_hidden_layers=4, num_hidden_groups=2, inner_group_num=2)
    assert grouped.layer_weights == (0, 1, 0, 1, 2, 3, 2, 3)
    assert grouped.num_hidden_layers == 8
    assert read_as("albert", num_hidden_layers=3).layer_weights == (0, 0, 0)


def test_a_dense_layer_follows_embeddings_of_another_width_and_alberts_always() -> None:
    assert read_as("electra", embedding_size=3).projects_embeddings
    assert not read_as("electra", embedding_size=4).projects_embeddings
    assert read_as("albert", embedding_size=4).projects_embeddings


@pytest.mark.parametrize(
    ("keys", "model_type", "origin"),
    [
        ({"architectures": ["RobertaForMaskedLM"]}, "roberta", "architectures"),
        ({"architectures": ["XLMRobertaModel"]}, "xlm-roberta", "architectures"),
        ({"architectures": ["TFElectraForPreTraining"]}, "electra", "architectures"),
        (
            {"dim": 4, "n_layers": 2, "n_heads": 2, "hidden_dim": 16},
            "distilbert",
            "its keys are those of distilbert",
        ),
        (
            {"embedding_size": 3, "num_hidden_groups": 1, "inner_group_num": 1},
            "albert",
            "its keys are those of albert",
        ),
        ({"type_vocab_size": 2}, "bert", "its keys are those of bert"),
    ],
)
def test_an_architecture_is_known_by_its_class_or_keys(
    keys: dict[str, Any], model_type: str, origin: str
) -> None:
    found = read_as(None, **keys).setting("model_type")
    assert found == Setting(model_type, f"config.json: {origin}")


@pytest.mark.parametrize(
    ("model_type", "keys", "message"),
    [
        ("albert", {"num_hidden_groups": 3}, "layers 2 is not a multiple of num_hidden_groups 3"),
        ("albert", {"inner_group_num": 0}, "inner_group_num is 0, expected at least 1"),
        ("mpnet", {"relative_attention_num_buckets": 16}, "is 16, expected 32, as its"),
        ("roberta", {"pad_token_id": 15}, r"after 15, the padding token's \(pad_token_id in conf"),
        ("roberta", {"pad_token_id": -1}, "pad_token_id is -1, expected at least 0"),
        ("roberta", {"pad_token_id": [1]}, r"pad_token_id is \[1\], expected a whole number"),
        (
            "electra",
            {"position_embedding_type": "relative_key_query"},
            "is 'relative_key_query', which makes attention",
        ),
        ("xlm-roberta", {"is_decoder": True}, "only whole, bidirectional"),
    ],
)
def test_an_architecture_is_refused_where_it_cannot_be(
    model_type: str, keys: dict[str, Any], message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_as(model_type, **keys)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_attention_heads": 5}, "hidden_size 24 is not a multiple of num_attention_heads 5"),
        ({"hidden_act": "mish"}, "hidden_act 'mish' is not supported; supported: gelu, "),
        ({"hidden_act": ["gelu"]}, r"hidden_act \['gelu'\] is not supported"),
        ({"model_type": "t5"}, "model_type 't5' is not supported; supported: bert"),
        (
            {"model_type": None, "architectures": ["RobertaPreLayerNormModel"]},
            "architecture 'RobertaPreLayerNormModel' is not supported; supported: bert, roberta, ",
        ),
        ({"model_type": None, "architectures": 3}, "architectures is 3, expected a list of names"),
        (
            {"model_type": None, "architectures": None, "type_vocab_size": None},
            "config.json has no model_type and isn't BERT's, for it lacks type_vocab_size",
        ),
        (
            {"position_embedding_type": "relative_key"},
            "position_embedding_type is 'relative_key', which .*supported: absolute",
        ),
        ({"is_decoder": True}, "is_decoder is True, which .*only whole, bidirectional encoders"),
        ({"pruned_heads": {"0": [1]}}, "pruned_heads is {'0': .*only whole, bidirectional"),
        ({"hidden_size": None, "vocab_size": None}, "config.json lacks vocab_size, hidden_size"),
        ({"hidden_size": 24.0}, "hidden_size is 24.0, expected a whole number"),
        ({"hidden_size": True}, "hidden_size is True, expected a whole number"),
        ({"hidden_size": "24"}, "hidden_size is '24', expected a whole number"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0, expected at least 1"),
        ({"num_hidden_layers": -3}, "num_hidden_layers is -3, expected at least 1"),
        ({"num_hidden_layers": 2000}, "num_hidden_layers is 2000, expected at least 1 and at most"),
        ({"vocab_size": 2**31}, "vocab_size is 2147483648, expected at least 1 and at most"),
        ({"layer_norm_eps": float("nan")}, "layer_norm_eps is nan, expected more than 0"),
        ({"layer_norm_eps": "tiny"}, "layer_norm_eps is 'tiny', expected a number"),
    ],
)
def test_a_config_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read(**changes)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("ab1", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab1", max_size=3), inner, max_size=3)
    ),
    max_leaves=3,
)


KEYS = [
    *TINY,
    "pruned_heads",
    "is_decoder",
    "dim",
    "activation",
    "pad_token_id",
    "embedding_size",
    "num_hidden_groups",
    "inner_group_num",
]


@given(st.sampled_from(MODEL_TYPES), st.dictionaries(st.sampled_from(KEYS), json_values))
def test_any_json_gives_a_config_or_a_checkpoint_error(
    model_type: str, changes: dict[str, Any]
) -> None:
    raw = {**TINY, "hidden_dim": 40, "model_type": model_type, **changes}
    try:
        config = EncoderConfig.from_dict(raw, where="config.json")
    except CheckpointError as error:
        assert "config.json" in str(error)  # noqa: PT017
    else:
        assert config.hidden_size % config.num_attention_heads == 0
