"""The table has every file and key that the frameworks read (scripts/list_framework_keys.py)."""

import json
from pathlib import Path
from typing import Any

import pytest

from bertie.checkpoint.architectures import ARCHITECTURES
from bertie.known import KNOWN, MODULE_CONFIGS, Known
from bertie.known.model import CONFIG
from bertie.known.sentence import COLBERT, MODULES, PROMPTS_CONFIG, TRANSFORMER_CONFIGS

LISTED: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "data" / "known" / "frameworks.json").read_text(encoding="utf-8")
)
FILE = TRANSFORMER_CONFIGS[0]


def rows(file: str, key: str, where: str = "") -> list[Known]:
    """Find the rows of a key, or of keys inside it."""
    return [
        row
        for row in KNOWN
        if row.file == file
        and (row.key == key or row.key.startswith(f"{key}."))
        and (not where or not row.where or where in row.where)
    ]


def test_every_architecture_is_listed() -> None:
    assert set(LISTED[CONFIG]) == set(ARCHITECTURES), "run scripts/list_framework_keys.py"


@pytest.mark.parametrize("architecture", LISTED[CONFIG])
def test_every_key_of_a_config_has_one_row(architecture: str) -> None:
    for key in {*LISTED[CONFIG][architecture], *LISTED["generation"]}:
        found = rows(CONFIG, key, architecture)
        assert found, f"{key} lacks a row for {architecture} in bertie.known.model"
        assert len({row.key for row in found}) == len(found), key


@pytest.mark.parametrize("file", [PROMPTS_CONFIG, MODULES, COLBERT])
def test_every_key_of_sentence_transformers_files_has_a_row(file: str) -> None:
    assert [key for key in LISTED[file] if not rows(file, key)] == []


def test_the_file_beside_the_encoder_is_known_by_every_name_and_key() -> None:
    listed = LISTED[FILE]
    assert tuple(listed["files"]) == TRANSFORMER_CONFIGS
    assert [name for name in listed["files"] if not rows(name, "")] == []
    assert [key for key in listed["keys"] if not rows(FILE, key)] == []


@pytest.mark.parametrize("kind", LISTED["modules"])
def test_every_module_is_read_key_by_key_or_refused_as_a_whole(kind: str) -> None:
    listed = LISTED["modules"][kind]
    if listed["file"] == FILE and kind != "CLIPModel":
        return  # as the encoder's own
    own = [row for row in MODULE_CONFIGS if kind in row.where]
    if not any(row.key == "" for row in own):
        assert set(listed["keys"]) <= {row.key for row in own}


def test_no_key_has_two_rows_for_one_class() -> None:
    seen: set[tuple[str, str, str]] = set()
    for row in KNOWN:
        for where in row.where or ("",):
            assert (row.file, row.key, where) not in seen, row
            seen.add((row.file, row.key, where))
