"""Prompts: texts that a model was trained to read before its inputs."""

from collections.abc import Mapping
from reprlib import repr as shown

from bertie.calls.texts import check_texts
from bertie.checkpoint.config import Setting
from bertie.checkpoint.sentence_layout import SentenceLayout
from bertie.errors import InputError

# The prompts that a kind of text goes by, the first that there is.
KINDS: Mapping[str, tuple[str, ...]] = {
    "query": ("query",),
    "document": ("document", "passage", "corpus"),
}


def default_prompt(layout: SentenceLayout) -> dict[str, Setting]:
    """Settle what tasks that offer no choice of prompts put before each text, or first text.

    Returns: the setting prompt, if the files name a default and it isn't empty.
    """
    default = layout.default_prompt_name
    text = layout.prompts.value.get(default.value, "")
    return {"prompt": Setting(text, default.origin)} if text else {}


def fixed_prompt(settings: Mapping[str, Setting], kind: str) -> str:
    """Give what a task that offers no choice of prompts puts before each text, or first text.

    Args:
        settings: the model's.
        kind: "query" or "document", for a task whose texts are either.
    """
    if "prompt" in settings:
        return str(settings["prompt"].value)
    return select_prompt(settings, None, None, kind) if kinds_by_prompt(settings) else ""


def kinds_by_prompt(settings: Mapping[str, Setting]) -> bool:
    """Tell whether a multi-vector model knows queries from documents by prompts.

    sentence-transformers' own do; those of ColBERT and PyLate know them by a marker token.
    """
    return "skipped_in" in settings


def prompt_notes(layout: SentenceLayout) -> tuple[str, ...]:
    """Say which prompts such tasks leave to the caller."""
    default = layout.default_prompt_name.value
    others = [name for name, text in layout.prompts.value.items() if text and name != default]
    if not others:
        return ()
    return (
        f"{layout.prompts.origin} has {', '.join(others)}, which this task doesn't put before"
        " texts: put them there yourself where the model was trained so",
    )


def select_prompt(
    settings: Mapping[str, Setting],
    prompt_name: str | None,
    prompt: str | None,
    kind: str | None,
) -> str:
    """Find what to put before each text of a call.

    Args:
        settings: prompts, by name, and default_prompt_name.
        prompt_name, prompt, kind: the caller's; at most one of them is not None.
    Returns: a text, which may be empty; for a kind without a prompt the default one.
    Raises: InputError: several given, or one that doesn't exist.
    """
    if sum(one is not None for one in (prompt_name, prompt, kind)) > 1:
        raise InputError("prompt, prompt_name and kind: several are given, expected one of them")
    if prompt is not None:
        check_texts([prompt], pairs=False)
        return prompt
    prompts = settings["prompts"].value
    name = prompt_name
    if kind is not None:
        if kind not in tuple(KINDS):
            raise InputError(f"kind is {shown(kind)}, expected one of {', '.join(KINDS)}")
        name = next((one for one in KINDS[kind] if one in prompts), None)
    if name is None:
        name = settings["default_prompt_name"].value
    if name is None:
        return ""
    if name not in tuple(prompts):
        known = ", ".join(prompts) or "none"
        raise InputError(f"prompt_name is {name!r}, but the model's prompts are: {known}")
    return str(prompts[name])
