"""Fixtures of a server that takes every request: a tiny model for every task, and an index."""

import json
import sys
from pathlib import Path

from bertie.loading.load import load
from bertie.search import Index

_ROOT = Path(__file__).resolve().parent.parent.parent
INDEX_MODEL = "embed"  # the model that the index is made with


def write_fixtures(directory: Path) -> list[str]:
    """Write models, an index, and the settings that name them.

    Args:
        directory: where, an empty one.
    Returns: flags for bertie serve.
    """
    sys.path.append(str(_ROOT))
    from tests.search.conftest import ROWS
    from tests.server.running import make_models

    data = _ROOT / "tests" / "data"
    models = make_models(directory, data / "tiny-bert", data / "tiny-sentence")
    lines = []
    for name, (path, options) in models.items():
        given = {"source": str(path), "precision": "float32", **options}
        lines += [f"[models.{name}]", *(f"{key} = {json.dumps(given[key])}" for key in given), ""]
    config = directory / "models.toml"
    config.write_text("\n".join(lines))
    model = load(models[INDEX_MODEL][0], precision="float32")
    index = Index.create(directory / "index", model=model, key="id")
    index.add(ROWS)
    return ["--config", str(config), "--indexes", f"rows={index.path}"]
