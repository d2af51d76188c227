"""Settings: the caller's word first, then the files' in their order, then defaults."""

import json
from pathlib import Path
from typing import Any

import pytest

from bertie.checkpoint import Normalize, SentenceLayout
from bertie.config import EncoderConfig, Setting
from bertie.errors import InputError
from bertie.tasks.settle import Given, settle

TINY = json.loads((Path(__file__).parents[1] / "data/tiny-bert/config.json").read_text())
CONFIG = EncoderConfig.from_dict(TINY, where="config.json")
TOKENIZER = {"lower": Setting(True, "t: lower"), "max_length": Setting(40, "t: max")}


def of(
    name: str, tokenizer: dict[str, Setting] | None = None, given: Any = None, **layout: Any
) -> Setting:
    """Settle one setting."""
    found = SentenceLayout(Path(), **layout)
    settings = settle(Given(**(given or {})), found, CONFIG, {**TOKENIZER, **(tokenizer or {})})
    return getattr(settings, name)


def test_the_maximum_length_is_the_first_that_is_stated() -> None:
    stated = Setting(30, "s: max_seq_length")
    assert of("max_length", max_length=stated, given={"max_length": 20}) == Setting(20, "caller")
    assert of("max_length", max_length=stated) == stated
    assert of("max_length") == TOKENIZER["max_length"]
    unknown = {"max_length": Setting(None, "default")}
    positions = Setting(64, "config.json: max_position_embeddings")
    assert of("max_length", unknown) == positions


@pytest.mark.parametrize("given", [{"max_length": 65}, {}])
def test_the_maximum_length_is_never_beyond_the_positions(given: dict[str, int]) -> None:
    settled = of("max_length", max_length=Setting(512, "s"), given=given)
    assert settled == Setting(64, "config.json: max_position_embeddings")


def test_lower_casing_beforehand_is_for_tokenizers_that_do_not() -> None:
    cased = {"lower": Setting(False, "t: lower")}
    first = Setting(True, "s: do_lower_case")
    assert of("lower_first", cased, lower_first=first) == first
    assert of("lower_first", lower_first=first).value is False
    assert of("lower_first", cased, lower_first=first, given={"lower": False}) == Setting(
        False, "caller"
    )


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
        ({"pooling": "median"}, "pooling is 'median', expected one or several of mean, cls, max"),
        ({"pooling": []}, r"pooling is \[\], expected one or several of"),
        ({"prompts": {"q": 1}}, "prompts is {'q': 1}, expected texts by name"),
        ({"prompts": "query"}, "prompts is 'query', expected texts by name"),
    ],
)
def test_settings_that_cannot_be_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        of("pooling", given=given)
