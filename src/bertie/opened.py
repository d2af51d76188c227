"""A source's files, read and checked; nothing computed yet.

Whatever is done with a model (run it, export it, examine it) begins here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.arguments import check_flags
from bertie.checkpoint.bundle import SCALE, SMOOTHING, Bundle
from bertie.checkpoint.config import EncoderConfig, Setting
from bertie.checkpoint.directory import Checkpoint, require_files
from bertie.checkpoint.heads import HeadRecord, head_errors, heads, projection_head
from bertie.checkpoint.sentence import read_layout
from bertie.checkpoint.sentence_layout import Normalize, SentenceLayout, TruncateDim
from bertie.checkpoint.shapes import encoder_tensors
from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError, InputError
from bertie.sources import resolve
from bertie.tokenize import Tokenizer

CALLER = "caller"


@dataclass(frozen=True)
class Given:
    """What the caller says instead of the checkpoint; None where the checkpoint decides.

    bertie.load describes each of them. What a bundle's exporter said stands in for a caller who
    says nothing.

    Attributes:
        origins: by name, where those come from that aren't this caller's.
    """

    max_length: int | None = None
    lower: bool | None = None
    activation: str | None = None
    config: str | Path | Mapping[str, Any] | None = None
    vocab: str | Path | None = None
    pooling: str | Sequence[str] | None = None
    normalize: bool | None = None
    prompts: Mapping[str, str] | None = None
    labels: Sequence[str] | None = None
    layers: Sequence[int] | None = None
    dimensions: int | None = None
    ranges: Any = None

    origins: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the truths. Raises: InputError: one of another type."""
        truths = {"lower": self.lower, "normalize": self.normalize}
        check_flags(**{name: value for name, value in truths.items() if value is not None})

    def origin(self, name: str) -> str:
        """Say where a setting that is given comes from."""
        return self.origins.get(name, CALLER)

    def stated(self) -> dict[str, Any]:
        """List the settings that are given, by name."""
        values = ((name, getattr(self, name)) for name in GIVEN)
        return {name: value for name, value in values if value is not None}

    def over(self, bundle: Bundle) -> "Given":
        """Fill up with what a bundle's exporter said.

        Raises: CheckpointError: an option that this version doesn't know, or of another type.
        """
        for name, value in bundle.options.items():
            if name not in GIVEN or not isinstance(value, _KINDS.get(name, object)):
                raise CheckpointError(
                    f"{bundle.origin(name)} is {shown(value)}, which this version has no use for:"
                    f" install Bertie {bundle.bertie}, which wrote it, or a later one"
                )
        added = {name: v for name, v in bundle.options.items() if getattr(self, name) is None}
        origins = {name: bundle.origin(name) for name in added}
        return replace(self, **added, origins=origins)

    def require_only(self, task: str, taken: frozenset[str]) -> None:
        """Refuse settings that a task has no use for, rather than ignore them.

        Args:
            task: its name, for the message.
            taken: what it takes beside COMMON.
        Raises: InputError: naming the others that the caller gives; a bundle's are for its task.
        """
        idle = [name for name in self.stated() if name not in {*COMMON, *taken, *self.origins}]
        if idle:
            raise InputError(
                f"{', '.join(idle)}: given, but the task {task!r} has no use for it;"
                f" it takes {', '.join(sorted(COMMON | taken))}"
            )


# The names of what can be given.
GIVEN = tuple(one.name for one in fields(Given) if one.name != "origins")
# What a bundle's options are, in JSON.
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "max_length": int,
    "lower": bool,
    "activation": str,
    "vocab": Path,
    "pooling": (str, list),
    "normalize": bool,
    "prompts": dict,
    "labels": list,
    "layers": list,
    "dimensions": int,
    "ranges": list,
}
# What every task takes.
COMMON = frozenset({"max_length", "lower", "activation", "config", "vocab"})


@dataclass(frozen=True, eq=False)
class Opened:
    """A source, opened.

    Attributes:
        directory: where its files lie.
        layout: what sentence-transformers' files say beyond the encoder.
        checkpoint: config and tensors.
        tensors: the encoder's, by canonical name, their shapes checked.
        tokenizer: texts to token ids.
        given: what the caller says instead of the files.
        bundle: what bertie.json says, if the source is a bundle.
    """

    directory: Path
    layout: SentenceLayout
    checkpoint: Checkpoint
    tensors: Mapping[str, Tensor]
    tokenizer: Tokenizer
    given: Given
    bundle: Bundle | None = None

    @property
    def config(self) -> EncoderConfig:
        """The encoder's sizes and options."""
        return self.checkpoint.config

    @property
    def quantized(self) -> Bundle | None:
        """The bundle whose weights are in int8, if the source is one."""
        return self.bundle if self.bundle is not None and self.bundle.quantized else None

    @property
    def scales(self) -> dict[str, Tensor]:
        """What stands beside an int8 bundle's weights, by canonical name; nothing elsewhere."""
        if self.quantized is None:
            return {}
        tensors = self.checkpoint.tensors
        return {name: t for name, t in tensors.items() if name.endswith((SCALE, SMOOTHING))}

    @cached_property
    def heads(self) -> Mapping[str, HeadRecord]:
        """The checkpoint's heads that can be used, by kind."""
        found = heads(self.checkpoint)
        projection = projection_head(self.checkpoint, self.layout.projection)
        return found if projection is None else {**found, projection.kind: projection}

    @cached_property
    def head_errors(self) -> Mapping[str, tuple[str, ...]]:
        """What is wrong with the heads that can't be used, by kind."""
        return head_errors(self.checkpoint)


def open_source(source: str | Path, given: Given | None = None) -> Opened:
    """Find a source, and read its files.

    Args:
        source: a directory, or a name that `bertie pull` knows.
        given: the caller's word over the files'.
    Raises: SourceError: the source can't be found.
    Raises: as open_directory.
    """
    return open_directory(resolve(source), given or Given())


def open_directory(directory: Path, given: Given) -> Opened:
    """Read a directory's files.

    Args:
        directory: in one of the layouts that Bertie knows.
        given: the caller's word over the files'.
    Raises: SourceError: it lacks files.
    Raises: CheckpointError, TokenizerError: its files are broken or not supported.
    Raises: InputError: something given that can't be.
    """
    bundle = Bundle.read(directory)
    if bundle is not None:
        given = given.over(bundle)
    layout = _with_given(read_layout(directory), given)
    require_files(layout.transformer, config=given.config is None, vocab=given.vocab is None)
    checkpoint = Checkpoint.open(
        layout.transformer, config=given.config, activation=given.activation
    )
    quantized = bundle is not None and bundle.quantized
    tensors = encoder_tensors(checkpoint, quantized=quantized)
    tokenizer = Tokenizer.load(layout.transformer, lower=given.lower, vocab=given.vocab)
    if bundle is not None:
        checkpoint, tokenizer = _attributed(checkpoint, tokenizer, given)
    tokenizer = _with_embeddings(tokenizer, checkpoint.config)
    return Opened(directory, layout, checkpoint, tensors, tokenizer, given, bundle)


def _with_given(layout: SentenceLayout, given: Given) -> SentenceLayout:
    """Let the caller's dimensions and normalization stand for truncate_dim and what is before."""
    *before, last = layout.modules or (None,)
    if not isinstance(last, TruncateDim):
        return layout
    modules = tuple(module for module in before if module is not None)
    if given.dimensions is not None:
        return replace(layout, modules=modules, dimensions=Setting(None, "default"))
    if given.normalize is not None:
        while modules and isinstance(modules[-1], Normalize):
            modules = modules[:-1]
        return replace(layout, modules=(*modules, last))
    return layout


def _attributed(
    checkpoint: Checkpoint, tokenizer: Tokenizer, given: Given
) -> tuple[Checkpoint, Tokenizer]:
    """Tell a bundle's settings from the caller's, which both readers take for the caller's."""
    if "activation" in given.origins:
        origins = {**checkpoint.config.origins, "hidden_act": given.origin("activation")}
        checkpoint = replace(checkpoint, config=replace(checkpoint.config, origins=origins))
    if "lower" in given.origins:
        lower = Setting(given.lower, given.origin("lower"))
        settings = {**tokenizer.settings, "lower": lower}
        tokenizer = Tokenizer(replace(tokenizer.definition, settings=settings))
    return checkpoint, tokenizer


def _with_embeddings(tokenizer: Tokenizer, config: EncoderConfig) -> Tokenizer:
    """Tell a tokenizer how many tokens there are embeddings of.

    Raises: CheckpointError: there are none of a token that every text has.
    """
    rows, definition = config.vocab_size, tokenizer.definition
    if tokenizer.vocab_size <= rows:
        return tokenizer
    frame = max(tokenizer.encode("").ids, default=0)
    if frame >= rows:
        raise CheckpointError(
            f"every text has {tokenizer.vocab.tokens[frame]!r}, which is {frame} in the vocabulary"
            f" of {tokenizer.vocab_size} tokens, expected at most {rows - 1} from"
            f" {config.source('vocab_size')}: give the model's own vocabulary with vocab=, or save"
            " the model after resize_token_embeddings"
        )
    note = (
        f"the vocabulary has {tokenizer.vocab_size} tokens, and there are embeddings of {rows}"
        f" ({config.source('vocab_size')}): a text with one of the last"
        f" {tokenizer.vocab_size - rows} is refused"
    )
    notes = dict.fromkeys((*definition.notes, note))  # a bundle has it already
    return Tokenizer(replace(definition, notes=tuple(notes)), rows=rows)
