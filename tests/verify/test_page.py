"""The page says what the report says, and needs nothing else."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from bertie.verify import Observed, compare, observe
from bertie.verify.page import html_page, summary


def test_it_is_whole_and_stands_alone(tiny_bert: Path) -> None:
    texts = ["a <b>", "two & three", "four", "five"]
    one = observe(tiny_bert, texts, precision="float32")
    made = html_page(compare(one, observe(tiny_bert, texts, precision="int8"), texts, "here"))
    assert not re.search(r"https?:|<script|<link|@import|url\(", made)
    assert "prefers-color-scheme: dark" in made
    plots = re.findall(r"<svg.*?</svg>", made, re.DOTALL)
    assert len(plots) == 2
    bars = [len(ElementTree.fromstring(plot).findall("rect")) for plot in plots]
    assert bars == [10, 4]
    assert "<b>" not in made


def test_it_says_why_it_failed() -> None:
    one = Observed({"source": "one"}, np.eye(4, dtype=np.float32))
    other = Observed({"source": "two"}, -np.eye(4, dtype=np.float32))
    report = compare(one, other, ["w", "x", "y", "<z>"], "here")
    assert '<span class="failed">' in html_page(report)
    assert "<li>the mean cosine is -1.000000, expected at least 0.99999</li>" in html_page(report)
    assert ("same nearest text", "100.0% of 4") in summary(report)
