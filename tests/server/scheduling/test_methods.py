"""Every method gives what the library's gives, through a worker process."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.calls.token_ids import TokenIds
from bertie.errors import InputError
from bertie.server.methods import METHODS
from bertie.server.scheduling.inference import InferenceRequest
from bertie.server.tensors import Tensors
from bertie.tasks.table import TASKS
from tests.editing import edit_json
from tests.server.scheduling.conftest import run, serving
from tests.tasks.heads import add_fill_head, add_head

TEXTS = ("the old bridge", "a cat sleeps at night by the river", "")
PAIRS = (("who sleeps?", "the cat sleeps by the river"), ("what falls?", "rain falls at night"))
LABELS = (("labels", ("stone", "water")),)

# The method, the head that the checkpoint gets with so many outputs, inputs and options.
CASES: list[tuple[str, str | None, int, tuple[Any, ...], tuple[Any, ...]]] = [
    ("embed", None, 0, TEXTS, (("normalize", True),)),
    ("embed_tokens", None, 0, TEXTS, ()),
    ("classify", "sequence_classification", 3, (*TEXTS, *PAIRS), (("top_k", 2),)),
    ("zero_shot", "sequence_classification", 3, TEXTS, LABELS),
    ("score", "sequence_classification", 1, PAIRS, (("raw", True),)),
    ("tag", "token_classification", 3, TEXTS, ()),
    ("answer", "question_answering", 2, PAIRS, (("top_k", 2),)),
    ("next_sentence", "next_sentence", 2, PAIRS, ()),
]
LABEL_NAMES = {
    "zero_shot": ["entailment", "neutral", "contradiction"],
    "tag": ["O", "B-PER", "I-PER"],
    "classify": ["x", "y", "z"],
}


def same(a: Any, b: Any) -> bool:
    """Compare answers to the last bit."""
    if isinstance(a, np.ndarray) or np.isscalar(a):
        return bool(np.array_equal(a, b))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return same(list(vars(a).values()), list(vars(b).values()))


@pytest.mark.parametrize(("name", "head", "outputs", "inputs", "options"), CASES)
def test_a_method_gives_what_the_librarys_gives(
    bert: Path,
    name: str,
    head: str | None,
    outputs: int,
    inputs: tuple[Any, ...],
    options: tuple[Any, ...],
) -> None:
    if head is not None:
        add_head(bert, head, outputs, labels=LABEL_NAMES.get(name))
    method = METHODS[name]
    model = bertie.load(bert, task=method.task, threads=1)
    expected = method.compute(model, list(inputs), dict(options))

    async def work() -> None:
        async with serving(models={"tiny": (bert, {"task": method.task})}) as service:
            response = await service.infer(InferenceRequest("tiny", name, inputs, options))
            assert same(list(response.answers), list(expected))
            assert len(response.tokens) == len(inputs)
            assert (await service.ready()).ready

    run(work())


def test_fill_gives_what_the_librarys_gives_and_names_an_input_without_a_mask(
    bert: Path,
) -> None:
    add_fill_head(bert)
    model: Any = bertie.load(bert, threads=1)
    texts = ("a [MASK] of stone", "the [MASK]", "no mask here")

    async def work() -> None:
        async with serving(models={"tiny": bert}) as service:
            response = await service.infer(InferenceRequest("tiny", "fill", texts[:2]))
            assert same(list(response.answers), model.fill(list(texts[:2])))
            with pytest.raises(InputError, match=r"text 2 has no \[MASK\]"):
                await service.infer(InferenceRequest("tiny", "fill", texts))
            assert (await service.ready()).ready

    run(work())


def test_a_token_without_an_embedding_fails_its_own_request_alone(bert: Path) -> None:
    edit_json(bert / "tokenizer_config.json", additional_special_tokens=["[E11]"])
    rows = 179

    async def work() -> None:
        async with serving(models={"tiny": bert}, workers=0) as service:
            requests = [
                service.infer(InferenceRequest("tiny", "embed", ("a song", "the [E11]"))),
                service.infer(InferenceRequest("tiny", "embed", ("a song", "a river"))),
                service.infer(
                    InferenceRequest("tiny", "embed", (TokenIds((5,)), TokenIds((6, rows))))
                ),
            ]
            bad, good, ids = await asyncio.gather(*requests, return_exceptions=True)
            for error in (bad, ids):
                assert isinstance(error, InputError)
                assert str(error).startswith(f"text 1: token '[E11]' is {rows} in the vocabulary")
            assert len(good.answers) == 2

    run(work())


def test_token_ids_give_what_their_texts_give(tiny_sentence: Path, library: Any) -> None:
    async def work() -> None:
        async with serving(models={"tiny": tiny_sentence}, workers=0) as service:
            ids = tuple(TokenIds(tuple(library.tokenizer.encode(text).ids)) for text in TEXTS)
            response = await service.infer(InferenceRequest("tiny", "embed", ids))
            np.testing.assert_array_equal(np.stack(response.answers), library.embed(TEXTS))
            assert response.tokens == tuple(len(one.ids) for one in ids)
            with pytest.raises(InputError, match="another model's tokenizer"):
                await service.infer(InferenceRequest("tiny", "embed", (TokenIds((50256,)),)))
            with pytest.raises(InputError, match="token ids among texts"):
                await service.infer(InferenceRequest("tiny", "embed", (*ids, "text")))

    run(work())


def test_tensors_give_hidden_states_with_zeros_where_they_are_masked(
    tiny_bert: Path,
) -> None:
    model: Any = bertie.load(tiny_bert, threads=1, layers=[-2])
    ids = [model.tokenizer.encode(text).ids for text in TEXTS[:2]]
    size = max(map(len, ids)) + 3

    def padded(values: list[int]) -> tuple[int, ...]:
        return tuple(values + [0] * (size - len(values)))

    inputs = tuple(Tensors(padded(one), padded([1] * len(one)), padded([])) for one in ids)

    async def work() -> None:
        async with serving(models={"tiny": tiny_bert}, workers=0) as service:
            response = await service.infer(InferenceRequest("tiny", "tensors", inputs))
            for one, row, found in zip(
                model.embed_tokens(TEXTS[:2]), ids, response.answers, strict=True
            ):
                assert found.shape == (size, 24)
                np.testing.assert_array_equal(found[: len(row)], one.vectors)
                assert not found[len(row) :].any()
            holed = Tensors((3, 4), (0, 1), (0, 0))
            with pytest.raises(InputError, match="instance 1: input_mask isn't ones and then"):
                await service.infer(InferenceRequest("tiny", "tensors", (inputs[0], holed)))

    run(work())


def test_tensors_of_a_classifier_give_its_probabilities_in_order(bert: Path) -> None:
    add_head(bert, "sequence_classification", 3, labels=["x", "y", "z"])
    model: Any = bertie.load(bert, threads=1)
    encoded = model.tokenizer.encode(TEXTS[0])
    one = Tensors(tuple(encoded.ids), (1,) * len(encoded.ids), tuple(encoded.type_ids))

    async def work() -> None:
        async with serving(models={"tiny": bert}, workers=0) as service:
            response = await service.infer(InferenceRequest("tiny", "tensors_classify", (one,)))
            scores = {label.label: label.score for label in model.classify(TEXTS[0])}
            np.testing.assert_array_equal(response.answers[0], [scores[name] for name in "xyz"])

    run(work())


def test_every_task_has_a_method() -> None:
    assert {method.task for method in METHODS.values()} == set(TASKS)


@pytest.mark.parametrize(
    ("name", "head", "inputs"),
    [
        ("tag", "token_classification", (["the", "old", "bridge"], [], ["a", "cat"])),
        ("classify", "sequence_classification", (["the", "cat"], (["a"], ["dog", "sleeps"]))),
    ],
)
def test_words_and_pairs_of_words_are_told_apart(
    bert: Path, name: str, head: str, inputs: tuple[Any, ...]
) -> None:
    add_head(bert, head, 3, labels=LABEL_NAMES[name])
    model: Any = bertie.load(bert, task=name, threads=1)

    async def work() -> None:
        async with serving(models={"tiny": (bert, {"task": name})}, workers=0) as service:
            request = InferenceRequest("tiny", name, inputs, (("split_words", True),))
            response = await service.infer(request)
            expected = getattr(model, name)(list(inputs), split_words=True)
            assert same(list(response.answers), expected)
            assert response.characters == sum(len(word) for word in _words(inputs))

    run(work())


def _words(inputs: Any) -> list[str]:
    """List all words."""
    if isinstance(inputs, str):
        return [inputs]
    return [word for one in inputs for word in _words(one)]
