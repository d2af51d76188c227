"""Google's names, and what is left out of them."""

import pytest

from bertie.checkpoint.tensorflow.bundle import Entry
from bertie.checkpoint.tensorflow.names import is_kernel, model_weights, translate


def entries(**shapes: tuple[int, ...]) -> dict[str, Entry]:
    return {name: Entry(name, "F32", shape, 0, 0, 0, 0, 0) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("bert/embeddings/word_embeddings", "bert.embeddings.word_embeddings.weight"),
        ("bert/embeddings/LayerNorm/gamma", "bert.embeddings.LayerNorm.weight"),
        ("bert/embeddings/LayerNorm/beta", "bert.embeddings.LayerNorm.bias"),
        (
            "bert/encoder/layer_11/attention/self/query/kernel",
            "bert.encoder.layer.11.attention.self.query.weight",
        ),
        ("bert/encoder/layer_0/output/dense/bias", "bert.encoder.layer.0.output.dense.bias"),
        ("module/bert/pooler/dense/kernel", "bert.pooler.dense.weight"),
        ("output_weights", "classifier.weight"),
        ("output_bias", "classifier.bias"),
        ("cls/squad/output_weights", "qa_outputs.weight"),
        ("cls/squad/output_bias", "qa_outputs.bias"),
        ("cls/predictions/output_bias", "cls.predictions.bias"),
        ("cls/predictions/transform/dense/kernel", "cls.predictions.transform.dense.weight"),
        ("cls/seq_relationship/output_weights", "cls.seq_relationship.weight"),
        ("cls/seq_relationship/output_bias", "cls.seq_relationship.bias"),
        ("somebody/elses/variable", "somebody.elses.variable"),
    ],
)
def test_a_name_becomes_that_of_transformers(name: str, becomes: str) -> None:
    assert translate(name) == becomes


def test_kernels_lie_the_other_way_round_and_nothing_else_does() -> None:
    found = entries(**{"a/kernel": (2, 3), "b/kernel": (3,), "output_weights": (2, 3)})
    assert [is_kernel(entry) for entry in found.values()] == [True, False, False]


def test_optimizer_slots_and_counters_are_left_out() -> None:
    names = ("kernel", "kernel/adam_m", "kernel/adam_v", "kernel/Adam", "kernel/Adam_1")
    slots = ("AdamWeightDecayOptimizer", "AdamWeightDecayOptimizer_1", "ExponentialMovingAverage")
    found = entries(
        **{f"bert/pooler/dense/{name}": (2, 2) for name in names},
        **{f"output_bias/{slot}": (2,) for slot in slots},
        output_bias=(2,),
        global_step=(),
        beta1_power=(),
    )
    kept = [entry.name for entry in model_weights(found)]
    assert kept == ["bert/pooler/dense/kernel", "output_bias"]


def test_what_is_no_slot_stays_even_where_nobody_knows_it() -> None:
    assert [entry.name for entry in model_weights(entries(**{"crf/transitions": (9, 9)}))] == [
        "crf/transitions"
    ]
