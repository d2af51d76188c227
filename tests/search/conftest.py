"""A model and rows that tests of indexes share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bertie.loading.load import load
from bertie.search import Index

ROWS = [
    {"id": "1", "text": "a child reads a book", "year": 1990, "lang": "en"},
    {"id": "2", "text": "rain falls on the street", "year": 1991, "lang": "en"},
    {"id": "3", "text": "two dogs run in the park", "year": 1992, "lang": None},
    {"id": "4", "text": "ein Hund läuft", "year": 1993, "lang": "de"},
]


@pytest.fixture(scope="session")
def embedder(tiny_sentence: Path) -> Any:
    """The tiny model, loaded to embed, where there is LanceDB to keep its vectors."""
    pytest.importorskip("lancedb")
    return load(tiny_sentence, precision="float32", threads=1)


@pytest.fixture
def filled(tmp_path: Path, embedder: Any) -> Index:
    """An index of ROWS."""
    index = Index.create(tmp_path / "index", model=embedder, key="id")
    index.add(ROWS)
    return index


@pytest.fixture
def watched(embedder: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What the model was asked to embed as documents since the last call."""
    seen: list[str] = []
    original = embedder.embed_stream

    def embed_stream(texts: Any, **options: Any) -> Any:
        def noted() -> Any:
            for text in texts:
                seen.append(text)
                yield text

        return original(noted(), **options)

    monkeypatch.setattr(embedder, "embed_stream", embed_stream, raising=False)

    def taken() -> list[str]:
        found = seen[:]
        seen.clear()
        return found

    return taken
