"""Tokenizers of the `tokenizers` package in the manner of models that aren't BERT."""

import string
from pathlib import Path

import numpy as np
import tokenizers

from tests.editing import edit_json, edit_tensors

_FRAME = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "<mask>": 4}
_PIECES = ["near", "Paris", "London", "東京", "U.S", "."]


def _framed(tokenizer: tokenizers.Tokenizer) -> tokenizers.Tokenizer:
    """Give a tokenizer RoBERTa's frame."""
    tokenizer.add_special_tokens(list(_FRAME))
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer


def _unigram() -> tokenizers.Tokenizer:
    """A Unigram model of a few words, each also as a word's beginning, and of characters."""
    words = [*_PIECES, *(f"▁{piece}" for piece in _PIECES)]
    letters = [*"▁éÉñüß中京東のはа́😀€…", *string.ascii_letters, *string.digits, *string.punctuation]
    scores = dict.fromkeys(letters, -9.0) | {word: -2.0 - len(word) / 9 for word in words}
    vocab = [*((token, 0.0) for token in _FRAME), *scores.items()]
    return tokenizers.Tokenizer(tokenizers.models.Unigram(vocab, unk_id=3))


def xlm_roberta() -> tokenizers.Tokenizer:
    """White space parts words, then Metaspace marks them: XLM-RoBERTa before transformers 5."""
    tokenizer = _unigram()
    before = tokenizers.pre_tokenizers
    tokenizer.pre_tokenizer = before.Sequence([before.WhitespaceSplit(), before.Metaspace()])
    return _framed(tokenizer)


def metaspace() -> tokenizers.Tokenizer:
    """Metaspace alone, so that a token's place begins with the space before it."""
    tokenizer = _unigram()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    return _framed(tokenizer)


def unsplit() -> tokenizers.Tokenizer:
    """A normalizer puts the marks and nothing parts words, as in Llama."""
    tokenizer = _unigram()
    change = tokenizers.normalizers
    tokenizer.normalizer = change.Sequence([change.Prepend("▁"), change.Replace(" ", "▁")])
    return _framed(tokenizer)


def byte_level() -> tokenizers.Tokenizer:
    """Byte-level BPE of no pieces beside a few; spaces are part of its tokens' places."""
    merges = [("Ġ", "P"), ("ĠP", "a"), ("U", "."), ("U.", "S"), ("U.S", "."), (")", ".")]
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    tokens = [*_FRAME, *alphabet, *(a + b for a, b in merges)]
    vocab = {token: id for id, token in enumerate(tokens)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab, merges))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    return _framed(tokenizer)


def trimmed_byte_level() -> tokenizers.Tokenizer:
    """Byte-level BPE whose post-processor takes spaces off the places, as in RoBERTa."""
    tokenizer = byte_level()
    tokenizer.post_processor = tokenizers.processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=True
    )
    return tokenizer


def superwords() -> tokenizers.Tokenizer:
    """Byte-level BPE that joins across words: nothing parts a text before it."""
    tokenizer = byte_level()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
        add_prefix_space=True, use_regex=False
    )
    return tokenizer


KINDS = (xlm_roberta, metaspace, unsplit, byte_level, trimmed_byte_level, superwords)


def retokenize(directory: Path, tokenizer: tokenizers.Tokenizer) -> None:
    """Put a tokenizer into a copy of the tiny BERT, with a word embedding for each token."""
    for name in ("vocab.txt", "tokenizer_config.json"):
        (directory / name).unlink(missing_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    size, name = tokenizer.get_vocab_size(), "embeddings.word_embeddings.weight"
    random = np.random.default_rng(8)

    def resized(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        width = tensors[name].shape[1]
        return {**tensors, name: random.normal(0, 0.5, (size, width)).astype("f4")}

    edit_tensors(directory, resized)
    edit_json(directory / "config.json", vocab_size=size)
