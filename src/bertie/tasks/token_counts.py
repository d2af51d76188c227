"""Token counts: what a call's inputs are in tokens, before anything of it is computed.

The texts go through the same steps as in the library's methods, with the model's own tokenizer, so
that what is counted is what the model reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertie.calls.lower_casing import lower_caser
from bertie.calls.missing_embeddings import require_embeddings
from bertie.calls.mixed_inputs import encode_mixed
from bertie.calls.prompts import fixed_prompt, select_prompt
from bertie.calls.texts import Texts, check_texts, require_pairs
from bertie.calls.token_ids import pack_token_ids
from bertie.calls.truncation import Truncation, check_policy
from bertie.checkpoint.config import Setting
from bertie.tasks.methods import Method
from bertie.tasks.zero_shot import HYPOTHESIS, pair_with_each
from bertie.tokenize import PackedEncodings, Tokenizer

Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """The tokens of some inputs.

    Attributes:
        tokens: that are read of each, special ones included.
        truncated: that are left out of each.
    """

    tokens: tuple[int, ...]
    truncated: tuple[int, ...]


def count_characters(inputs: Sequence[Any]) -> int:
    """Count the code points of texts, pairs and words; a token id counts as one."""
    total = 0
    for one in inputs:
        if type(one) is str:
            total += len(one)
        elif isinstance(one, (tuple, list)):
            total += count_characters(one)
        elif hasattr(one, "ids"):
            total += len(one.ids)
    return total


def count_tokens(
    tokenizer: Tokenizer,
    settings: Mapping[str, Setting],
    method: Method,
    inputs: tuple[Any, ...],
    options: Mapping[str, Any],
) -> TokenCounts:
    """Count tokens.

    Args:
        tokenizer, settings: the model's.
        method: what is called.
        inputs: as the method takes them.
        options: the method's keyword arguments.
    Raises: InputError: something that isn't an input, by its position; an input that is too long,
        where truncate is "error"; a prompt that doesn't exist.
    """
    if method.count is not None:
        return TokenCounts(method.count(inputs, tokenizer.readable), (0,) * len(inputs))
    if options.get("token_ids"):
        truncation = Truncation(
            options.get("truncate", method.truncate), method.limit(settings, options)
        )
        packed = pack_token_ids(tokenizer, inputs, 0, truncation)
        return TokenCounts(tuple(packed.lengths.tolist()), tuple(packed.truncated.tolist()))
    split_words = bool(options.get("split_words", False))
    plain = method.pairs is not True and not split_words
    plain = plain and all(type(one) is str and one.isascii() for one in inputs)
    if plain:
        texts = Texts(inputs, (None,) * len(inputs))  # as nearly always; `check_texts` takes longer
    else:
        texts = check_texts(inputs, pairs=method.pairs is not False, split_words=split_words)
    if method.pairs:
        require_pairs(texts, 0, "its second text")
    sequences = 1
    if method.per_label:
        texts, sequences = _with_labels(texts, options)
        if not sequences:
            return TokenCounts((0,) * len(inputs), (0,) * len(inputs))
    if method.prompted:
        given = (options.get(name) for name in ("prompt_name", "prompt", "kind"))
        prefix = select_prompt(settings, *given)
        texts = texts.prefixed(prefix) if prefix else texts
    elif prefix := fixed_prompt(settings, options.get("kind", "document")):
        texts = texts.prefixed(prefix)
    if settings["lower_first"].value:
        texts = texts.map(lower_caser(tokenizer))

    def encode(some: Texts) -> PackedEncodings:
        second = None if None in some.second else some.second
        return tokenizer.encode_batch(some.first, second, split_words=split_words, threads=1)

    packed = encode(texts) if plain and not method.per_label else encode_mixed(encode, texts)
    require_embeddings(tokenizer, packed, 0, sequences=sequences)
    lengths = packed.lengths
    return _split_counts(lengths, sequences, method.limit(settings, options), method, options)


def _split_counts(
    lengths: Ints, sequences: int, limit: int, method: Method, options: Mapping[str, Any]
) -> TokenCounts:
    """Share lengths out to what is read and what is left out."""
    policy = options.get("truncate", method.truncate)
    check_policy(policy)
    if sequences == 1 and (not len(lengths) or lengths.max() <= limit):  # as nearly always
        return TokenCounts(tuple(lengths.tolist()), (0,) * len(lengths))
    left_out = np.maximum(lengths - limit, 0) if policy != "window" else np.zeros_like(lengths)
    if policy == "error":
        Truncation(policy, limit, sequences=sequences).add(lengths - left_out, left_out, 0)
    kept = lengths - left_out
    if sequences > 1:
        kept = kept.reshape(-1, sequences).sum(axis=1)
        left_out = left_out.reshape(-1, sequences).max(axis=1)
    return TokenCounts(tuple(kept.tolist()), tuple(left_out.tolist()))


def _with_labels(texts: Texts, options: Mapping[str, Any]) -> tuple[Texts, int]:
    """Pair every text with the sentence for each label of a call, as the zero-shot method does."""
    hypothesis = options.get("hypothesis", HYPOTHESIS)
    labels = options.get("labels", ())
    if isinstance(labels, str) or not isinstance(hypothesis, str):
        return texts, 1  # the method says what is wrong with them
    sentences = [hypothesis.replace("{}", str(label)) for label in labels]
    return pair_with_each(texts.first, sentences), len(sentences)
