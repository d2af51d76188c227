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
        crossed: whether each text is read with a sentence for each of the option `labels`.
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
    crossed: bool = False
    limit: Callable[[Mapping[str, Setting], Options], int] = _max_length
    probe: Callable[[str], Any] = lambda _: "ready"
    probe_options: tuple[tuple[str, Any], ...] = ()


def _together(method: str) -> Compute:
    """Call a method that takes a list of inputs."""

    def compute(model: Any, inputs: list[Any], options: Options) -> Any:
        return getattr(model, method)(inputs, **options)

    return compute


def _apart(method: str) -> Compute:
    """Call a method that takes the first and second texts in two lists."""

    def compute(model: Any, inputs: list[Any], options: Options) -> Any:
        first, second = [one for one, _ in inputs], [two for _, two in inputs]
        return getattr(model, method)(first, second, **options)

    return compute


def _pair(_: str) -> Any:
    """Give a pair to probe with."""
    return ("Ready?", "ready")


METHODS: Mapping[str, Method] = {
    "embed": Method("embed", "embed", _together("embed"), token_ids=True, prompted=True),
    "embed_tokens": Method("embed", "embed_tokens", _together("embed_tokens"), token_ids=True),
    "classify": Method("classify", "classify", _together("classify"), pairs=None),
    "zero_shot": Method(
        "zero_shot",
        "zero_shot",
        _together("zero_shot"),
        crossed=True,
        probe_options=(("labels", ("ready",)),),
    ),
    "score": Method("rank", "score", _together("score"), pairs=True, probe=_pair),
    "tag": Method("tag", "tag", _together("tag"), truncate="window"),
    "answer": Method(
        "answer", "answer", _apart("answer"), pairs=True, truncate="window", probe=_pair
    ),
    "fill": Method("fill", "fill", _together("fill"), probe=lambda mask: mask),
    "next_sentence": Method(
        "next_sentence", "next_sentence", _apart("next_sentence"), pairs=True, probe=_pair
    ),
    "embed_sparse": Method("sparse", "embed_sparse", _together("embed_sparse"), token_ids=True),
    "embed_multi": Method(
        "multivector", "embed_multi", _together("embed_multi"), limit=_kind_length
    ),
}
