"""docs/architecture.md shows the house as it stands."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.timeouts import TIMEOUT

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"]
# The file of any task, of any of several kinds, and what a check leaves behind.
PLACEHOLDERS = ("TASK", "NAME", "*", "build/full")

pytestmark = pytest.mark.skipif(
    not (ROOT / "scripts").is_dir(), reason="needs the repository's docs/, scripts/"
)


def test_the_picture_is_of_the_wings_as_they_are() -> None:
    drawn = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, 'scripts'); sys.stdout.reconfigure(encoding='utf-8');"
            "import draw_architecture; sys.stdout.write(draw_architecture.picture())",
        ],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert drawn.returncode == 0, drawn.stderr
    picture = (ROOT / "docs" / "images" / "architecture.svg").read_text(encoding="utf-8")
    assert picture == drawn.stdout, "run python scripts/draw_architecture.py"


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
