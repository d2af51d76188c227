"""What transformers makes of the same model, where it is installed."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.calls.lower_casing import lower_caser
from bertie.engine import pooling
from bertie.errors import ExtraMissing
from bertie.loading.spec import ModelSpec, specify
from bertie.opened import Given
from bertie.tasks.modules import build_modules
from bertie.verify.observe import HEAD_ROWS, Observed, sample_size

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Head:
    """A head as transformers has it: its kind, what it judges, the outputs side by side."""

    kind: str
    judges: str
    outputs: tuple[str, ...] = ("logits",)

    def rows(self, logits: Sequence[Floats]) -> Floats:
        """Join the logits of texts as those of Bertie's heads are joined."""
        if self.judges == "texts":
            return np.concatenate(logits)[..., 0].reshape(len(logits), -1)
        tokens = np.concatenate(logits)
        return tokens.reshape(len(tokens), -1)[:HEAD_ROWS]


# The end of a transformers class's name → its head.
_HEADS = {
    "ForSequenceClassification": _Head("sequence_classification", "texts"),
    "ForTokenClassification": _Head("token_classification", "tokens"),
    "ForQuestionAnswering": _Head("question_answering", "tokens", ("start_logits", "end_logits")),
    "ForMaskedLM": _Head("masked_lm", "tokens"),
}


def observe_transformers(
    source: str | Path, texts: Sequence[str], given: Given | None = None
) -> Observed:
    """Run transformers on the files of a source, in float32, a text at a time.

    Its hidden states are pooled, passed through the model's modules and normalized as the source's
    settings say, so that what differs is the encoder's and the tokenizer's doing.

    Args:
        source: any that is a directory which transformers reads.
        texts: what it reads; those that are too long are cut.
        given: the caller's word over the files', for what comes after the encoder.
    Raises: ExtraMissing: transformers or torch isn't installed.
    """
    if not all(importlib.util.find_spec(name) for name in ("torch", "transformers")):
        raise ExtraMissing(
            "comparing with transformers takes transformers and torch: pip install torch"
            " transformers"
        )
    import torch
    import transformers

    spec = specify(source, given or Given(), task="embed", precision="float32")
    directory = str(spec.opened.layout.transformer)
    model, head = _model(transformers, directory, spec.opened.checkpoint.raw_config)
    ids = _token_ids(transformers, directory, spec, texts)
    sampled = sample_size(np.array([len(one["input_ids"][0]) for one in ids]))
    hidden, logits, vectors = [], [], []
    for number, encoded in enumerate(ids):
        with torch.no_grad():
            made = model(**encoded, output_hidden_states=True)
        vectors.append(_vector(made.hidden_states[-1][0].numpy(), spec))
        if number < sampled:
            hidden.append(torch.cat(made.hidden_states).numpy())
            if head is not None:
                logits.append(torch.stack([made[name][0] for name in head.outputs], -1).numpy())
    return Observed(
        about={"source": f"transformers {transformers.__version__}: {source}"},
        vectors=np.stack(vectors),
        ids=tuple(tuple(one["input_ids"][0].tolist()) for one in ids),
        hidden=np.concatenate(hidden, axis=1),
        sampled=sampled,
        logits={} if head is None else {head.kind: head.rows(logits)},
    )


def _model(transformers: Any, directory: str, config: Mapping[str, Any]) -> tuple[Any, Any]:
    """Load the class that the config names, if its head is one that can be compared."""
    for name in config.get("architectures") or ():
        for end, head in _HEADS.items():
            if name.endswith(end) and hasattr(transformers, name):
                loaded = getattr(transformers, name).from_pretrained(directory, dtype="float32")
                return loaded.eval(), head
    return transformers.AutoModel.from_pretrained(directory, dtype="float32").eval(), None


def _token_ids(
    transformers: Any, directory: str, spec: ModelSpec, texts: Sequence[str]
) -> list[Any]:
    """Tokenize each text by transformers."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    settings = spec.prepared.settings
    longest = settings["max_length"].value
    lower = lower_caser(spec.opened.tokenizer) if settings["lower_first"].value else str
    return [
        tokenizer(
            lower(text),
            truncation=True,
            max_length=longest,
            return_tensors="pt",
        )
        for text in texts
    ]


def _vector(hidden: Floats, spec: ModelSpec) -> Floats:
    """Make a text's vector of its hidden states, as the settings say."""
    settings = spec.prepared.settings
    lengths = np.array([len(hidden)], np.int32)
    pooled = [pooling.POOLINGS[mode](hidden, lengths) for mode in settings["pooling"].value]
    vector = np.concatenate(pooled, axis=1)
    for module in build_modules(spec.opened.layout):
        vector = module.run(vector)
    vector = pooling.normalize(vector) if settings["normalize"].value else vector
    row: Floats = vector[0]
    return row
