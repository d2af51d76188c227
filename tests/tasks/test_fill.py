"""Masks are filled by what the head says of the whole vocabulary."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers

import bertie
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.shapes import encoder_tensors
from bertie.engine import reference
from bertie.errors import InputError
from bertie.tasks.fill import Filler, _top_places
from tests.editing import edit_json, edit_tensors
from tests.tokenize.hf_tokenizers import byte_level, retokenize

TEXTS = ["The old [MASK] of stone.", "[MASK] reads a [MASK] at night", "a [MASK]"]
HIDDEN = 24


def chances(directory: Path, ids: list[int]) -> np.ndarray:
    """Compute (tokens, vocabulary) logarithms of chances in float64, by hand."""
    checkpoint = Checkpoint.open(directory)
    arrays = {name: tensor.float32() for name, tensor in encoder_tensors(checkpoint).items()}
    batch = np.array(ids, np.int32), np.zeros(len(ids), np.int32), np.array([len(ids)], np.int32)
    x = reference.forward(checkpoint.config, arrays, *batch)[-1]
    part = {name: checkpoint.tensors[name].float32() for name in checkpoint.tensors}
    start = "cls.predictions.transform."
    x = reference.gelu(x @ part[f"{start}dense.weight"].T + part[f"{start}dense.bias"])
    gain, bias = part[f"{start}LayerNorm.weight"], part[f"{start}LayerNorm.bias"]
    x = reference.layer_norm(x, gain, bias, 1e-12)
    x = x @ arrays["embeddings.word_embeddings.weight"].T + part["cls.predictions.bias"]
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def test_a_mask_gets_the_top_places_tokens(filler: Path) -> None:
    model = bertie.load(filler, precision="float32")
    assert isinstance(model, Filler)
    for text, found in zip(TEXTS, model.fill(TEXTS, top_k=4), strict=True):
        ids = model.tokenizer.encode(text).ids
        masks = [i for i, id in enumerate(ids) if model.tokenizer.token_of(id) == "[MASK]"]
        assert len(found) == len(masks)
        for place, fillings in zip(masks, found, strict=True):
            row = chances(filler, ids)[place]
            assert [one.id for one in fillings] == np.argsort(-row)[:4].tolist()
            expected = np.exp(np.sort(row)[::-1][:4])
            assert [one.score for one in fillings] == pytest.approx(expected, abs=1e-5)
            assert [model.tokenizer.token_of(one.id) for one in fillings] == [
                one.token for one in fillings
            ]


def test_rows_of_the_head_that_no_token_has_fill_nothing(filler: Path) -> None:
    def pad(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        words, bias = "embeddings.word_embeddings.weight", "cls.predictions.bias"
        likely = np.full(5, 9, np.float32)
        more = {words: np.pad(tensors[words], ((0, 5), (0, 0)))}
        return {**tensors, **more, bias: np.concatenate([tensors[bias], likely])}

    tokens = bertie.load(filler, precision="float32").fill(TEXTS[0])[0]
    edit_tensors(filler, pad)
    edit_json(filler / "config.json", vocab_size=184)
    padded = bertie.load(filler, precision="float32").fill(TEXTS[0])[0]
    assert [filling.token for filling in padded] == [filling.token for filling in tokens]
    assert all(a.score < b.score for a, b in zip(padded, tokens, strict=True))


def test_one_text_or_many_give_the_same(filler: Path) -> None:
    model = bertie.load(filler, budget=8)
    together = model.fill(TEXTS)
    assert [model.fill(text) for text in TEXTS] == together
    assert list(model.fill_stream(TEXTS)) == together
    assert model.fill(TEXTS, top_k=0) == [[[]], [[], []], [[]]]
    assert model.fill([]) == []
    assert len(model.fill(TEXTS[0], top_k=10**6)[0]) == model.tokenizer.vocab_size


def test_targets_are_judged_among_all_tokens(filler: Path) -> None:
    model = bertie.load(filler)
    (everything,) = model.fill(TEXTS[0], top_k=10**6)
    (found,) = model.fill(TEXTS[0], targets=["river", "Book", "river"])
    assert [one for one in everything if one.token in ("river", "book")] == found
    for target, message in (("friendship", "friend"), ("", "nothing"), (None, "None")):
        with pytest.raises(InputError, match=message):
            model.fill(TEXTS[0], targets=["river", target])
    with pytest.raises(InputError, match="targets is 'river', expected a list of words"):
        model.fill(TEXTS[0], targets="river")


def test_targets_may_be_tokens_as_the_vocabulary_writes_them(filler: Path) -> None:
    model = bertie.load(filler)
    (everything,) = model.fill(TEXTS[0], top_k=None)
    assert len(everything) == model.tokenizer.vocab_size
    (found,) = model.fill(TEXTS[0], targets=["##s", "river", "s"])
    assert [one for one in everything if one.token in ("##s", "river", "s")] == found


def test_tokens_of_a_byte_level_vocabulary_are_targets(filler: Path) -> None:
    retokenize(filler, byte_level())
    edit_tensors(filler, _with_bias)
    edit_json(filler / "tokenizer_config.json", mask_token="<mask>")
    model = bertie.load(filler)
    for spelled, token in (("ĠPa", "ĠPa"), (" Pa", "ĠPa"), ("P", "P")):
        assert [one.token for one in model.fill("in <mask>", targets=[spelled])[0]] == [token]


def _with_bias(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Give the head of another vocabulary a bias of its size."""
    words = len(tensors["embeddings.word_embeddings.weight"])
    return {**tensors, "cls.predictions.bias": np.linspace(-1, 1, words).astype("f4")}


def test_every_token_of_the_text_is_judged_whatever_frames_it(filler: Path) -> None:
    frames = {"$A </s>": 1, "$A": 0, "<s> <s> $A </s>": 3}
    for single, count in frames.items():
        tokenizer = byte_level()
        tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
            single=single, special_tokens=[("<s>", 0), ("</s>", 2)]
        )
        retokenize(filler, tokenizer)
        edit_tensors(filler, _with_bias)
        edit_json(filler / "tokenizer_config.json", mask_token="<mask>")
        model = bertie.load(filler)
        assert len(model.tokenizer.encode("a b").ids) == 3 + count
        assert [one.token for one in model.score_tokens("a b")] == ["a", "Ġ", "b"]


def test_a_mask_that_the_vocabulary_lacks_is_named(filler: Path) -> None:
    retokenize(filler, byte_level())
    edit_tensors(filler, _with_bias)
    with pytest.raises(InputError, match=r"'\[MASK\]' \(default\), which the vocabulary doesn't"):
        bertie.load(filler).fill("in [MASK]")


def test_a_mask_that_was_cut_off_is_not_called_absent(filler: Path) -> None:
    with pytest.raises(InputError, match=r"text 0 has no \[MASK\] among .* \(\d+ are cut off\)"):
        bertie.load(filler).fill("river " * 80 + "[MASK]")


def test_a_text_is_as_probable_as_its_tokens_one_by_one(filler: Path) -> None:
    model = bertie.load(filler, precision="float32")
    text = "the old bridge of stone"
    ids = model.tokenizer.encode(text).ids
    mask = model.tokenizer.id_of("[MASK]")
    logs = [
        chances(filler, [*ids[:place], mask, *ids[place + 1 :]])[place, ids[place]]
        for place in range(1, len(ids) - 1)
    ]
    found = model.score([text, ""])
    assert found[0].tokens == 5
    assert found[0].log_likelihood == pytest.approx(sum(logs), abs=1e-3)
    assert found[0].perplexity == pytest.approx(np.exp(-np.mean(logs)), rel=1e-3)
    assert (found[1].log_likelihood, found[1].tokens, found[1].perplexity) == (0, 0, 1)
    assert model.score(text) == found[0]


def test_a_token_stands_where_filling_its_place_would_have_it(filler: Path) -> None:
    model = bertie.load(filler, precision="float32")
    chances = model.score_tokens("the old bridge of stone")
    words = ["the", "old", "bridge", "of", "stone"]
    for place, found in enumerate(chances):
        masked = " ".join([*words[:place], "[MASK]", *words[place + 1 :]])
        (fillings,) = model.fill(masked, top_k=found.rank)
        assert (fillings[-1].token, found.token) == (words[place], words[place])
        assert fillings[-1].score == pytest.approx(np.exp(found.log_probability), rel=1e-6)
    total = model.score("the old bridge of stone").log_likelihood
    assert total == pytest.approx(sum(one.log_probability for one in chances))
    assert list(model.score_tokens_stream(["", "the old bridge of stone"])) == [[], chances]


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        (["a [MASK]", "no mask"], {}, r"text 1 has no \[MASK\], expected one where a word is"),
        ("a [MASK]", {"truncate": "window"}, "expected right, left, error"),
        ("a [MASK]", {"top_k": -1}, "top_k is -1"),
        (["a [MASK]", 3], {}, "text 1 is int 3"),
    ],
)
def test_what_cannot_be_filled_is_refused(
    filler: Path, inputs: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        bertie.load(filler).fill(inputs, **options)


@pytest.mark.parametrize("count", [0, 1, 3, 6, 7])
def test_the_top_places_are_found_with_all_that_equal_the_last(count: int) -> None:
    logits = np.array([-2.0, -1.0, -2.0, -0.5, -2.0, -9.0], np.float32)
    expected = {0: [], 1: [3], 3: [0, 1, 2, 3, 4]}.get(count, list(range(6)))
    assert _top_places(logits, count).tolist() == expected


@pytest.mark.parametrize("count", [1, 5, 30, 32, 500])
@pytest.mark.parametrize("levels", [1, 7, 1000])
def test_the_top_places_of_many_are_those_of_a_sort(count: int, levels: int) -> None:
    logits = np.random.default_rng(count).integers(0, levels, 1017).astype(np.float32)
    expected = np.flatnonzero(logits >= np.sort(logits)[-count])
    assert _top_places(logits, count).tolist() == expected.tolist()
