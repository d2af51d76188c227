"""The files that a vocabulary may be in: what is fetched, asked for, copied and read."""

from collections.abc import Collection
from fnmatch import fnmatchcase

from bertie.known.record import REFUSED
from bertie.known.tokenizer import OTHER_FILES

# SentencePiece's, each read by the classes that have it under that name.
SENTENCEPIECE = ("spm.model", "sentencepiece.bpe.model", "spiece.model")

# Each with the files that it needs beside it; the first that is there is read, unless the model's
# class reads another.
LAYOUTS = (
    ("tokenizer.json",),
    ("vocab.txt",),
    ("vocab.json", "merges.txt"),
    *((name,) for name in SENTENCEPIECE),
)

# As messages name them.
VOCABULARIES = " or ".join(map(" and ".join, LAYOUTS))

# What is read of a tokenizer's directory.
TOKENIZER_FILES = (
    *(name for layout in LAYOUTS for name in layout),
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)


def has_vocabulary(names: Collection[str]) -> bool:
    """Tell whether one of the layouts is complete among a directory's files."""
    return any(set(layout) <= set(names) for layout in LAYOUTS)


def refused(names: Collection[str]) -> frozenset[str]:
    """Choose the files of vocabularies that nothing here reads, where no tokenizer.json stands in
    for them."""
    if "tokenizer.json" in names:
        return frozenset()
    patterns = [row.file for row in OTHER_FILES if row.mark == REFUSED]
    return frozenset(
        name
        for name in names
        if name not in SENTENCEPIECE and any(fnmatchcase(name, pattern) for pattern in patterns)
    )


def needless(names: Collection[str]) -> frozenset[str]:
    """Choose the files that aren't read where tokenizer.json is there, and are large."""
    return frozenset(SENTENCEPIECE if "tokenizer.json" in names else ())
