"""bertie verify"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bertie as library

from .conftest import Ran

Bertie = Callable[..., Ran]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("the old bridge\nwho reads the new book\na river\n")
    return path


def test_a_source_is_compared_with_its_bundle(
    bertie: Bertie, tiny_sentence: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    bertie("export", tiny_sentence, bundle, "--precision", "int8")
    ran = bertie("verify", tiny_sentence, bundle, "--precision", "int8")
    report = json.loads(ran.out)
    assert (ran.code, report["passed"], report["vectors"]["max_abs"]) == (0, True, 0)
    assert report["sides"][0]["fingerprint"] == report["sides"][1]["fingerprint"]


def test_a_precision_is_compared_with_float32(
    bertie: Bertie, tiny_bert: Path, texts: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    command = ("verify", tiny_bert, "--precision", "bfloat16", "--texts", texts)
    ran = bertie(*command, "--as", "table", "--html", page)
    assert ran.code == 0
    assert "3, caller's texts.txt" in ran.out
    assert ran.out.endswith("\npassed\n")
    assert page.read_text().startswith("<!doctype html>")
    sides = json.loads(bertie(*command, "--json").out)["sides"]
    assert [side["precision"] for side in sides] == ["bfloat16", "float32"]


@pytest.mark.parametrize("limit", [("--min-cosine", "1.1"), ("--max-abs", "1e-9")])
def test_a_limit_that_is_not_kept_fails(
    bertie: Bertie, tiny_bert: Path, texts: Path, limit: tuple[str, str]
) -> None:
    ran = bertie("verify", tiny_bert, "--precision", "bfloat16", "--texts", texts, *limit)
    assert ran.code == 1
    assert len(json.loads(ran.out)["faults"]) == 1


def test_stored_vectors_are_a_reference(
    bertie: Bertie, tiny_sentence: Path, texts: Path, tmp_path: Path
) -> None:
    vectors = library.load(tiny_sentence, precision="float32").embed(
        texts.read_text(encoding="utf-8").splitlines()
    )
    stored = tmp_path / "stored.npy"
    np.save(stored, vectors)
    command = ("verify", tiny_sentence, "--precision", "float32", "--texts", texts)
    assert bertie(*command, "--reference", stored).code == 0
    np.save(stored, np.roll(vectors, 1, axis=0))
    ran = bertie(*command, "--reference", stored)
    assert (ran.code, json.loads(ran.out)["passed"]) == (1, False)
    np.save(stored, vectors[1:])
    ran = bertie(*command, "--reference", stored)
    assert ran.code == 1
    assert "a row for each text" in ran.err
    assert bertie(*command, "--reference", stored, "--transformers").code == 2


def test_a_damaged_bundle_is_not_compared(bertie: Bertie, tiny_bert: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bertie("export", tiny_bert, bundle, "--precision", "bfloat16")
    assert bertie("verify", bundle, "--check").code == 0
    assert "name what it was made of as OTHER" in bertie("verify", bundle).err
    config = bundle / "config.json"
    config.write_text(config.read_text().replace("gelu", "relu"))
    for more in (("--check",), (tiny_bert,)):
        ran = bertie("verify", bundle, *more)
        assert (ran.code, ran.out) == (1, "")
        assert "config.json is not what" in ran.err
