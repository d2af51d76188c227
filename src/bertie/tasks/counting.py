"""Counting: what a call's inputs are in tokens, before anything of it is computed.

The texts go through the same steps as in the library's methods, with the model's own tokenizer, so
that what is counted is what the model reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.config import Setting
from bertie.tasks.apart import apart
from bertie.tasks.calls import Rule
from bertie.tasks.prompts import chosen_prompt
from bertie.tasks.texts import Texts, checked, require_pairs
from bertie.tasks.truncation import Truncation
from bertie.tasks.zero_shot import HYPOTHESIS
from bertie.tokenize import PackedEncodings, Tokenizer

Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Counts:
    """The tokens of some inputs.

    Attributes:
        tokens: that are read of each, special ones included.
        truncated: that are left out of each.
    """

    tokens: tuple[int, ...]
    truncated: tuple[int, ...]


def characters(inputs: tuple[Any, ...]) -> int:
    """Count the code points of texts, of the texts of pairs or of words; token ids count as one."""
    total = 0
    for one in inputs:
        if type(one) is str:
            total += len(one)
        elif isinstance(one, tuple):
            total += sum(
                characters((part,)) if isinstance(part, (str, tuple)) else 1 for part in one
            )
    return total


def counted(
    tokenizer: Tokenizer,
    settings: Mapping[str, Setting],
    rule: Rule,
    inputs: tuple[Any, ...],
    options: Mapping[str, Any],
) -> Counts:
    """Count tokens.

    Args:
        tokenizer, settings: the model's.
        rule: the call's.
        inputs: as the method takes them.
        options: the method's keyword arguments.
    Raises: InputError: something that isn't an input, by its position; an input that is too long,
        where truncate is "error"; a prompt that doesn't exist.
    """
    split_words = bool(options.get("split_words", False))
    texts = checked(inputs, pairs=rule.pairs is not False, split_words=split_words)
    if rule.pairs:
        require_pairs(texts, 0, "its second text")
    sequences = 1
    if rule.crossed:
        texts, sequences = _crossed(texts, options)
        if not sequences:
            return Counts((0,) * len(inputs), (0,) * len(inputs))
    if rule.prompted:
        given = (options.get(name) for name in ("prompt_name", "prompt", "kind"))
        prefix = chosen_prompt(settings, *given)
        texts = texts.prefixed(prefix) if prefix else texts
    if settings["lower_first"].value:
        texts = texts.map(str.lower)

    def encode(some: Texts) -> PackedEncodings:
        second = None if None in some.second else some.second
        return tokenizer.encode_batch(some.first, second, split_words=split_words, threads=1)

    lengths = apart(encode, texts).lengths
    return _kept(lengths, sequences, rule.limit(settings, options), rule, options)


def _kept(
    lengths: Ints, sequences: int, limit: int, rule: Rule, options: Mapping[str, Any]
) -> Counts:
    """Share lengths out to what is read and what is left out."""
    truncation = Truncation(options.get("truncate", rule.truncate), limit, sequences=sequences)
    if truncation.windowed:
        kept, left_out = lengths, np.zeros_like(lengths)
    else:
        kept = np.minimum(lengths, limit)
        left_out = lengths - kept
        truncation.add(kept, left_out, 0)
    if sequences > 1:
        kept = kept.reshape(-1, sequences).sum(axis=1)
        left_out = left_out.reshape(-1, sequences).max(axis=1)
    return Counts(tuple(kept.tolist()), tuple(left_out.tolist()))


def _crossed(texts: Texts, options: Mapping[str, Any]) -> tuple[Texts, int]:
    """Pair every text with the sentence for each label of a call, as the zero-shot method does."""
    hypothesis = options.get("hypothesis", HYPOTHESIS)
    labels = options.get("labels", ())
    if isinstance(labels, str) or not isinstance(hypothesis, str):
        return texts, 1  # the method says what is wrong with them
    sentences = [hypothesis.replace("{}", str(label)) for label in labels]
    crossed = Texts(
        tuple(text for text in texts.first for _ in sentences),
        tuple(sentence for _ in texts.first for sentence in sentences),
    )
    return crossed, len(sentences)
