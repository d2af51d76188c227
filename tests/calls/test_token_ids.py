"""Token ids as inputs give what their text gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.calls.token_ids import pack_token_ids
from bertie.calls.truncation import Truncation
from bertie.errors import InputError, TruncationWarning

TEXTS = ["hello world", "the other one", ""]


@pytest.fixture(scope="module")
def model(tiny_sentence: Path) -> Any:
    return bertie.load(tiny_sentence)


def ids_of(model: Any, special: bool = True) -> list[list[int]]:
    return [model.tokenizer.encode(text, add_special_tokens=special).ids for text in TEXTS]


@pytest.mark.parametrize("special", [True, False])
def test_ids_give_what_their_texts_give_framed_or_not(model: Any, special: bool) -> None:
    ids = ids_of(model, special)
    np.testing.assert_array_equal(model.embed(ids, token_ids=True), model.embed(TEXTS))
    found = model.embed_tokens(ids, token_ids=True)
    for one, expected in zip(found, model.embed_tokens(TEXTS), strict=True):
        assert one.tokens == expected.tokens
        assert set(one.offsets) == {(0, 0)}
        np.testing.assert_array_equal(one.vectors, expected.vectors)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([[1, 10**6]], "token id 1000000 at 1 is beyond this model's vocabulary of .* tokenizer"),
        ([[1], [-1]], "text 1: token id -1 at 0 is beyond"),
        ([[1], "hello"], "text 1 is str 'hello', expected a list of token ids"),
        ([[1, 2.5]], "text 0: token 1 is 2.5, expected a whole number"),
    ],
)
def test_what_is_no_token_id_of_the_model_is_refused(model: Any, inputs: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        model.embed(inputs, token_ids=True)


def test_prompts_and_windows_are_refused(model: Any) -> None:
    with pytest.raises(InputError, match="no prompt is put before token ids"):
        model.embed([[1]], token_ids=True, prompt="query: ")
    with pytest.raises(InputError, match="truncate is 'window', but inputs are token ids"):
        model.embed([[1]], token_ids=True, truncate="window")


@pytest.mark.parametrize("side", ["right", "left"])
def test_long_ones_are_cut_between_what_frames_them(model: Any, side: str) -> None:
    long = "hello world the other one hello world"
    ids = model.tokenizer.encode(long, add_special_tokens=False).ids
    truncation = Truncation(side, 6)
    packed = pack_token_ids(model.tokenizer, [ids], 0, truncation)
    expected = model.tokenizer.encode_batch([long], max_length=6, truncate=side)
    np.testing.assert_array_equal(packed.ids, expected.ids)
    np.testing.assert_array_equal(packed.truncated, expected.truncated)
    with pytest.warns(TruncationWarning):
        truncation.warn(1)
    with pytest.raises(InputError, match=r"text 0 is .* tokens long"):
        pack_token_ids(model.tokenizer, [ids], 0, Truncation("error", 6))
