"""Walking through the table: a key is put into a model's file, and it is seen what comes of it."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

import bertie
from bertie.errors import BertieError, TruncationWarning
from bertie.known import Known
from bertie.loading.doctor import diagnose

# What no row takes for neutral.
SAMPLE = "some-value"


def put(path: Path, key: str, value: Any) -> None:
    """Put a key, with dots between nested ones, into a file; None takes it away."""
    raw = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    *outer, last = key.replace("*", "something").split(".")
    inner = raw
    for name in outer:
        inner[name] = inner.get(name) or {}
        inner = inner[name]
    inner[last] = value
    if value is None:
        del inner[last]
    path.write_text(json.dumps(raw), encoding="utf-8")


def outcome(directory: Path, **options: Any) -> str:
    """Say what a model is and gives: its task, labels, fingerprint; or why it isn't loaded."""
    try:
        model: Any = bertie.load(directory, precision="float32", **options)
    except BertieError as error:
        return str(error)
    return f"{model.task} {getattr(model, 'labels', '')} {model.fingerprint}"


def refusal(directory: Path) -> str:
    """Give the error with which a model isn't loaded; bertie doctor must have it, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        with pytest.raises(BertieError) as caught:
            bertie.load(directory, precision="float32")
    said = str(caught.value)
    broken = [one.text for one in diagnose(directory).findings if one.level == "broken"]
    assert said in broken
    return said


def notes(directory: Path) -> list[str]:
    """Give what info() notes; bertie doctor must say it, too."""
    found = list(bertie.load(directory, precision="float32").info().notes)
    said = {finding.text for finding in diagnose(directory).findings}
    assert said >= set(found)
    return found


def called(row: Known) -> str:
    """Name a row for a test's id."""
    return "-".join(filter(None, [row.file, row.key, *row.where[:1]]))
