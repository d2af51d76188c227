"""What a task takes beside the encoder: its calls are timed, and the encoder within them."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.bench.flops import count_flops
from bertie.bench.load_average import load_average
from bertie.bench.measure import Progress, check_rounds, describe, given_texts
from bertie.bench.report import Spread, TaskBulk, TaskReport
from bertie.bench.texts import Texts, synthetic_texts
from bertie.engine.encoder import Encoder
from bertie.engine.heads import Head
from bertie.errors import InputError, TaskError, TruncationWarning
from bertie.loading.load import load
from bertie.tasks.model import Model

# A model and texts → one call of its task over all of them.
MakeCall = Callable[[Any, Sequence[str]], Callable[[], Any]]

_LABELS = ("travel", "cooking", "sport")  # of a zero-shot call
_QUESTION_WORDS = 8


@dataclass
class _Profile:
    """What the calls of one model spent inside its encoder, and what its head multiplied."""

    encoder_s: float = 0.0
    encoder_flops: int = 0
    head_flops: int = 0


class _TimedEncoder:
    """Stands before an encoder and counts its passes."""

    def __init__(self, encoder: Encoder, profile: _Profile) -> None:
        self._encoder = encoder
        self._profile = profile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)

    def forward(self, ids: Any, type_ids: Any, lengths: Any, *more: Any, **options: Any) -> Any:
        return self._timed(self._encoder.forward, ids, type_ids, lengths, *more, **options)

    def forward_pooled(
        self, ids: Any, type_ids: Any, lengths: Any, *more: Any, **options: Any
    ) -> Any:
        return self._timed(self._encoder.forward_pooled, ids, type_ids, lengths, *more, **options)

    def _timed(
        self,
        forward: Callable[..., Any],
        ids: Any,
        type_ids: Any,
        lengths: NDArray[np.int32],
        *more: Any,
        **options: Any,
    ) -> Any:
        begun = time.perf_counter()
        rows = forward(ids, type_ids, lengths, *more, **options)
        self._profile.encoder_s += time.perf_counter() - begun
        self._profile.encoder_flops += count_flops(self._encoder.config, lengths)
        return rows


class _CountedHead:
    """Stands before a head and counts what it multiplies."""

    def __init__(self, head: Head, profile: _Profile) -> None:
        self._head = head
        self._profile = profile
        layers = head.record.layers
        self._per_row = sum(2 * int(np.prod(layer.weight.shape)) for layer in layers)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._head, name)

    def logits(self, hidden: Any) -> Any:
        self._profile.head_flops += self._per_row * len(hidden)
        return self._head.logits(hidden)

    def maximum(self, hidden: Any, lengths: Any) -> Any:
        self._profile.head_flops += self._per_row * len(hidden)
        return self._head.maximum(hidden, lengths)


@dataclass
class _Measured:
    """Texts that a task is called with, and what each round found."""

    kind: Texts
    call: Callable[[], Any]
    seconds: list[float] = field(default_factory=list)
    profiles: list[_Profile] = field(default_factory=list)

    def report(self) -> TaskBulk:
        """Summarize the rounds."""
        expected = [_expected(profile) for profile in self.profiles]
        rounds = list(zip(self.seconds, self.profiles, expected, strict=True))
        return TaskBulk(
            name=self.kind.name,
            texts=len(self.kind.texts),
            texts_per_second=Spread.of([len(self.kind.texts) / s for s in self.seconds]),
            encoder_share=Spread.of([profile.encoder_s / s for s, profile, _ in rounds]),
            head_share=Spread.of([(e - profile.encoder_s) / s for s, profile, e in rounds]),
            overhead=Spread.of([s / e - 1 for s, _, e in rounds]),
        )


def _expected(profile: _Profile) -> float:
    """The encoder's seconds and those of the head's multiplications at the encoder's rate."""
    return profile.encoder_s * (1 + profile.head_flops / profile.encoder_flops)


def measure_task(
    source: str | Path,
    task: str | None = None,
    *,
    precision: str = "auto",
    threads: int | None = None,
    calibration: str | Path | Sequence[str] | None = None,
    texts: Sequence[str] | None = None,
    rounds: int = 5,
    progress: Progress | None = None,
) -> TaskReport:
    """Measure what a task takes beside the encoder: reading texts, the head, making answers.

    The encoder is timed inside the task's own calls, so a busy minute hits both alike. Overhead is
    counted over the encoder's time and that of the head's multiplications at the encoder's rate.

    Args:
        source, precision, threads, calibration: as for bertie.load.
        task: one of bertie.tasks.table.TASKS; None for what the checkpoint was made for.
        texts: at least two; None for short and long texts made of the vocabulary's words. A pair
            is made of a text and the next, a masked word of one in the middle.
        rounds: how often each figure is measured.
        progress: is told how far the work is.
    Raises: InputError: no texts, something among them that is none, or less than one round.
    Raises: whatever bertie.load raises.
    """
    check_rounds(rounds)
    given = None if texts is None else given_texts(texts)
    load_before = load_average()
    report_progress = progress or (lambda what, done, total: None)
    report_progress("loading", 0, rounds + 1)
    model = load(source, task=task, precision=precision, threads=threads, calibration=calibration)
    kinds = synthetic_texts(model.tokenizer, model.max_length) if given is None else (given,)
    described_model, machine = describe(model, load_before)
    profile = _instrument(model)
    measured = [_Measured(kind, TASK_CALLS[model.task](model, list(kind.texts))) for kind in kinds]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        for one in measured:
            one.call()
        for done in range(rounds):
            report_progress("computing", done + 1, rounds + 1)
            for one in measured:
                _measure(one, profile)
    return TaskReport(
        task=model.task,
        model=described_model,
        machine=machine,
        rounds=rounds,
        bulk=tuple(one.report() for one in measured),
    )


def _instrument(model: Model) -> _Profile:
    """Have a model's encoder and head counted."""
    profile = _Profile()
    model.encoder = _TimedEncoder(model.encoder, profile)  # type: ignore[assignment]
    if (head := vars(model).get("_head")) is not None:
        vars(model)["_head"] = _CountedHead(head, profile)
    return profile


def _measure(one: _Measured, profile: _Profile) -> None:
    """Call once more, and keep what it took."""
    profile.encoder_s, profile.encoder_flops, profile.head_flops = 0.0, 0, 0
    begun = time.perf_counter()
    one.call()
    one.seconds.append(time.perf_counter() - begun)
    one.profiles.append(_Profile(profile.encoder_s, profile.encoder_flops, profile.head_flops))


def _embed(model: Any, texts: Sequence[str]) -> Callable[[], Any]:
    return lambda: model.embed(texts, prompt="")


def _zero_shot(model: Any, texts: Sequence[str]) -> Callable[[], Any]:
    entailment = None
    try:
        model.zero_shot(texts[0], _LABELS)
    except (InputError, TaskError):  # what its labels are called doesn't change the time
        entailment = model.labels[0]
    return lambda: model.zero_shot(texts, _LABELS, entailment=entailment)


def _rank(model: Any, texts: Sequence[str]) -> Callable[[], Any]:
    query = " ".join(texts[0].split()[:_QUESTION_WORDS])
    label = model.labels[0] if len(model.labels) > 1 else None
    return lambda: model.rank(query, texts, label=label)


def _answer(model: Any, texts: Sequence[str]) -> Callable[[], Any]:
    question = " ".join(texts[0].split()[:_QUESTION_WORDS])
    return lambda: model.answer(question, texts)


def _fill(model: Any, texts: Sequence[str]) -> Callable[[], Any]:
    mask = str(model.tokenizer.settings["mask_token"].value)
    masked = []
    for text in texts:
        words = text.split() or [mask]
        words[len(words) // 2] = mask
        masked.append(" ".join(words))
    return lambda: model.fill(masked)


def _next_sentence(model: Any, texts: Sequence[str]) -> Callable[[], Any]:
    return lambda: model.next_sentence(texts, [*texts[1:], texts[0]])


def _method_call(method: str) -> MakeCall:
    """Call a method with the texts alone."""
    return lambda model, texts: lambda: getattr(model, method)(texts)


TASK_CALLS: Mapping[str, MakeCall] = {
    "embed": _embed,
    "classify": _method_call("classify"),
    "zero_shot": _zero_shot,
    "rank": _rank,
    "tag": _method_call("tag"),
    "answer": _answer,
    "fill": _fill,
    "next_sentence": _next_sentence,
    "sparse": _method_call("embed_sparse"),
    "multivector": _method_call("embed_multi"),
}
