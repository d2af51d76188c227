"""docs/architecture.md shows the house as it stands."""

import re
from pathlib import Path

import pytest

from tests.generated import ROOT, generated, needs_scripts

PAGES = [ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"]
# The file of any task, of any of several kinds, and what a check leaves behind.
PLACEHOLDERS = ("TASK", "NAME", "*", "build/full")

pytestmark = needs_scripts


def test_the_picture_is_of_the_wings_as_they_are() -> None:
    picture = (ROOT / "docs" / "images" / "architecture.svg").read_text(encoding="utf-8")
    drawn = generated("draw_architecture", "picture")
    assert picture == drawn, "run PYTHONPATH=. python scripts/draw_architecture.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = re.findall(r"`([\w.*-]+(?:/[\w.*-]*)+|\w+\.(?:py|md|h|cc))`", text)
    named = [name for name in named if not any(one in name for one in PLACEHOLDERS)]
    assert len(named) > 10
    lost = [
        name
        for name in named
        if not (ROOT / name).exists() and not (ROOT / "src" / "bertie" / name).exists()
    ]
    assert lost == []
