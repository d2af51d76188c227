"""config.json and bert_config.json become one checked record."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.config import EncoderConfig, Setting
from bertie.errors import CheckpointError, InputError

TINY = json.loads((Path(__file__).parent / "data/tiny-bert/config.json").read_text())

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
    assert config.setting("model_type") == Setting("bert", "bert_config.json: its keys are BERT's")
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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_attention_heads": 5}, "hidden_size 24 is not a multiple of num_attention_heads 5"),
        ({"hidden_act": "mish"}, "hidden_act 'mish' is not supported; supported: gelu, "),
        ({"hidden_act": ["gelu"]}, r"hidden_act \['gelu'\] is not supported"),
        ({"model_type": "t5"}, "model_type 't5' is not supported; supported: bert"),
        (
            {"model_type": None, "architectures": ["RobertaModel"]},
            "architecture RobertaModel is not supported; supported: bert",
        ),
        ({"model_type": None, "architectures": 3}, "architectures is 3, expected a list of names"),
        (
            {"model_type": None, "type_vocab_size": None},
            "config.json has no model_type and isn't BERT's, for it lacks type_vocab_size",
        ),
        (
            {"position_embedding_type": "relative_key"},
            "position_embedding_type 'relative_key' is not supported; supported: absolute",
        ),
        ({"is_decoder": True}, "is_decoder is True; only whole, bidirectional encoders"),
        ({"pruned_heads": {"0": [1]}}, "pruned_heads is {'0': .*only whole, bidirectional"),
        ({"hidden_size": None, "vocab_size": None}, "config.json lacks vocab_size, hidden_size"),
        ({"hidden_size": 24.0}, "hidden_size is 24.0, expected a whole number"),
        ({"hidden_size": True}, "hidden_size is True, expected a whole number"),
        ({"hidden_size": "24"}, "hidden_size is '24', expected a whole number"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0, expected more than 0"),
        ({"num_hidden_layers": -3}, "num_hidden_layers is -3, expected more than 0"),
        ({"vocab_size": 2**31}, "vocab_size is 2147483648, expected more than 0 and at most"),
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


@given(st.dictionaries(st.sampled_from([*TINY, "pruned_heads", "is_decoder"]), json_values))
def test_any_json_gives_a_config_or_a_checkpoint_error(changes: dict[str, Any]) -> None:
    try:
        config = EncoderConfig.from_dict({**TINY, **changes}, where="config.json")
    except CheckpointError as error:
        assert "config.json" in str(error)  # noqa: PT017
    else:
        assert config.hidden_size % config.num_attention_heads == 0
