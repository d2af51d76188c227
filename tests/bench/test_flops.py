"""Operations are those of the checkpoint's own matrices, and of attention."""

from math import prod

import numpy as np

from bertie.bench.flops import count_flops


def lengths(*values: int):
    return np.array(values, np.int32)


def test_dense_layers_cost_two_operations_per_weight_and_token(tiny, tiny_tensors) -> None:
    weights = sum(
        prod(tensor.shape)
        for name, tensor in tiny_tensors.items()
        if name.startswith("encoder.layer.") and len(tensor.shape) == 2
    )
    config = tiny.config
    attention = 2 * 2 * config.num_hidden_layers * config.hidden_size  # of one token to itself
    assert count_flops(config, lengths(1)) == 2 * weights + attention


def test_attention_grows_with_the_square_and_the_rest_with_the_tokens(tiny) -> None:
    config = tiny.config
    one, two, three = (count_flops(config, lengths(n)) for n in (10, 20, 30))
    square = 4 * config.num_hidden_layers * config.hidden_size
    assert three - 2 * two + one == 2 * square * 10 * 10


def test_sequences_add_up(tiny) -> None:
    together = count_flops(tiny.config, lengths(3, 64, 7))
    assert together == sum(count_flops(tiny.config, lengths(n)) for n in (3, 64, 7))


def test_nothing_costs_nothing(tiny) -> None:
    assert count_flops(tiny.config, lengths()) == 0


def test_long_sequences_do_not_overflow(tiny) -> None:
    many = np.full(100_000, 50_000, np.int32)
    assert count_flops(tiny.config, many) == 100_000 * count_flops(tiny.config, lengths(50_000))
