"""What the command line leaves out of its start; `benchmarks/cold_start.py` has the seconds."""

import subprocess
import sys
from pathlib import Path

from tests.timeouts import TIMEOUT

HEAVY = {
    "asyncio",
    "http.client",
    "huggingface_hub",
    "importlib.metadata",
    "multiprocessing",
    "rich",
    "subprocess",
    "tokenizers",
    "urllib.request",
}


def test_embed_leaves_out_what_it_does_not_need(tiny_sentence: Path) -> None:
    code = (
        "import sys; from bertie.cli.main import run;"
        f"run(['embed', 'hello', '-m', {str(tiny_sentence)!r}]);"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=TIMEOUT
    )
    assert ran.stderr == "[]\n"
