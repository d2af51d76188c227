"""What is counted beforehand is what the methods read."""

from pathlib import Path
from typing import Any

import pytest

import bertie
from bertie.calls.token_ids import TokenIds
from bertie.checkpoint.config import Setting
from bertie.errors import InputError
from bertie.server.methods import METHODS
from bertie.server.tensors import Tensors
from bertie.tasks.token_counts import count_characters, count_tokens
from tests.tasks.heads import add_head

LONG = "the old bridge by the river " * 12


def count(model: Any, call: str, *inputs: Any, **options: Any) -> Any:
    return count_tokens(model.tokenizer, model.info().settings, METHODS[call], inputs, options)


@pytest.fixture(scope="module")
def model(tiny_sentence: Path) -> Any:
    return bertie.load(tiny_sentence)


@pytest.mark.parametrize("side", ["right", "left"])
def test_texts_are_counted_as_they_are_cut(model: Any, side: str) -> None:
    texts = ["a", LONG, "ein Bär", ""]
    packed = model.tokenizer.encode_batch(texts, max_length=model.max_length, truncate=side)
    found = count(model, "embed", *texts, truncate=side)
    assert found.tokens == tuple(packed.lengths.tolist())
    assert found.truncated == tuple(packed.truncated.tolist())
    assert found.truncated[1] > 0


def test_windows_leave_nothing_out(model: Any) -> None:
    found = count(model, "embed", "a", LONG, truncate="window")
    assert found.truncated == (0, 0)
    assert found.tokens[1] > model.max_length


def test_an_input_that_is_too_long_is_refused_where_that_is_the_policy(model: Any) -> None:
    with pytest.raises(InputError, match=r"text 1 is \d+ tokens long"):
        count(model, "embed", "a", LONG, truncate="error")
    with pytest.raises(InputError, match="truncate is 'middle'"):
        count(model, "embed", "a", truncate="middle")


def test_a_prompt_is_counted_with_its_text(model: Any) -> None:
    (without,) = count(model, "embed", "river").tokens
    (prompted,) = count(model, "embed", "river", prompt="the old ").tokens
    assert prompted == without + 2
    with pytest.raises(InputError, match="prompt_name is 'nothing'"):
        count(model, "embed", "river", prompt_name="nothing")


def test_a_text_is_counted_with_each_label(bert: Path) -> None:
    add_head(bert, "sequence_classification", 3, labels=["entailment", "b", "contradiction"])
    inferring = bertie.load(bert, task="zero_shot")
    one = inferring.tokenizer.encode("the cat", "it is wine").ids
    found = count(
        inferring, "zero_shot", "the cat", labels=("wine", "bread"), hypothesis="it is {}"
    )
    assert found.tokens == (2 * len(one),)
    assert count(inferring, "zero_shot", "a", labels=()).tokens == (0,)


def test_pairs_and_words_are_counted_as_they_are_read(bert: Path) -> None:
    add_head(bert, "sequence_classification", 3, labels=["a", "b", "c"])
    classifying = bertie.load(bert, task="classify")
    found = count(classifying, "classify", "the cat", ("the cat", "sleeps"))
    tokenizer = classifying.tokenizer
    expected = (tokenizer.encode("the cat").ids, tokenizer.encode("the cat", "sleeps").ids)
    assert found.tokens == tuple(map(len, expected))
    words = count(classifying, "classify", ["the", "cat"], split_words=True)
    assert words.tokens == found.tokens[:1]
    with pytest.raises(InputError, match="text 0 is str 'the cat', not a list of words"):
        count(classifying, "classify", "the cat", split_words=True)


def test_what_stands_alone_where_pairs_are_needed_is_refused(model: Any) -> None:
    with pytest.raises(InputError, match="text 1 stands alone"):
        count(model, "score", ("a", "b"), "a")


def test_documents_and_queries_are_counted_by_their_own_lengths(tiny_bert: Path) -> None:
    values = {"query_length": 8, "document_length": 20, "max_length": 64, "lower_first": False}
    settings = {name: Setting(value, "here") for name, value in values.items()}
    tokenizer = bertie.load(tiny_bert).tokenizer
    for kind, most in (("query", 7), ("document", 19)):
        found = count_tokens(tokenizer, settings, METHODS["embed_multi"], (LONG,), {"kind": kind})
        assert found.tokens == (most,)


def test_characters_are_those_of_all_texts() -> None:
    given = ("abc", ("de", "f"), ["gh", "i"], TokenIds((1, 2)), Tensors((1,), (1,), (0,)), 7)
    assert count_characters(given) == 3 + 3 + 3 + 2 + 1


def test_no_inputs_are_no_tokens(model: Any) -> None:
    assert count(model, "embed").tokens == ()
