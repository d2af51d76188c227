"""Every method that servers and jobs call: whose it is, and how it takes its inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bertie.calls.prompts import kinds_by_prompt
from bertie.checkpoint.config import Setting

Options: TypeAlias = Mapping[str, Any]
# A model, some inputs, the method's keyword arguments → one answer for each input.
Compute: TypeAlias = Callable[[Any, list[Any], Options], Any]


def _max_length(settings: Mapping[str, Setting], _: Options) -> int:
    """Read inputs as far as the model does."""
    return int(settings["max_length"].value)


def _kind_length(settings: Mapping[str, Setting], options: Options) -> int:
    """Read queries and documents each as far as their kind goes; a marker takes one token."""
    if kinds_by_prompt(settings):
        return int(settings[f"{options.get('kind', 'document')}_length"].value)
    if options.get("kind") == "query":
        return int(settings["query_length"].value) - 1
    longest = min(settings["document_length"].value, settings["max_length"].value)
    return int(longest) - 1


@dataclass(frozen=True)
class Method:
    """One method.

    Attributes:
        task: what its models are for.
        name: of the model's class.
        compute: calls it.
        token_ids: whether inputs may be TokenIds.
        count: where inputs aren't texts: checks them and counts the tokens of each, given how many
            ids the tokenizer has.
        pairs: whether every input is a tuple of two texts, or None where it may be.
        truncate: what the method does with long inputs where nothing is said.
        prompted: whether a prompt may be put before each text.
        per_label: whether each text is read with a sentence for each of the option `labels`.
        limit: the most tokens of an input, given the model's settings and the options.
        probe: an input to see whether a model works, given the tokenizer's mask token.
        probe_options: the options that go with it.
    """

    task: str
    name: str
    compute: Compute
    token_ids: bool = False
    count: Callable[[tuple[Any, ...], int], tuple[int, ...]] | None = None
    pairs: bool | None = False
    truncate: str = "right"
    prompted: bool = False
    per_label: bool = False
    limit: Callable[[Mapping[str, Setting], Options], int] = _max_length
    probe: Callable[[str], Any] = lambda _: "ready"
    probe_options: tuple[tuple[str, Any], ...] = ()


def _one_list(method: str) -> Compute:
    """Call a method that takes a list of inputs."""

    def compute(model: Any, inputs: list[Any], options: Options) -> Any:
        return getattr(model, method)(inputs, **options)

    return compute


def _two_lists(method: str) -> Compute:
    """Call a method that takes the first and second texts in two lists."""

    def compute(model: Any, inputs: list[Any], options: Options) -> Any:
        first, second = [one for one, _ in inputs], [two for _, two in inputs]
        return getattr(model, method)(first, second, **options)

    return compute


def _probe_pair(_: str) -> Any:
    """Give a pair to probe with."""
    return ("Ready?", "ready")


METHODS: Mapping[str, Method] = {
    "embed": Method("embed", "embed", _one_list("embed"), token_ids=True, prompted=True),
    "embed_tokens": Method("embed", "embed_tokens", _one_list("embed_tokens"), token_ids=True),
    "classify": Method("classify", "classify", _one_list("classify"), pairs=None),
    "zero_shot": Method(
        "zero_shot",
        "zero_shot",
        _one_list("zero_shot"),
        per_label=True,
        probe_options=(("labels", ("ready",)),),
    ),
    "score": Method("rank", "score", _one_list("score"), pairs=True, probe=_probe_pair),
    "tag": Method("tag", "tag", _one_list("tag"), truncate="window"),
    "answer": Method(
        "answer",
        "answer",
        _two_lists("answer"),
        pairs=True,
        truncate="window",
        probe=_probe_pair,
    ),
    "fill": Method("fill", "fill", _one_list("fill"), probe=lambda mask: mask),
    "next_sentence": Method(
        "next_sentence",
        "next_sentence",
        _two_lists("next_sentence"),
        pairs=True,
        probe=_probe_pair,
    ),
    "embed_sparse": Method("sparse", "embed_sparse", _one_list("embed_sparse"), token_ids=True),
    "embed_multi": Method(
        "multivector", "embed_multi", _one_list("embed_multi"), limit=_kind_length
    ),
}
