"""docs/checkpoints.md shows the table as it is in the code."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.timeouts import TIMEOUT

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(
    not (ROOT / "scripts").is_dir(), reason="needs the repository's docs/, scripts/"
)
def test_the_page_shows_every_row() -> None:
    shown = (ROOT / "docs" / "checkpoints.md").read_text(encoding="utf-8")
    written = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, 'scripts'); sys.stdout.reconfigure(encoding='utf-8');"
            "import document_known; sys.stdout.write(document_known.tables())",
        ],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert written.returncode == 0, written.stderr
    assert written.stdout in shown, "run python scripts/document_known.py"
