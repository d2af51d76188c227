"""What configs of rotary, gated, local and disentangled encoders say, in all their spellings."""

import re
from typing import Any

import numpy as np
import pytest

from bertie.checkpoint.attention import AttentionLayer
from bertie.checkpoint.config import EncoderConfig
from bertie.errors import CheckpointError

SIZES = {
    "vocab_size": 101,
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 40,
}
# As its authors' config.json says it, the sizes apart.
NOMIC = {
    "model_type": "nomic_bert",
    "vocab_size": 101,
    "n_embd": 32,
    "n_layer": 4,
    "n_head": 4,
    "n_inner": 40,
    "n_positions": 8192,
    "activation_function": "swiglu",
    "layer_norm_epsilon": 1e-12,
    "rotary_emb_base": 1000,
    "rotary_emb_fraction": 1.0,
    "rotary_emb_interleaved": False,
    "qkv_proj_bias": False,
    "mlp_fc1_bias": False,
    "mlp_fc2_bias": False,
    "type_vocab_size": 2,
}
ALIBI = {"position_embedding_type": "alibi", "feed_forward_type": "geglu"}


def read(model_type: str, **keys: Any) -> EncoderConfig:
    return EncoderConfig.from_dict({**SIZES, "model_type": model_type, **keys}, where="config.json")


def refusal(model_type: str, **keys: Any) -> str:
    with pytest.raises(CheckpointError) as caught:
        read(model_type, **keys)
    return str(caught.value)


def frequencies(config: EncoderConfig, kind: int = 0) -> np.ndarray:
    return np.array(config.rotary[kind].inverse_frequencies)


def test_modernberts_layers_are_global_every_third_and_see_half_the_window_to_each_side() -> None:
    config = read("modernbert", local_attention=10)
    assert config.layer_types == (
        "full_attention",
        "sliding_attention",
        "sliding_attention",
        "full_attention",
    )
    assert config.attention_layers[0] == AttentionLayer(0)
    assert config.attention_layers[1] == AttentionLayer(1, 5, 5)
    assert config.setting("layer_types").origin == "default"
    assert [one["rope_theta"] for one in config.rope_parameters.values()] == [160_000, 10_000]


def test_old_and_new_keys_of_modernbert_say_the_same() -> None:
    old = read(
        "modernbert",
        global_attn_every_n_layers=2,
        global_rope_theta=80_000.0,
        local_rope_theta=500.0,
    )
    new = read(
        "modernbert",
        layer_types=["full_attention", "sliding_attention"] * 2,
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": 80_000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 500.0},
        },
    )
    assert old == new
    assert np.allclose(frequencies(old, 1), 500.0 ** -(np.arange(0, 8, 2) / 8))


def test_nomics_own_keys_and_those_of_transformers_say_the_same() -> None:
    own = EncoderConfig.from_dict(NOMIC, where="config.json")
    theirs = read("nomic_bert", max_position_embeddings=8192, hidden_act="silu")
    assert own == theirs
    assert own.source("hidden_size", "intermediate_size") == "n_embd and n_inner in config.json"
    assert not own.query_bias
    assert own.gated


def test_nomics_base_grows_beyond_the_trained_length() -> None:
    raw = {**NOMIC, "rotary_scaling_factor": 2, "max_trained_positions": 2048}
    config = EncoderConfig.from_dict(raw, where="config.json")
    assert config.rotary[0].dynamic == (1000.0, 2.0, 2048)
    assert config.positions == 8192


def test_nomics_trained_length_is_its_authors_where_it_is_not_stated() -> None:
    scaled = EncoderConfig.from_dict({**NOMIC, "rotary_scaling_factor": 2}, where="config.json")
    assert scaled.rotary[0].dynamic == (1000.0, 2.0, 2048)
    whole = {"rope_parameters": {"rope_type": "default", "rope_theta": 1000}}
    both = EncoderConfig.from_dict(
        {**NOMIC, **whole, "rotary_scaling_factor": 2}, where="config.json"
    )
    assert both.rotary == scaled.rotary
    none = EncoderConfig.from_dict({**NOMIC, "rotary_scaling_factor": 0}, where="config.json")
    assert none.rotary[0].dynamic is None


def test_both_sets_of_nomics_keys_may_stand_together_where_they_agree() -> None:
    theirs = {
        "hidden_size": 32,
        "hidden_act": "silu",
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": 2048,
    }
    both = EncoderConfig.from_dict({**NOMIC, **theirs}, where="config.json")
    assert both == EncoderConfig.from_dict(NOMIC, where="config.json")
    for keys, says in (
        ({"hidden_act": "gelu"}, "function is 'swiglu', but hidden_act is 'gelu'.*state the same"),
        ({"layer_norm_eps": 1e-5}, "layer_norm_epsilon is 1e-12, but layer_norm_eps is 1e-05"),
        ({"rope_parameters": {"rope_theta": 10_000}}, "10000.0, but rotary_emb_base is 1000.0"),
        (
            {"rope_scaling": {"type": "linear", "factor": 2}, "rotary_scaling_factor": 2},
            "rotary_scaling_factor stands beside a rope_type in rope_scaling",
        ),
    ):
        with pytest.raises(CheckpointError, match=says):
            EncoderConfig.from_dict({**NOMIC, **keys}, where="config.json")


def test_gtes_own_scaling_takes_a_larger_base_and_slows_all_down() -> None:
    config = read("new", rope_theta=500.0, rope_scaling={"type": "ntk", "factor": 3.0})
    expected = 1500.0 ** -(np.arange(0, 8, 2) / 8) / 3.0 ** (2 / 8)
    assert np.allclose(frequencies(config), expected)


def test_a_factor_slows_all_pairs_down_alike_where_the_type_is_linear() -> None:
    config = read("gte", rope_parameters={"rope_type": "linear", "factor": 4.0, "rope_theta": 9.0})
    assert np.allclose(frequencies(config), 9.0 ** -(np.arange(0, 8, 2) / 8) / 4)


def test_yarn_leaves_fast_pairs_alone_and_slows_slow_ones_down() -> None:
    scaling = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
    config = read("gte", hidden_size=256, rope_parameters={**scaling, "rope_theta": 1000.0})
    plain = frequencies(read("gte", hidden_size=256, rope_parameters={"rope_theta": 1000.0}))
    share = frequencies(config) / plain
    assert share[0] == 1
    assert share[-1] == pytest.approx(0.25)
    assert (np.diff(share) <= 1e-6).all()
    assert config.rotary[0].attention_factor == pytest.approx(0.1 * np.log(4) + 1)


def test_alibi_tells_jinas_bert_from_bert() -> None:
    config = read("bert", **ALIBI)
    assert (config.model_type, config.alibi, config.gated) == ("jina_bert", True, True)
    assert (config.hidden_act, config.learned_positions) == ("gelu", False)
    assert read("bert", **{**ALIBI, "feed_forward_type": "reglu"}).hidden_act == "relu"


def test_the_tensors_say_whether_jinas_queries_are_normalized() -> None:
    config = read("bert", **ALIBI)
    name = "encoder.layer.0.attention.self.query.LayerNorm.weight"
    assert config.query_key_norm == "none"
    assert config.decided_by([name]).query_key_norm == "all"
    assert config.decided_by(["encoder.layer.0.output.dense.weight"]) is config


def test_keys_and_values_may_have_fewer_heads_and_heads_a_width_of_their_own() -> None:
    config = read("eurobert", num_key_value_heads=2, head_dim=16)
    assert (config.query_width, config.key_width) == (64, 32)
    assert config.attention_scale == 0.25
    assert read("eurobert", head_dim=None).head_size == 8


def test_neoberts_feed_forward_width_is_two_thirds_of_the_stated_one() -> None:
    assert read("neobert", intermediate_size=3072).intermediate_size == 2048
    assert read("neobert", intermediate_size=40).intermediate_size == 32
    assert read("neobert").rotary[0].interleaved


@pytest.mark.parametrize("stated", ["p2c|c2p", ["c2p", "p2c"], " C2P | p2c"])
def test_debertas_parts_are_a_list_or_one_word_with_bars(stated: Any) -> None:
    config = read("deberta-v2", relative_attention=True, pos_att_type=stated)
    assert config.pos_att_type == ("c2p", "p2c")
    assert config.attention_scale == pytest.approx(1 / np.sqrt(3 * 8))


def test_debertas_distances_share_rows_from_half_of_the_buckets_on() -> None:
    config = read(
        "deberta-v2",
        relative_attention=True,
        pos_att_type="c2p",
        position_buckets=16,
        max_position_embeddings=64,
    )
    places = config.disentangled
    assert places is not None
    rows = np.array(places.rows)
    assert (places.span, len(rows)) == (16, 127)
    middle = rows[63 - 8 : 63 + 9]
    assert np.array_equal(middle, np.arange(8, 25))
    assert (np.diff(rows) >= 0).all()
    assert (rows[0], rows[-1]) == (1, 31)


def test_a_buckets_logarithm_needs_distances_beyond_those_that_are_counted_one_by_one() -> None:
    keys = {"relative_attention": True, "pos_att_type": "c2p"}
    alone = read("deberta-v2", **keys, position_buckets=2, max_position_embeddings=64)
    assert alone.disentangled is not None
    assert set(alone.disentangled.rows) == {1, 2, 3}
    # Where no text is that long, there is nothing to grow.
    short = read("deberta-v2", **keys, position_buckets=256, max_position_embeddings=64)
    assert short.disentangled is not None
    assert short.disentangled.rows == tuple(range(256 - 63, 256 + 64))


@pytest.mark.parametrize(
    "scaling",
    [
        {"rope_type": "yarn", "factor": 2, "rope_theta": 1},
        {"rope_type": "yarn", "factor": 2, "beta_fast": 1e-320},
        {"rope_type": "yarn", "factor": 1e-320},
        {"rope_type": "linear", "factor": 1e-320},
        {"rope_type": "ntk", "factor": 2, "mixed_b": 1e9},
        {"rope_type": "ntk", "factor": 2, "mixed_b": 300.0},
    ],
)
def test_numbers_that_give_no_angles_are_named(scaling: dict[str, Any]) -> None:
    config = read("gte", rope_scaling=scaling)
    with pytest.raises(CheckpointError, match=f"rope_type {scaling['rope_type']}.*finite angles"):
        _ = config.rotary


_DISTANCES = {"relative_attention": True, "pos_att_type": "c2p", "max_position_embeddings": 64}


@pytest.mark.parametrize(
    ("model_type", "keys", "says"),
    [
        ("gte", {"rope_parameters": {"rope_type": ["yarn"]}}, r"rope_type \['yarn'\] is not"),
        ("gte", {"rope_theta": 0}, "rope_theta is 0, expected more than 0"),
        ("gte", {"rope_theta": False}, "rope_theta is False, expected a number"),
        ("gte", {"rope_parameters": {"rope_theta": 0}}, "rope_theta is 0, expected more than 0"),
        (
            "gte",
            {"rope_parameters": {"rope_theta": 5}, "rope_scaling": {"type": "ntk", "factor": 2}},
            "rope_parameters and rope_scaling say different things",
        ),
        ("gte", {"rope_parameters": {"full_attention": {"rope_theta": 5}}}, "has full_attention"),
        ("gte", {"original_max_position_embeddings": 64}, "original_max_position_embeddings"),
        (
            "gte",
            {"rope_scaling": {"type": "yarn", "factor": 2, "truncate": 1}},
            "truncate is 1, expected true or false",
        ),
        (
            "modernbert",
            {"rope_parameters": {"rope_theta": 5.0}},
            "has rope_theta, expected an object for each of full_attention and sliding_attention",
        ),
        (
            "modernbert",
            {"rope_parameters": {"full_attention": {}, "local": {}}},
            "has local, expected an object for each",
        ),
        ("modernbert", {"local_rope_theta": None}, "local_rope_theta is None"),
        ("deberta", {"pos_att_type": ["c2p", "c2p"]}, "expected each word once"),
        (
            "deberta-v2",
            {**_DISTANCES, "max_position_embeddings": 2**31 - 1},
            "is 2147483647, expected at most 65536 where relative_attention",
        ),
        ("deberta-v2", {**_DISTANCES, "position_buckets": 1}, "position_buckets is 1 for"),
        (
            "deberta-v2",
            {**_DISTANCES, "position_buckets": 32, "max_relative_positions": 17},
            "position_buckets is 32 for distances up to 17",
        ),
        ("gte", {"rope_parameters": {"rope_type": "spiral"}}, "rope_type 'spiral'.*yarn"),
        ("gte", {"rope_scaling": {"type": "linear"}}, "linear needs factor"),
        ("gte", {"rope_scaling": {"type": "linear", "factor": 2, "twist": 1}}, "has twist"),
        ("gte", {"rope_scaling": {"type": "linear", "factor": "2"}}, "factor is '2'.*a number"),
        ("gte", {"rope_scaling": [1]}, r"rope_scaling is \[1\].*an object"),
        ("gte", {"rope_theta": -1.0}, "rope_theta is -1.0.*more than 0"),
        ("gte", {"partial_rotary_factor": 0.5}, "partial_rotary_factor isn't 1"),
        ("gte", {"hidden_size": 12}, "head's 3 numbers 3 are to be turned.*even"),
        ("gte", {"hidden_act": "swiglu"}, "hidden_act 'swiglu' is not supported"),
        ("modernbert", {"layer_types": ["full_attention"]}, "has 1 kinds.*the 4 layers"),
        ("modernbert", {"layer_types": ["far"] * 4}, "layer_types is .*sliding_attention"),
        ("modernbert", {"global_attn_every_n_layers": 0}, "every_n_layers is 0.*at least 1"),
        ("modernbert", {"norm_bias": 1}, "norm_bias is 1, expected true or false"),
        ("modernbert", {"hidden_size": 30}, "30 is not a multiple of num_attention_heads 4"),
        ("eurobert", {"num_key_value_heads": 3}, "heads 4 is not a multiple of.*heads 3"),
        ("deberta-v2", {"pos_att_type": "c2p|p2p"}, "has 'p2p'.*c2p, p2c"),
        ("deberta-v2", {"conv_kernel_size": 4}, "conv_kernel_size is 4, expected an odd"),
        ("deberta-v2", {"norm_rel_ebd": "rms"}, "norm_rel_ebd 'rms' is not supported"),
        ("deberta-v2", {"position_buckets": -2}, "position_buckets is -2.*at least -1"),
        ("bert", {**ALIBI, "feed_forward_type": "original"}, "'original'.*geglu, reglu"),
        ("nomic_bert", {"rotary_emb_fraction": 1.5}, "numbers 12 are to be turned"),
        ("eurobert", {"sliding_window": 128}, "sliding_window is 128"),
        ("neobert", {"hidden_act": "gelu"}, "hidden_act is 'gelu'.*another activation"),
        ("neobert", {"rope": False}, "rope is False"),
        ("neobert", {"rms_norm": False}, "rms_norm is False"),
        ("neobert", {"ngpt": True}, "ngpt is True"),
        (
            "nomic_bert",
            {"rotary_emb_fraction": 0.25, "rotary_scaling_factor": 2, "max_trained_positions": 16},
            "head's 8 numbers 2 are .* dynamic, expected at least 4",
        ),
        ("nomic_bert", {"rotary_emb_interleaved": "no"}, "interleaved is 'no'.*true or false"),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_seen(
    model_type: str, keys: dict[str, Any], says: str
) -> None:
    message = refusal(model_type, **keys)
    assert re.search(says, message), message
    assert message.startswith("config.json: ")
