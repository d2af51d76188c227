"""Bundles of the tiny models."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bertie.export import write_bundle
from bertie.opened import Given


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., Path]:
    """Export a model, with options of write_bundle, and settings as keywords."""

    def export(
        source: Path,
        *,
        name: str = "bundle",
        pack: bool = False,
        task: str | None = None,
        precision: str = "float32",
        **settings: object,
    ) -> Path:
        made = write_bundle(
            source,
            tmp_path / name,
            task=task,
            precision=precision,
            pack=pack,
            given=Given(**settings),  # type: ignore[arg-type]
        )
        return made.path

    return export
