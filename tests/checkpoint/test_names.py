"""Files' names for tensors become canonical ones."""

import pytest

from bertie.checkpoint.architectures import ARCHITECTURES
from bertie.checkpoint.names import canonical, other_architecture, ties, unwrap

WORDS = "embeddings.word_embeddings.weight"


@pytest.mark.parametrize(
    ("model_type", "name", "expected"),
    [
        ("bert", "embeddings.LayerNorm.weight", "embeddings.LayerNorm.weight"),
        ("bert", "embeddings.LayerNorm.gamma", "embeddings.LayerNorm.weight"),
        ("bert", "bert.embeddings.LayerNorm.beta", "embeddings.LayerNorm.bias"),
        ("bert", "bert.pooler.dense.bias", "pooler.dense.bias"),
        (
            "bert",
            "cls.predictions.transform.LayerNorm.gamma",
            "cls.predictions.transform.LayerNorm.weight",
        ),
        (
            "bert",
            "encoder.layer.11.output.LayerNorm.beta",
            "encoder.layer.11.output.LayerNorm.bias",
        ),
        ("bert", "classifier.weight", "classifier.weight"),
        ("bert", "output_weights", "classifier.weight"),
        ("bert", "cls.squad.output_bias", "qa_outputs.bias"),
        ("bert", "distilbert.gamma", "distilbert.gamma"),
        ("bert", "some.bert.weight", "some.bert.weight"),
        ("bert", "encoder.layer.01.attention.q", "encoder.layer.01.attention.q"),
        ("roberta", "roberta.pooler.dense.bias", "pooler.dense.bias"),
        (
            "camembert",
            "roberta.encoder.layer.3.output.dense.bias",
            "encoder.layer.3.output.dense.bias",
        ),
        ("xlm-roberta", "lm_head.layer_norm.bias", "lm_head.layer_norm.bias"),
        (
            "distilbert",
            "distilbert.transformer.layer.5.attention.q_lin.weight",
            "encoder.layer.5.attention.self.query.weight",
        ),
        (
            "distilbert",
            "transformer.layer.0.attention.out_lin.bias",
            "encoder.layer.0.attention.output.dense.bias",
        ),
        (
            "distilbert",
            "transformer.layer.0.sa_layer_norm.weight",
            "encoder.layer.0.attention.output.LayerNorm.weight",
        ),
        ("distilbert", "transformer.layer.0.ffn.lin2.bias", "encoder.layer.0.output.dense.bias"),
        ("electra", "electra.embeddings_project.weight", "embeddings.projection.weight"),
        (
            "albert",
            "albert.encoder.albert_layer_groups.2.albert_layers.1.attention.dense.weight",
            "encoder.layer.5.attention.output.dense.weight",
        ),
        (
            "albert",
            "encoder.albert_layer_groups.0.albert_layers.0.full_layer_layer_norm.bias",
            "encoder.layer.0.output.LayerNorm.bias",
        ),
        (
            "albert",
            "encoder.albert_layer_groups.0.albert_layers.2.ffn.bias",
            "encoder.albert_layer_groups.0.albert_layers.2.ffn.bias",
        ),
        ("albert", "albert.pooler.weight", "pooler.dense.weight"),
        (
            "albert",
            "albert.encoder.embedding_hidden_mapping_in.bias",
            "embeddings.projection.bias",
        ),
        (
            "mpnet",
            "mpnet.encoder.layer.7.attention.attn.k.weight",
            "encoder.layer.7.attention.self.key.weight",
        ),
        (
            "mpnet",
            "encoder.layer.7.attention.LayerNorm.bias",
            "encoder.layer.7.attention.output.LayerNorm.bias",
        ),
        (
            "mpnet",
            "mpnet.encoder.relative_attention_bias.weight",
            "relative_attention_bias.weight",
        ),
    ],
)
def test_a_name_becomes_canonical_and_stays_so(model_type: str, name: str, expected: str) -> None:
    architecture = ARCHITECTURES[model_type]
    assert canonical(name, architecture, 2) == expected
    assert canonical(expected, architecture, 2) == expected


@pytest.mark.parametrize(
    ("model_type", "decoder", "bias"),
    [
        ("bert", "cls.predictions.decoder", "cls.predictions.bias"),
        ("roberta", "lm_head.decoder", "lm_head.bias"),
        ("mpnet", "lm_head.decoder", "lm_head.bias"),
        ("albert", "predictions.decoder", "predictions.bias"),
        ("distilbert", "vocab_projector", None),
        ("electra", "generator_lm_head", None),
    ],
)
def test_a_decoder_that_is_absent_is_the_word_embeddings(
    model_type: str, decoder: str, bias: str | None
) -> None:
    architecture = ARCHITECTURES[model_type]
    present = [WORDS, bias or f"{decoder}.bias"]
    weight = {f"{decoder}.weight": WORDS}
    own = {f"{decoder}.bias": bias} if bias else {}
    assert ties(present, architecture) == {**weight, **own}
    assert ties(present, architecture, words=False) == own
    assert ties([*present, f"{decoder}.weight", f"{decoder}.bias"], architecture) == {}
    turned = [f"{decoder}.weight", bias or f"{decoder}.bias"]
    assert ties(turned, architecture) == {WORDS: f"{decoder}.weight", **own}
    assert ties(turned, architecture, words=False) == own


@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_an_encoder_without_that_head_has_no_ties(model_type: str) -> None:
    assert ties([WORDS, "pooler.dense.bias"], ARCHITECTURES[model_type]) == {}


def test_names_tell_of_another_architecture() -> None:
    bert = ARCHITECTURES["bert"]
    assert (
        other_architecture(["roberta.embeddings.LayerNorm.bias", "lm_head.bias"], bert) == "roberta"
    )
    assert other_architecture(["bert.embeddings.LayerNorm.bias", "electra.x"], bert) is None
    assert other_architecture(["embeddings.LayerNorm.bias"], bert) is None


@pytest.mark.parametrize(
    "wrappers", [("module",), ("_orig_mod",), ("module", "_orig_mod"), ("_orig_mod", "module")]
)
def test_what_a_wrapped_model_has_before_every_name_is_taken_off(wrappers: tuple[str, ...]) -> None:
    prefix = "".join(f"{wrapper}." for wrapper in wrappers)
    found = {f"{prefix}bert.pooler.dense.bias": 1, f"{prefix}classifier.bias": 2}
    assert unwrap(found) == ({"bert.pooler.dense.bias": 1, "classifier.bias": 2}, wrappers)


@pytest.mark.parametrize(
    "names", [[], ["module.classifier.bias", "classifier.weight"], ["modules.classifier.bias"]]
)
def test_names_that_are_not_all_inside_a_wrapper_stay(names: list[str]) -> None:
    found = dict.fromkeys(names, 0)
    assert unwrap(found) == (found, ())
