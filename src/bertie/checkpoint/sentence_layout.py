"""What sentence-transformers' files say beyond the encoder, in one record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bertie.checkpoint.config import Setting
from bertie.checkpoint.dense import Dense
from bertie.known.sentence import MODULES

if TYPE_CHECKING:
    from bertie.checkpoint.queries import Queries

MEAN = Setting(("mean",), f"default: there is no {MODULES}")
RELU = Setting("relu", "default")
_FALSE = Setting(False, "default")
_TRUE = Setting(True, "default")
_COSINE = Setting("cosine", "default")
_NOTHING = Setting((), "default")
_DOCUMENTS = Setting(("document",), "default")
_NO_PROMPTS = Setting({}, "default")
_NONE = Setting(None, "default")


@dataclass(frozen=True)
class Normalize:
    """A module that scales vectors to length 1."""


@dataclass(frozen=True)
class TruncateDim:
    """What keeps the beginning of each vector: not a module, but done after the last of them.

    Attributes:
        outputs: floats that are kept.
    """

    outputs: int


@dataclass(frozen=True, eq=False)
class SentenceLayout:
    """What sentence-transformers' files say beyond the encoder.

    Attributes:
        transformer: the directory of the encoder's own files.
        task: what the modules make of its states: one vector ("embed"), a sparse one ("sparse"),
            one for each token ("multivector"), or a score ("rank").
        pooling: the modes whose vectors are concatenated, in order.
        pooling_width: the hidden size that the pooling module states, if it does.
        modules: what the pooled vectors pass through, in order; last a TruncateDim, where a
            file says truncate_dim.
        modules_origin: what says which modules there are.
        projection: what each token's state passes through, in order, where there is no pooling.
        weighting: how a sparse vector's weights come of logits: "relu", log(1 + max(0, logit)), or
            "log1p_relu", the logarithm of one more than that.
        dimensions: truncate_dim, how many floats of a vector are kept, or None.
        most_weights: max_active_dims, how many weights of a sparse vector are kept, or None.
        activation: what turns a cross-encoder's logits into scores, as torch names it, or None.
        queries: how a multi-vector encoder reads queries and documents; None where it is PyLate's.
        skipped: words whose tokens' vectors are left out.
        skipped_in: of "query" and "document", those that they are left out of.
        max_length: max_seq_length in tokens, or what stands before it; None where no file says it.
        include_prompt: whether pooling reads a prompt's tokens.
        similarity: what vectors are compared by.
        lower_first: do_lower_case: texts are lower-cased before a tokenizer that wouldn't.
        prompts: texts to put before an input, by name.
        default_prompt_name: the prompt that is used unless the caller says otherwise, or None.
        stated: config_sentence_transformers.json as it is; nothing where there is none.
        files: those that hold the modules' weights.
        notes: what is worth knowing about the files.
    """

    transformer: Path
    task: str = "embed"
    pooling: Setting = MEAN
    pooling_width: Setting | None = None
    modules: tuple[Dense | Normalize | TruncateDim, ...] = ()
    modules_origin: str = MEAN.origin
    projection: tuple[Dense, ...] = ()
    weighting: Setting = RELU
    dimensions: Setting = _NONE
    most_weights: Setting = _NONE
    activation: Setting = _NONE
    queries: "Queries | None" = None
    skipped: Setting = _NOTHING
    skipped_in: Setting = _DOCUMENTS
    max_length: Setting | None = None
    include_prompt: Setting = _TRUE
    similarity: Setting = _COSINE
    lower_first: Setting = _FALSE
    prompts: Setting = _NO_PROMPTS
    default_prompt_name: Setting = _NONE
    stated: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_modules(self) -> bool:
        """Whether there is a modules.json."""
        return self.modules_origin == MODULES
