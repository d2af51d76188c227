"""Arguments of another type than theirs: refused by name, wherever they are given."""

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bertie
from bertie.errors import BertieError, InputError
from bertie.search import Index
from bertie.tokenize import Tokenizer, Vocab
from tests.server.running import make_models

CALLS: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("embed", "embed", ("a song",)),
    ("embed", "embed_tokens", ("a song",)),
    ("classify", "classify", ("a song",)),
    ("nli", "zero_shot", ("a song", ["water", "sea"])),
    ("rank", "rank", ("a song", ["the sea"])),
    ("rank", "score", ([("a song", "the sea")],)),
    ("tag", "tag", ("a song",)),
    ("answer", "answer", ("what", "a song")),
    ("next", "next_sentence", ("a song", "the sea")),
    ("sparse", "embed_sparse", ("a song",)),
)


@pytest.fixture(scope="module")
def load(
    tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, tiny_sentence: Path
) -> Callable[[str], Any]:
    sources = make_models(tmp_path_factory.mktemp("models"), tiny_bert, tiny_sentence)

    def loaded(name: str) -> Any:
        path, options = sources[name]
        return bertie.load(path, precision="float32", threads=1, **options)

    return loaded


def truths(call: Callable[..., Any]) -> list[str]:
    """Name a call's arguments that are True or False."""
    given = inspect.signature(call).parameters.values()
    return [one.name for one in given if one.annotation in (bool, bool | None)]


@pytest.mark.parametrize(("model", "method", "inputs"), CALLS, ids=[one[1] for one in CALLS])
def test_no_text_or_number_is_taken_for_true_or_false(
    load: Callable[[str], Any], model: str, method: str, inputs: tuple[Any, ...]
) -> None:
    call = getattr(load(model), method)
    names = truths(call)
    assert names
    for name in names:
        for value in ("false", "True", 0, 1, 1.0, [], np.bool_(True)):
            with pytest.raises(InputError, match=f"{name} is .*, expected True or False"):
                call(*inputs, **{name: value})
        call(*inputs, **dict.fromkeys(set(names) - {"split_words", "token_ids"}, False))


def test_rows_are_not_deleted_by_a_word(load: Callable[[str], Any], tmp_path: Path) -> None:
    index = Index.create(tmp_path / "index", model=load("embed"), key="id")
    index.add([{"id": 1, "text": "a"}, {"id": 2, "text": "b"}])
    with pytest.raises(InputError, match="prune is 'no', expected True or False"):
        index.add([{"id": 1, "text": "a"}], prune="no")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="exact is 'no', expected True or False"):
        index.search("a", exact="no")  # type: ignore[arg-type]
    assert len(index) == 2


@pytest.mark.parametrize("name", ["lower", "normalize"])
@pytest.mark.parametrize("value", ["false", 0, 1.0, []])
def test_a_model_is_not_loaded_with_a_word_for_false(
    tiny_sentence: Path, name: str, value: Any
) -> None:
    with pytest.raises(InputError, match=f"{name} is .*, expected True or False"):
        bertie.load(tiny_sentence, **{name: value})


@pytest.mark.parametrize("value", ["3", 1.0, True, [], 10**30, float("nan")])
def test_a_number_is_whole(tiny_sentence: Path, value: Any) -> None:
    tokenizer = Tokenizer.load(tiny_sentence)
    with pytest.raises(InputError, match=r"threads is .*, expected at least 1, or None"):
        bertie.load(tiny_sentence, threads=value)
    with pytest.raises(InputError, match=r"threads is .*, expected at least 1, or None"):
        tokenizer.encode_batch(["a song"], threads=value)
    with pytest.raises(InputError, match=r"max_length is .*, expected a whole number"):
        tokenizer.encode("a song", max_length=value)


def test_numpy_s_whole_numbers_are_whole(tiny_sentence: Path) -> None:
    tokenizer = Tokenizer.load(tiny_sentence)
    assert len(tokenizer.encode("a song of", max_length=np.int64(3)).ids) == 3  # type: ignore[arg-type]
    assert tokenizer.decode(np.array(tokenizer.encode("a song").ids)) == "a song"


def test_ids_are_not_made_of_what_is_none(tiny_sentence: Path) -> None:
    tokenizer = Tokenizer.load(tiny_sentence)
    for ids in ("16", ["16"], [16.7], [True], [[16]]):
        with pytest.raises(InputError, match=r"id \d is .*, expected a whole number"):
            tokenizer.decode(ids)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="skip_special_tokens is 'no'"):
        tokenizer.decode([16], skip_special_tokens="no")  # type: ignore[arg-type]
    for name in ("split_words", "add_special_tokens"):
        with pytest.raises(InputError, match=f"{name} is None, expected True or False"):
            tokenizer.encode("a song", **{name: None})
    with pytest.raises(InputError, match="lower is 'no'"):
        Tokenizer.load(tiny_sentence, lower="no")  # type: ignore[arg-type]
    vocab = Vocab(["[UNK]", "[CLS]", "[SEP]"])
    with pytest.raises(InputError, match="lower is 'no'"):
        Tokenizer.from_vocab(vocab, lower="no")  # type: ignore[arg-type]


def test_a_choice_that_is_no_word_is_refused_as_one_that_is_not_known(
    load: Callable[[str], Any], tiny_sentence: Path
) -> None:
    for name in ("output", "kind", "prompt_name"):
        with pytest.raises(InputError, match=rf"{name} is \[\]"):
            load("embed").embed("a song", **{name: []})
    with pytest.raises(InputError, match=r"kind is \[\]"):
        load("colbert").embed_multi("a song", kind=[])
    options: tuple[dict[str, Any], ...] = ({"task": []}, {"pooling": 0}, {"pooling": {}})
    for option in options:
        refused = partial(bertie.load, tiny_sentence, **option)
        with pytest.raises(BertieError, match=rf"{next(iter(option))} is "):
            refused()
