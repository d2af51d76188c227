"""Settings: the caller's word first, then the files' in their order, then defaults."""

import json
from pathlib import Path
from typing import Any

import pytest

from bertie.checkpoint.config import EncoderConfig, Setting
from bertie.checkpoint.sentence_layout import SentenceLayout
from bertie.opened import Given
from bertie.tasks.common_settings import common_settings

TINY = json.loads((Path(__file__).parents[1] / "data/tiny-bert/config.json").read_text())
CONFIG = EncoderConfig.from_dict(TINY, where="config.json")
TOKENIZER = {"lower": Setting(True, "t: lower"), "max_length": Setting(40, "t: max")}


def of(
    name: str, tokenizer: dict[str, Setting] | None = None, given: Any = None, **layout: Any
) -> Setting:
    """Settle one setting."""
    found = SentenceLayout(Path(), **layout)
    words = {**TOKENIZER, **(tokenizer or {})}
    return common_settings(Given(**(given or {})), found, CONFIG, words)[name]


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
