"""An embedder's settings: the caller's word first, then the files', then defaults."""

from pathlib import Path
from typing import Any

import pytest

from bertie.checkpoint import Normalize, SentenceLayout
from bertie.config import Setting
from bertie.errors import InputError
from bertie.opening import Given
from bertie.tasks.embed_settings import embed_settings


def of(name: str, given: Any = None, **layout: Any) -> Setting:
    """Settle one setting."""
    return embed_settings(Given(**(given or {})), SentenceLayout(Path(), **layout))[name]


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
