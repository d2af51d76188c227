"""Whatever stands in a tokenizer's files, it is read, or refused as our own error."""

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bertie.errors import BertieError
from bertie.known.tokenizer import TOKENIZER
from bertie.tokenize import Tokenizer
from tests.tokenize.cases import FAMILIES, Files, edited, family, write

BASES: list[Files] = [family(name)["files"] for name in FAMILIES]
KEYS = sorted({(row.file, row.key.split(".")[0]) for row in TOKENIZER if row.key})
TEXT = st.sampled_from(["", "x", "[E11]", "\ud800", "content", "special", "45", "5", "a"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.sampled_from([0, -1, 45, 10**30, 1.5]) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
EDITS = st.lists(st.tuples(st.sampled_from(KEYS), VALUES), min_size=1, max_size=3)


@settings(max_examples=150)
@given(files=st.sampled_from(BASES), edits=EDITS)
def test_any_value_under_any_key_is_read_or_refused(
    files: Files, edits: list[tuple[tuple[str, str], Any]]
) -> None:
    for (file, key), value in edits:
        if file.endswith(".json"):
            files = edited(files, {file: {key: value}})
    with tempfile.TemporaryDirectory() as folder, suppress(BertieError):
        tokenizer = Tokenizer.load(write(Path(folder), files))
        tokenizer.encode("a [E11] b", "c")
