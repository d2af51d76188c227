"""What every loaded model has, whatever its task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from bertie.calls.lower_casing import lower_caser
from bertie.calls.missing_embeddings import require_embeddings
from bertie.calls.mixed_inputs import encode_mixed
from bertie.calls.texts import Texts
from bertie.calls.tokenized import Tokenized
from bertie.calls.truncation import Truncation
from bertie.calls.windows import OVERLAP, first_windows, split_into_windows
from bertie.checkpoint.config import Setting
from bertie.checkpoint.tensor import Tensor
from bertie.engine.batching import DEFAULT_BUDGET
from bertie.engine.encoder import Encoder
from bertie.errors import InputError, TaskError
from bertie.tasks.table import TASK_OF_METHOD
from bertie.tokenize import PackedEncodings, PackedWindows, Tokenizer
from bertie.tokenize.tokenizer import Strategy

if TYPE_CHECKING:
    from bertie.tasks.info import ModelInfo


@dataclass(frozen=True, eq=False)
class Parts:
    """What a model is made of, and what can be asked of it later.

    Attributes:
        encoder: token ids to hidden states.
        tokenizer: texts to token ids.
        settings: every setting that changes a result, by name.
        info: describes the model, when it is first asked to.
        fingerprint: computes the fingerprint, when it is first asked for.
        reload: loads the same model again, elsewhere; it must pickle.
        available: the tasks that the checkpoint can be loaded for.
        budget: the most tokens in one forward pass.
    """

    encoder: Encoder
    tokenizer: Tokenizer
    settings: Mapping[str, Setting]
    info: Callable[[], "ModelInfo"]
    fingerprint: Callable[[], str]
    reload: partial["Model"]
    available: tuple[str, ...] = ("embed",)
    budget: int = DEFAULT_BUDGET


@dataclass(frozen=True, eq=False)
class Prepared:
    """A task's share of loading: settled, checked, nothing computed.

    Attributes:
        settings: every setting of the task, by name, with its origin; max_length and lower_first
            among them. All of them change results.
        start: makes the model of its parts.
        tensors: what the task uses beside the encoder's, by canonical name.
        modules: what happens after the encoder, in words.
        recipe: what happens after the encoder, for a fingerprint; tensors and settings apart.
        dimensions: floats in one vector, for tasks that give vectors.
        notes: what is worth knowing about the files.
    """

    settings: Mapping[str, Setting]
    start: Callable[[Parts], "Model"]
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    dimensions: int | None = None
    notes: tuple[str, ...] = ()


class Model:
    """A checkpoint that is loaded and ready; each task has a class of its own below this one.

    A result is the same to the last bit whatever else is in the call, in whatever order, with
    however many threads. Safe to share between threads and across fork; pickles as the source that
    it was loaded from.

    Attributes:
        task: what it is for.
        encoder: token ids to hidden states.
        tokenizer: texts to token ids.
        budget: the most tokens in one forward pass.
    """

    task = ""

    def __init__(self, parts: Parts) -> None:
        """Join the parts; bertie.load does it for a source."""
        self.encoder = parts.encoder
        self.tokenizer = parts.tokenizer
        self.budget = parts.budget
        self._parts = parts

    def __reduce__(self) -> tuple[Callable[..., "Model"], tuple[Any, ...]]:
        """Pickle as the call that loads it."""
        return self._parts.reload, ()

    def __getattr__(self, name: str) -> Any:
        """Say what a checkpoint has, to whom calls for something else."""
        if name in TASK_OF_METHOD and "_parts" in self.__dict__:
            available = self._parts.available
            wanted = TASK_OF_METHOD[name]
            advice = (
                f"load it with task={wanted!r}"
                if wanted in available
                else f"its checkpoint can be loaded for: {', '.join(available)}"
            )
            raise _NotThisTask(
                f"{name}() is of task {wanted!r}, but this model was loaded for {self.task!r};"
                f" {advice}"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def max_length(self) -> int:
        """The most tokens of an input, special ones included."""
        return int(self._parts.settings["max_length"].value)

    @property
    def stride(self) -> int:
        """Tokens that a window shares with the one before it."""
        return self.max_length // OVERLAP

    @cached_property
    def fingerprint(self) -> str:
        """A hash over all that determines a result; those of different ones don't mix."""
        return self._parts.fingerprint()

    def how_loaded(self) -> tuple[Any, dict[str, Any]]:
        """Give the source and the options with which bertie.load makes the same model again."""
        reload = self._parts.reload
        return reload.args[0], dict(reload.keywords)

    def info(self) -> "ModelInfo":
        """Describe the model, and say where each setting came from."""
        return self._described

    @cached_property
    def _described(self) -> "ModelInfo":
        """Describe the model once: its files are read again for what they disagree on."""
        return self._parts.info()

    def _tokenize(
        self,
        texts: Texts,
        first: int,
        truncation: Truncation,
        *,
        split_words: bool = False,
        strategy: Strategy = "longest_first",
    ) -> Tokenized:
        """Make token ids of inputs; those that are too long are cut, or become windows.

        Args:
            texts: checked.
            first: the position of the first of them in the call.
            truncation: the call's policy; it counts what is cut.
            split_words: whether the texts are tuples of words.
            strategy: which text of a pair is cut, or read in windows.
        Raises: InputError: under the policy "error", an input is too long; it can't be cut as the
            strategy says; it has a token that the model has no embedding for.
        """
        texts = self._lowered(texts)

        def encode(texts: Texts) -> PackedEncodings:
            return self.tokenizer.encode_batch(
                texts.first,
                None if None in texts.second else texts.second,
                split_words=split_words,
                max_length=truncation.max_length,
                truncate=truncation.side,
                strategy=strategy,
                threads=self.encoder.threads,
            )

        packed = encode_mixed(encode, texts)
        found = Tokenized(packed)
        if truncation.windowed:
            found = split_into_windows(
                self.tokenizer, packed, texts, truncation.max_length, strategy
            )
        require_embeddings(
            self.tokenizer, found.packed, first, found.owners, sequences=truncation.sequences
        )
        if not truncation.windowed:
            truncation.add(packed.lengths, packed.truncated, first)
        return found

    def _lowered(self, texts: Texts, *, in_place: bool = False) -> Texts:
        """Lower-case texts where the model has that done before its tokenizer."""
        if not self._parts.settings["lower_first"].value:
            return texts
        return texts.map(lower_caser(self.tokenizer, in_place=in_place))

    def _require_room(
        self,
        texts: Texts,
        name: Callable[[int], str],
        other: str,
        *,
        windowed: bool,
        split_words: bool = False,
    ) -> None:
        """Refuse texts beside which another has no room to be cut, or to be read in windows.

        Args:
            texts: pairs, of which the one that has to have room is empty.
            name: what messages call each pair's other text, by its place.
            other: what messages call what has no room.
            windowed: whether that is read in windows, which must have more tokens than they share.
            split_words: whether the texts are tuples of words.
        Raises: InputError: naming the first.
        """
        texts = self._lowered(texts)
        lengths = self.tokenizer.encode_batch(
            texts.first, texts.second, split_words=split_words, threads=self.encoder.threads
        ).lengths
        most = self.max_length - 1 - (self.stride if windowed else 0)
        if (lengths > most).any():
            place = int(np.argmax(lengths > most))
            raise InputError(
                f"{name(place)} has {lengths[place]} tokens with the special ones, expected at"
                f" most {most}, so that {other} has room in {self.max_length}: shorten it"
            )

    def _windows(
        self,
        texts: Texts,
        first: int,
        truncation: Truncation,
        *,
        split_words: bool = False,
        strategy: Strategy = "longest_first",
    ) -> PackedWindows:
        """Make token ids of inputs that are all pairs or none, with every token's place.

        Args:
            texts: checked.
            first: the position of the first of them in the call.
            truncation: the call's policy: "window" keeps all windows of a text, every other the
                first one alone, and counts what that leaves out.
            split_words: whether the texts are tuples of words.
            strategy: which text of a pair is read in windows, or cut.
        Raises: InputError: as _tokenize.
        """
        texts = self._lowered(texts, in_place=True)
        windows = self.tokenizer.encode_windows(
            texts.first,
            None if None in texts.second else texts.second,
            max_length=truncation.max_length,
            stride=self.stride,
            split_words=split_words,
            truncate=truncation.side,
            strategy=strategy,
            threads=self.encoder.threads,
        )
        require_embeddings(self.tokenizer, windows, first, windows.texts)
        if truncation.windowed:
            return windows
        windows, left_out = first_windows(windows, self.stride, int(strategy == "only_second"))
        truncation.add(windows.lengths, left_out, first)
        return windows


class _NotThisTask(TaskError, AttributeError):
    """A task's method on a model of another task: an AttributeError, so that hasattr says no."""
