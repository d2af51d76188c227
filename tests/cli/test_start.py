"""How fast the command line starts."""

import os
import subprocess
import sys
from pathlib import Path

LIMIT = 0.6  # seconds from nothing to a vector


def test_a_cold_embed_is_quick(minilm: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(tmp_path),  # compiled modules, as an installed package has them
    }

    def start() -> float:
        """Seconds on the processor, which a busy machine stretches less than those on the clock."""
        process = subprocess.Popen(
            [sys.executable, "-m", "bertie", "embed", "hello", "-m", str(minilm)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return used.ru_utime + used.ru_stime

    start()
    assert min(start() for _ in range(7)) < LIMIT


def test_embed_leaves_out_what_it_does_not_need(tiny_sentence: Path) -> None:
    code = (
        "import sys; from bertie.cli.main import run;"
        f"run(['embed', 'hello', '-m', {str(tiny_sentence)!r}]);"
        "heavy = {'rich', 'huggingface_hub', 'asyncio', 'importlib.metadata', 'subprocess'};"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stderr == "[]\n"
