"""An embedder's settings: the caller's word first, then the files', then defaults."""

import json
from pathlib import Path
from typing import Any

import pytest

from bertie.checkpoint.config import EncoderConfig, Setting
from bertie.checkpoint.sentence_layout import Normalize, SentenceLayout
from bertie.errors import InputError
from bertie.opened import Given
from bertie.tasks.embed_settings import embed_settings

TINY = json.loads((Path(__file__).parents[1] / "data/tiny-bert/config.json").read_text())
CONFIG = EncoderConfig.from_dict(TINY, where="config.json")


def of(name: str, given: Any = None, **layout: Any) -> Setting:
    """Settle one setting."""
    return embed_settings(Given(**(given or {})), SentenceLayout(Path(), **layout), CONFIG)[name]


def test_layers_are_numbers_of_hidden_states() -> None:
    assert of("layers") == Setting((-1,), "default: the last")
    assert of("layers", given={"layers": [-4, 0, 3]}) == Setting((-4, 0, 3), "caller")
    for wrong in ([4], [-5], [], "1", [1.0], 1):
        with pytest.raises(InputError, match="expected numbers from 0, the embeddings, to 3"):
            of("layers", given={"layers": wrong})
    with pytest.raises(InputError, match="layers is given, but pooling first_last says itself"):
        of("layers", given={"layers": [1], "pooling": "first_last"})


def test_poolings_go_by_several_words() -> None:
    assert of("pooling", given={"pooling": ["mean_max", "sep"]}).value == (
        "mean",
        "max",
        "lasttoken",
    )
    assert of("pooling", given={"pooling": "first_last"}).value == ("first_last",)
    with pytest.raises(InputError, match="expected one or several of mean, "):
        of("pooling", given={"pooling": ["first_last", "mean"]})


def test_ranges_are_two_rows_that_differ() -> None:
    assert of("ranges", given={"ranges": [[0, 1], [1, 2]]}).value == [[0, 1], [1, 2]]
    assert of("ranges").value is None
    for wrong in ([[0, 1]], [[0, 1], [0, 2]], "none", [[0], [1, 2]]):
        with pytest.raises(InputError, match=r"ranges is .*, expected two rows"):
            of("ranges", given={"ranges": wrong})


def test_normalization_is_what_the_last_module_says() -> None:
    normalizing = {"modules": (Normalize(),), "modules_origin": "modules.json"}
    assert of("normalize", **normalizing) == Setting(True, "modules.json")
    assert of("normalize") == Setting(False, "default: there is no modules.json")
    assert of("normalize", given={"normalize": False}, **normalizing) == Setting(False, "caller")


def test_pooling_may_be_one_mode_or_several() -> None:
    assert of("pooling", given={"pooling": "cls"}) == Setting(("cls",), "caller")
    assert of("pooling", given={"pooling": ["max", "mean"]}) == Setting(("max", "mean"), "caller")
    assert of("pooling").value == ("mean",)


def test_the_default_prompt_stays_where_the_callers_prompts_have_it() -> None:
    files = {"prompts": Setting({"q": "?"}, "f"), "default_prompt_name": Setting("q", "f")}
    assert of("default_prompt_name", **files) == Setting("q", "f")
    assert of("default_prompt_name", given={"prompts": {"q": "!"}}, **files) == Setting("q", "f")
    assert of("default_prompt_name", given={"prompts": {"x": "!"}}, **files).value is None
    assert of("prompts", given={"prompts": {"x": "!"}}, **files) == Setting({"x": "!"}, "caller")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pooling": "median"}, "pooling is 'median', expected one or several of mean, "),
        ({"pooling": []}, r"pooling is \[\], expected one or several of"),
        ({"prompts": {"q": 1}}, "prompts is {'q': 1}, expected texts by name"),
        ({"prompts": "query"}, "prompts is 'query', expected texts by name"),
    ],
)
def test_settings_that_cannot_be_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        of("pooling", given=given)
