"""What a script in scripts/ makes of the code, to be held against the page that shows it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.timeouts import TIMEOUT

ROOT = Path(__file__).parent.parent
needs_scripts = pytest.mark.skipif(
    not (ROOT / "scripts").is_dir(), reason="needs the repository's docs/, scripts/"
)


def generated(script: str, function: str) -> str:
    """Call a script's function in a fresh interpreter. Returns: the text that it makes."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.insert(0, 'scripts'); sys.stdout.reconfigure(encoding='utf-8');"
            f"import {script}; sys.stdout.write({script}.{function}())",
        ],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
