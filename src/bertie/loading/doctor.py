"""Examining a source: what its files say, where they disagree, and what is broken.

Unlike loading, which stops at the first thing that is wrong, an examination goes on as far as it
can.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from bertie.checkpoint.config import EncoderConfig, Setting
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.finite import require_finite
from bertie.checkpoint.formats import FORMATS
from bertie.checkpoint.sentence import read_layout
from bertie.checkpoint.sentence_layout import SentenceLayout
from bertie.checkpoint.shapes import encoder_tensors
from bertie.checkpoint.tensor import FLOAT_DTYPES
from bertie.errors import BertieError
from bertie.known import MODEL_CONFIG, unlisted
from bertie.known.sentence import MODULES
from bertie.loading.notes import files_disagree, notes, overruled
from bertie.loading.settle import AUTO, settle
from bertie.loading.spec import ModelSpec, check_options, prepare
from bertie.opened import Given, Opened, open_directory
from bertie.sources import is_bundle, resolve
from bertie.sources.bundles import damage
from bertie.sources.progress import Progress, silent
from bertie.tasks.head import available
from bertie.tokenize import Tokenizer

BROKEN, CONFLICT, NOTE = "broken", "conflict", "note"

# transformers writes 1e30 as model_max_length where it knows no limit.
_NO_LIMIT = 10**29

# What a config may leave out and mostly doesn't.
_USUALLY_STATED = ("max_position_embeddings", "type_vocab_size", "hidden_act", "layer_norm_eps")

_T = TypeVar("_T")


@dataclass(frozen=True)
class Finding:
    """One thing worth knowing.

    Attributes:
        level: "broken", what no model can be loaded with; "conflict", files that disagree, and one
            of them won; "note", what the files leave open, or what is otherwise unusual.
        text: what was seen, what it means, and what was chosen or is to be done.
    """

    level: str
    text: str


@dataclass(frozen=True)
class Diagnosis:
    """A source, examined.

    Attributes:
        source: what the caller named.
        directory: where its files lie; None if it can't be found.
        tasks: those that it can be loaded for.
        settings: every setting that could be settled, by name, with its origin.
        findings: the broken first, then conflicts, then notes.
    """

    source: str
    directory: str | None
    tasks: tuple[str, ...] = ()
    settings: Mapping[str, Setting] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether nothing can be loaded from it."""
        return any(finding.level == BROKEN for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON knows it."""
        return {"broken": self.broken, **asdict(self)}


class _Examination:
    """What was found so far."""

    def __init__(self) -> None:
        self.findings: dict[Finding, None] = {}

    def attempt(self, work: Callable[[], _T]) -> _T | None:
        """Do one thing; an error is a finding, and the rest goes on without it."""
        try:
            return work()
        except BertieError as error:
            self.add(BROKEN, str(error))
            return None

    def add(self, level: str, *texts: str) -> None:
        """Take down what was found, each thing once."""
        self.findings.update(dict.fromkeys(Finding(level, text) for text in texts))

    def sorted(self) -> tuple[Finding, ...]:
        """Give the findings, the worst first."""
        order = (BROKEN, CONFLICT, NOTE)
        return tuple(sorted(self.findings, key=lambda finding: order.index(finding.level)))


def diagnose(
    source: str | Path, given: Given | None = None, *, progress: Progress = silent
) -> Diagnosis:
    """Examine a source, one that can be loaded or not.

    Args:
        source: a directory, or a name that `bertie pull` knows.
        given: the caller's word over the files'.
        progress: called while it is fetched, with what is being done, the bytes done, and those in
            all.
    Returns: what there is to know. What is broken is in it: no BertieError is raised.
    """
    given = given or Given()
    seen = _Examination()
    directory = seen.attempt(lambda: resolve(source, progress=progress))
    if directory is None:
        return Diagnosis(str(source), None, findings=seen.sorted())
    if is_bundle(directory):
        seen.add(BROKEN, *damage(directory, progress))
    diagnosis = Diagnosis(str(source), str(directory))
    try:
        opened = open_directory(directory, given)
    except BertieError as error:
        seen.add(BROKEN, str(error))
        settings = _parts(directory, given, seen)
    else:
        settings = _opened(opened, given, seen)
        if not any(finding.level == BROKEN for finding in seen.findings):
            diagnosis = replace(diagnosis, tasks=available(opened))
    return replace(diagnosis, settings=settings, findings=seen.sorted())


def _opened(opened: Opened, given: Given, seen: _Examination) -> Mapping[str, Setting]:
    """Examine a source that can be read."""
    checkpoint, tokenizer, layout = opened.checkpoint, opened.tokenizer, opened.layout
    spec = seen.attempt(lambda: _specify(opened, given))
    if opened.bundle is not None:  # prepare has looked at everybody else's numbers
        floats = [t for t in opened.tensors.values() if t.dtype in FLOAT_DTYPES]
        seen.attempt(lambda: require_finite(floats))
    _config(checkpoint.raw_config, checkpoint.config, checkpoint.where, seen)
    _tokens(tokenizer, checkpoint, seen)
    for record in opened.heads.values():
        seen.add(CONFLICT, *record.notes)
    for kind, errors in opened.head_errors.items():
        name = kind.replace("_", " ")
        seen.add(CONFLICT, f"the head for {name} can't be used: {'; '.join(errors)}")
    seen.add(NOTE, *_weights(checkpoint))
    if spec is None:
        return {**tokenizer.settings, **_config_settings(checkpoint.config)}
    settings = spec.settings
    seen.add(CONFLICT, *files_disagree(opened, settings), *tokenizer.notes)
    seen.add(CONFLICT, *overruled(opened, settings))
    said = {finding.text for finding in seen.findings}
    seen.add(NOTE, *(note for note in notes(spec) if note not in said))
    seen.add(CONFLICT, *_lengths(checkpoint, layout, tokenizer))
    seen.add(NOTE, *_pooling(opened, spec.settled.task.name))
    unused = checkpoint.unused([*spec.used, *opened.scales])
    if unused:
        some = ", ".join(unused[:4]) + (", …" if len(unused) > 4 else "")
        seen.add(NOTE, f"{len(unused)} tensors aren't used for {spec.settled.task.name}: {some}")
    return settings


def _specify(opened: Opened, given: Given) -> ModelSpec:
    """Settle and prepare as loading does, in a precision that nothing is calibrated for."""
    precision = "float32" if opened.bundle is None else AUTO
    check_options(None, precision, given.max_length)
    return prepare(settle(opened, precision=precision))


def _parts(directory: Path, given: Given, seen: _Examination) -> Mapping[str, Setting]:
    """Examine what there is of a source that can't be read as a whole."""
    layout = seen.attempt(lambda: read_layout(directory)) or SentenceLayout(directory)
    folder = layout.transformer
    seen.add(NOTE, *layout.notes)
    settings: dict[str, Setting] = {}
    tokenizer = seen.attempt(lambda: Tokenizer.load(folder, lower=given.lower, vocab=given.vocab))
    if tokenizer is not None:
        settings |= tokenizer.settings
        seen.add(CONFLICT, *tokenizer.notes)
    checkpoint = seen.attempt(
        lambda: Checkpoint.open(folder, config=given.config, activation=given.activation)
    )
    if checkpoint is not None:
        settings |= _config_settings(checkpoint.config)
        _config(checkpoint.raw_config, checkpoint.config, checkpoint.where, seen)
        seen.add(NOTE, *checkpoint.notes(), *_weights(checkpoint))
        tensors = seen.attempt(lambda: encoder_tensors(checkpoint))
        if tensors is not None:
            seen.attempt(lambda: require_finite(tensors.values()))
    if checkpoint is not None and tokenizer is not None:
        _tokens(tokenizer, checkpoint, seen)
        seen.add(CONFLICT, *_lengths(checkpoint, layout, tokenizer))
    return settings


def _config_settings(config: EncoderConfig) -> dict[str, Setting]:
    """Give a config's fields as settings."""
    return {name: config.setting(name) for name in config.origins}


def _config(raw: Mapping[str, Any], config: EncoderConfig, where: str, seen: _Examination) -> None:
    """Look for what a config leaves out, or says twice."""
    if raw.get("model_type") is None:
        seen.add(
            NOTE,
            f"{where} has no model_type; by its other keys it is taken for {config.model_type}'s:"
            " state model_type if it is another one's",
        )
    seen.add(NOTE, *unlisted(MODEL_CONFIG, raw, where, config.model_type, "transformers"))
    names, count = raw.get("id2label"), raw.get("num_labels")
    if isinstance(names, Mapping) and isinstance(count, int) and len(names) != count:
        seen.add(
            CONFLICT,
            f"{where}: num_labels is {count} and id2label names {len(names)} labels; a head's own"
            " outputs decide how many there are",
        )
    for name in _USUALLY_STATED:
        if config.origins.get(name) == "default" and name not in config.architecture.fixed:
            value = getattr(config, name)
            seen.add(NOTE, f"{where} doesn't state {name}; {value!r} is used, as transformers does")


def _tokens(tokenizer: Tokenizer, checkpoint: Checkpoint, seen: _Examination) -> None:
    """Hold the vocabulary against the embeddings, and the padding token against the config's."""
    rows, size = checkpoint.config.vocab_size, tokenizer.vocab_size
    if size < rows:
        seen.add(
            NOTE,
            f"the vocabulary has {size} tokens and there are embeddings of {rows}; the last"
            f" {rows - size} are never used",
        )
    stated = checkpoint.raw_config.get("pad_token_id")
    token = tokenizer.settings["pad_token"].value
    own = tokenizer.vocab.ids.get(token)
    if isinstance(stated, int) and own is not None and stated != own:
        effect = (
            "positions are counted from the config's"
            if checkpoint.config.position_padding is not None
            else "nothing here is padded, so it doesn't matter"
        )
        seen.add(
            CONFLICT,
            f"{checkpoint.where}: pad_token_id is {stated}, but {token} is {own} in the vocabulary;"
            f" {effect}",
        )


def _lengths(checkpoint: Checkpoint, layout: SentenceLayout, tokenizer: Tokenizer) -> Iterator[str]:
    """Hold stated lengths against the positions."""
    positions = checkpoint.config.positions
    for stated in (layout.max_length, tokenizer.settings["max_length"]):
        value = stated.value if stated is not None else None
        if stated is not None and type(value) is int and positions < value < _NO_LIMIT:
            yield (
                f"{stated.origin} is {value} tokens, but the model has {positions} positions"
                f" ({checkpoint.config.source('max_position_embeddings')}); {positions} are read"
            )


def _pooling(opened: Opened, task: str) -> Iterator[str]:
    """Say what stands in for pooling that nobody stated."""
    if task != "embed" or opened.layout.has_modules:
        return
    if opened.given.pooling is None:
        yield (
            f"there is no {MODULES}, so nothing says how tokens become one vector: the mean of the"
            " last layer, not normalized, is used, as sentence-transformers does; give pooling="
            " and normalize= if the model was trained otherwise"
        )


def _weights(checkpoint: Checkpoint) -> Iterator[str]:
    """Say what is unusual about the weights."""
    present = [one for one in FORMATS if _has(one.files, checkpoint.directory)]
    if len(present) > 1:
        others = ", ".join(one.name for one in present[1:])
        yield f"the weights are there in {present[0].name}, which is read, and in {others}"
    for name, names in checkpoint.ambiguous.items():
        yield f"tensors {' and '.join(names)} are both {name}"
    dtypes = {tensor.dtype for tensor in checkpoint.tensors.values()} - {"F32"}
    if narrow := sorted(dtypes & {"F16", "BF16"}):
        yield f"weights are stored in {' and '.join(narrow)}; float32 computes with those values"


def _has(names: tuple[str, ...], directory: Path) -> bool:
    """Tell whether one of some files is there."""
    return any((directory / name).is_file() for name in names)
