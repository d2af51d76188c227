"""int8's divisors even the channels out, are kept, and leave the vectors what they are."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.shapes import encoder_tensors
from bertie.checkpoint.tensor import Tensor
from bertie.engine import quantize as module
from bertie.engine.calibration import Calibration, CalibrationText
from bertie.engine.encoder import PRECISIONS, Encoder, Recipe
from bertie.engine.quantize import divisors, int8_recipe, observe
from bertie.errors import CheckpointError, InputError
from tests.architectures import NAMES, write
from tests.packed import packed

LENGTHS = [1, 64, 7, 30, 12, 12, 50]


@pytest.fixture(scope="module")
def calibration(tiny) -> Calibration:
    """Random sequences to calibrate the tiny BERT with."""
    ids, type_ids, lengths = packed(tiny.config, LENGTHS * 4, seed=5)
    return Calibration(CalibrationText(("x",), "here"), ids, type_ids, lengths, False, None)


@pytest.fixture
def recipe_of(tiny, tiny_tensors, calibration, tmp_path: Path):
    """Find the tiny BERT's recipe, with a cache of the test's own."""
    return partial(
        int8_recipe, tensors=tiny_tensors, calibration=calibration, tensors_hash="", cache=tmp_path
    )


def test_divisors_split_the_ratio_of_input_to_weight() -> None:
    found = divisors(np.array([16, 1, 4], np.float32), np.array([1, 16, 4], np.float32))
    assert found.tolist() == [4, 0.25, 1]


def test_a_channel_that_is_always_zero_keeps_its_scale() -> None:
    zeros, ones = np.zeros(2, np.float32), np.ones(2, np.float32)
    assert divisors(zeros, ones).tolist() == divisors(ones, zeros).tolist() == [1, 1]


@given(values=st.lists(st.floats(0, 2.0**127, width=32), min_size=2, max_size=8))
def test_divisors_are_finite_and_above_zero_whatever_the_peaks(values: list[float]) -> None:
    peaks = np.array(values, np.float32)
    found = divisors(peaks, peaks[::-1].copy())
    assert np.isfinite(found).all()
    assert (found > 0).all()
    assert np.isfinite(1 / found).all()


def test_a_last_bit_of_the_peaks_does_not_show() -> None:
    peaks = np.linspace(0.1, 9, 500, dtype=np.float32)
    ones = np.ones_like(peaks)
    changed = divisors(np.nextafter(peaks, np.float32(10)), ones) != divisors(peaks, ones)
    assert np.count_nonzero(changed) <= 1


def test_observed_peaks_are_those_of_any_division_into_batches(
    tiny, tiny_tensors, calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Encoder(tiny.config, tiny_tensors, threads=2)
    whole = encoder.observe(calibration.ids, calibration.type_ids, calibration.lengths)
    monkeypatch.setattr(module, "_OBSERVED_TOKENS", 40)
    parts = observe(encoder, calibration)
    assert set(parts) == set(whole) == {p.name for p in module.products(tiny.config)}
    for name, values in whole.items():
        assert np.array_equal(parts[name], values)
        assert values.max() > 0


def test_the_recipe_has_a_divisor_for_every_channel(tiny, recipe_of) -> None:
    recipe = recipe_of(tiny.config)
    assert recipe.precision == "int8"
    for product in module.products(tiny.config):
        assert recipe.smoothing[product.name].shape == (product.inputs,)


@pytest.mark.parametrize("name", NAMES)
def test_every_architectures_products_are_those_that_the_core_observes(
    name: str, tmp_path: Path
) -> None:
    checkpoint = Checkpoint.open(write(tmp_path / name, name, "pooler"))
    config = checkpoint.config
    tensors = encoder_tensors(checkpoint)
    products = list(module.products(config))
    encoder = Encoder(config, tensors, threads=1)
    observed = encoder.observe(*packed(config, [5, 9], seed=1))
    assert {name: values.shape for name, values in observed.items()} == {
        product.name: (product.inputs,) for product in products
    }
    # What is multiplied and isn't of a layer, or by positions only, stays in float32.
    listed = [name for product in products for name in product.weights]
    assert sorted(listed) == sorted(
        name
        for name, tensor in tensors.items()
        if name.startswith("encoder.layer.") and len(tensor.shape) == 2 and "position" not in name
    )
    for product in products:
        assert module._weight_peaks(product, tensors).shape == (product.inputs,)


def test_divisors_change_what_is_rounded_and_little_else(
    tiny, tiny_tensors, tiny_expected, recipe_of
) -> None:
    batch = tiny_expected["ids"], tiny_expected["type_ids"], tiny_expected["lengths"]
    exact = tiny_expected["hidden"][-1]
    smooth = Encoder(tiny.config, tiny_tensors, recipe=recipe_of(tiny.config)).forward(*batch)
    plain = Encoder(tiny.config, tiny_tensors, recipe=Recipe("int8")).forward(*batch)
    assert not np.array_equal(smooth, plain)
    for hidden in (smooth, plain):
        products = (hidden * exact).sum(axis=1)
        norms = np.linalg.norm(hidden, axis=1) * np.linalg.norm(exact, axis=1)
        assert (products / norms).min() > 0.995


def test_what_was_found_is_recalled(
    tiny, recipe_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = recipe_of(tiny.config)
    assert len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(module, "observe", lambda *_: pytest.fail("it observed again"))
    assert same(recipe_of(tiny.config), first)


def same(one: Recipe, other: Recipe) -> bool:
    """Compare two recipes bit by bit."""
    if one.smoothing.keys() != other.smoothing.keys():
        return False
    return all(np.array_equal(one.smoothing[name], other.smoothing[name]) for name in one.smoothing)


@pytest.mark.parametrize("damage", ["empty", "cut", "changed", "longer", "a directory"])
def test_a_damaged_entry_is_found_anew_and_written_again(
    tiny, recipe_of, tmp_path: Path, damage: str
) -> None:
    first = recipe_of(tiny.config)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    if damage == "a directory":
        path.unlink()
        path.mkdir()
    else:
        changed = whole[:-1] + bytes([whole[-1] ^ 1])
        broken = {"empty": b"", "cut": whole[:-4], "changed": changed, "longer": whole + b"1234"}
        path.write_bytes(broken[damage])
    assert same(recipe_of(tiny.config), first)
    if damage != "a directory":
        assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_only_time(tiny, recipe_of, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert same(recipe_of(tiny.config, cache=tmp_path / "file"), recipe_of(tiny.config))


@pytest.mark.parametrize("change", ["tensors", "config", "calibration", "isa", "recipe"])
def test_an_entry_is_found_only_for_what_it_was_made_of(
    tiny, recipe_of, calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    recipe_of(tiny.config)
    config, options = tiny.config, {}
    if change == "tensors":
        options["tensors_hash"] = "other"
    elif change == "config":
        config = replace(config, hidden_act="relu")
    elif change == "calibration":
        options["calibration"] = replace(calibration, ids=calibration.ids[::-1].copy())
    elif change == "isa":
        monkeypatch.setattr(module, "selected_isa", lambda: "another")
    else:
        monkeypatch.setattr(module, "RECIPE", "another")
    recipe_of(config, **options)
    assert len(list(tmp_path.iterdir())) == 2


def test_smoothing_of_another_width_and_unknown_precisions_are_refused(tiny, tiny_tensors) -> None:
    wrong = Recipe("int8", {"encoder.layer.0.attention.self": np.ones(3, np.float32)})
    with pytest.raises(CheckpointError, match=r"attention\.self has 3 channels, expected 24"):
        Encoder(tiny.config, tiny_tensors, recipe=wrong)
    with pytest.raises(InputError, match="'int4' is unknown; expected float32, bfloat16 or int8"):
        Encoder(tiny.config, tiny_tensors, recipe=Recipe("int4"))


@pytest.fixture(scope="module")
def encoders(tiny, tiny_tensors, calibration, tmp_path_factory) -> dict[str, list[Encoder]]:
    """One model in every precision, each with one to three threads."""
    recipe = int8_recipe(
        tiny.config,
        tiny_tensors,
        calibration,
        tensors_hash="",
        cache=tmp_path_factory.mktemp("quantized"),
    )
    recipes = {name: recipe if name == "int8" else Recipe(name) for name in PRECISIONS}
    return {
        name: [
            Encoder(tiny.config, tiny_tensors, threads=threads, recipe=made)
            for threads in (1, 2, 3)
        ]
        for name, made in recipes.items()
    }


@given(
    precision=st.sampled_from(PRECISIONS),
    lengths=st.lists(st.integers(1, 64), min_size=1, max_size=20),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_a_sequence_has_the_same_bits_in_any_company_in_every_precision(
    encoders: dict[str, list[Encoder]],
    tiny: Any,
    precision: str,
    lengths: list[int],
    seed: int,
    data: st.DataObject,
) -> None:
    first, *others = encoders[precision]
    ids, type_ids, counts = packed(tiny.config, lengths, seed)
    expected = first.forward(ids, type_ids, counts)
    starts = np.cumsum(counts) - counts
    order = data.draw(st.permutations(range(len(lengths))))
    tokens = np.concatenate([np.arange(starts[i], starts[i] + counts[i]) for i in order])
    for encoder in others:
        shuffled = encoder.forward(ids[tokens], type_ids[tokens], counts[order])
        assert np.array_equal(shuffled, expected[tokens])
    alone = slice(starts[order[0]], starts[order[0]] + counts[order[0]])
    single = others[0].forward(ids[alone], type_ids[alone], counts[order[:1]])
    assert np.array_equal(single, expected[alone])


def test_weights_of_any_type_give_their_peaks(tiny, tiny_tensors: dict[str, Tensor]) -> None:
    product = next(module.products(tiny.config))
    stacked = np.concatenate([tiny_tensors[name].float32() for name in product.weights])
    found = module._weight_peaks(product, tiny_tensors)
    assert np.array_equal(found, np.abs(stacked).max(axis=0))
