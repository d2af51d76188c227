"""A document of 100 000 tokens is read in bounded memory, a short one the same by every policy.

Beside the document a reader keeps its token ids, places and logits, a few dozen bytes a token;
hidden states stand in memory for one forward pass only.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bertie
from bertie.tasks.answer import Reader
from bertie.tasks.tag import Tagger
from tests.editing import edit_json, edit_tensors
from tests.tasks.heads import add_head
from tests.timeouts import TIMEOUT

SENTENCE = "the old singers of the fishing boats sing under the bridge. "
TOKENS = 100_000
# What the whole document's hidden states would take in float32, in one layer alone, is 10 MB at
# the tiny BERT's 24 dimensions; attention over it in one piece would take 40 GB a head.
MEGABYTES = 40

TAG = """
found = model.tag(text, ignore=[])
assert found[0].start == 0 and found[-1].end == len(text.rstrip()), (found[0], found[-1])
"""
ANSWER = """
found = model.answer("who sings?", text)
assert 0 <= found.start < found.end <= len(text) and text[found.start:found.end] == found.text
"""
PROGRAM = """
import sys
import bertie

def peak():
    # Not getrusage's figure: that begins with what the parent had when it started this.
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["VmHWM"].split()[0]) / 1024

model = bertie.load(sys.argv[1], precision="float32", threads=1)
sentence, tokens = sys.argv[2], int(sys.argv[3])
# A sentence has as many tokens wherever it stands; encoding the whole would itself take memory.
text = sentence * (tokens // (len(model.tokenizer.encode(sentence).ids) - 2) + 1)
before = peak()
{call}
print(peak() - before)
"""


def read_much_at_once(directory: Path) -> None:
    """Give a copy of the tiny BERT one layer and BERT's own window, to take less time."""

    def more(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        name = "embeddings.position_embeddings.weight"
        positions = np.random.default_rng(7).normal(0, 0.1, (512, tensors[name].shape[1]))
        return {**tensors, name: positions.astype("f4")}

    edit_tensors(directory, more)
    edit_json(directory / "config.json", max_position_embeddings=512, num_hidden_layers=1)
    edit_json(directory / "tokenizer_config.json", model_max_length=512)


@pytest.mark.parametrize(
    ("kind", "outputs", "call"),
    [("token_classification", 3, TAG), ("question_answering", 2, ANSWER)],
)
def test_100_000_tokens_are_read_in_bounded_memory(
    bert: Path, kind: str, outputs: int, call: str
) -> None:
    add_head(bert, kind, outputs, ["O", "B-X", "I-X"] if outputs == 3 else None)
    read_much_at_once(bert)
    program = PROGRAM.format(call=call)
    ran = subprocess.run(
        [sys.executable, "-c", program, str(bert), SENTENCE, str(TOKENS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) < MEGABYTES


def test_a_short_text_is_tagged_the_same_by_every_policy(bert: Path) -> None:
    add_head(bert, "token_classification", 3, ["O", "B-X", "I-X"])
    model = bertie.load(bert, precision="float32")
    assert isinstance(model, Tagger)
    expected = model.tag(SENTENCE, ignore=[], truncate="error")
    assert expected
    assert model.tag(SENTENCE, ignore=[]) == expected


def test_a_long_text_is_tagged_as_its_first_window_far_from_the_seam(bert: Path) -> None:
    add_head(bert, "token_classification", 3, ["O", "B-X", "I-X"])
    model = bertie.load(bert, precision="float32")
    assert isinstance(model, Tagger)
    text = SENTENCE * 40
    first = model.tokenizer.encode(text, max_length=model.max_length)
    seam = first.offsets[-2 - model.stride][0]
    with pytest.warns(bertie.TruncationWarning):
        alone = model.tag(text, ignore=[], aggregation="none", truncate="right")
    found = model.tag(text, ignore=[], aggregation="none")
    assert len(found) > len(alone)
    assert [s for s in found if s.end <= seam] == [s for s in alone if s.end <= seam]


def test_a_short_context_is_read_the_same_by_every_policy(bert: Path) -> None:
    add_head(bert, "question_answering", 2)
    model = bertie.load(bert, precision="float32")
    assert isinstance(model, Reader)
    short = " ".join(SENTENCE.split()[:5])
    expected = model.answer("who?", short, truncate="error", top_k=3)
    assert model.answer("who?", short, top_k=3) == expected
