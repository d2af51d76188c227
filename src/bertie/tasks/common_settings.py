"""The settings of every task: the caller's word first, then the files', then defaults."""

from collections.abc import Mapping

from bertie.checkpoint.config import EncoderConfig, Setting
from bertie.checkpoint.sentence_layout import SentenceLayout
from bertie.opened import Given, Opened


def common_settings(
    given: Given,
    layout: SentenceLayout,
    config: EncoderConfig,
    tokenizer: Mapping[str, Setting],
) -> dict[str, Setting]:
    """Settle what concerns every task.

    Args:
        given: the caller's.
        layout: sentence-transformers' files.
        config: the encoder's, which limits the length.
        tokenizer: the tokenizer's settings.
    Returns: max_length, tokens of an input with its special ones; lower_first, whether texts are
        lower-cased before the tokenizer sees them.
    """
    return {
        "max_length": _max_length(given, layout, config, tokenizer),
        "lower_first": _lower_first(given, layout, tokenizer),
    }


def opened_settings(opened: Opened) -> dict[str, Setting]:
    """Settle what concerns every task, for a source."""
    tokenizer = opened.tokenizer.settings
    return common_settings(opened.given, opened.layout, opened.config, tokenizer)


def _max_length(
    given: Given,
    layout: SentenceLayout,
    config: EncoderConfig,
    tokenizer: Mapping[str, Setting],
) -> Setting:
    """Settle the most tokens of a text: the first stated, but never beyond the positions."""
    positions = Setting(config.positions, config.setting("max_position_embeddings").origin)
    stated = [
        Setting(given.max_length, given.origin("max_length")),
        layout.max_length or Setting(None, ""),
        tokenizer["max_length"],
        positions,
    ]
    first = next(setting for setting in stated if setting.value is not None)
    return first if first.value <= positions.value else positions


def _lower_first(given: Given, layout: SentenceLayout, tokenizer: Mapping[str, Setting]) -> Setting:
    """Settle lower-casing beforehand, which a tokenizer that lower-cases makes needless."""
    if given.lower is not None:
        return Setting(False, given.origin("lower"))
    if tokenizer["lower"].value:
        return Setting(False, f"the tokenizer lower-cases ({tokenizer['lower'].origin})")
    return layout.lower_first
