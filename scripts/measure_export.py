"""Measure the memory that exporting takes.

    python scripts/measure_export.py TOKENIZER [--directory DIRECTORY]

Exports a BERT-base of random weights, with the tokenizer of the model in TOKENIZER, to a bundle of
each precision in a process of its own, and prints the most anonymous memory of that process beside
the size of the checkpoint. Mapped files don't count, for the system can take their pages back.
Exits with 1 when one of the bars below doesn't hold.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from comparison.checkpoints import BERT_BASE, write_checkpoint  # noqa: E402

# How often the checkpoint's size may stand in memory.
BARS = {"float32": 1.3, "bfloat16": 1.3, "int8": 2.5}
_EXPORT = """
import sys
from bertie.export import write_bundle

source, destination, precision = sys.argv[1:]
# Random weights mean nothing, so how true they stay doesn't matter.
write_bundle(source, destination, precision=precision, force=True, min_cosine=-1)
"""
_PERIOD = 0.002  # seconds between looks at the process
_ANONYMOUS = re.compile(r"^RssAnon:\s+(\d+) kB$", re.MULTILINE)


def peak(command: list[str]) -> int:
    """Run a program. Returns: the most anonymous memory that it had, in bytes."""
    most = 0
    with subprocess.Popen(command) as process:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            found = _ANONYMOUS.search(status.read_text(encoding="utf-8"))
            most = max(most, int(found[1]) * 1024 if found else 0)
            time.sleep(_PERIOD)
    if process.returncode != 0:
        raise SystemExit(f"the export ended with {process.returncode}")
    return most


def main() -> int:
    """Measure every precision. Returns: the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--directory", type=Path, help="where to write two gigabytes")
    arguments = parser.parse_args()
    missed = 0
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        source = Path(directory) / "base"
        write_checkpoint(source, BERT_BASE, arguments.tokenizer, 512)
        size = (source / "model.safetensors").stat().st_size
        idle = peak([sys.executable, "-c", "import bertie.export"])
        print(f"checkpoint {size / 1e6:.0f} MB, an export's imports alone {idle / 1e6:.0f} MB")
        for precision, bar in BARS.items():
            bundle = Path(directory) / "bundle"
            start = time.monotonic()
            most = peak([sys.executable, "-c", _EXPORT, str(source), str(bundle), precision])
            seconds = time.monotonic() - start
            missed += most > bar * size
            stored = sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
            print(
                f"{precision:8}  {most / 1e6:5.0f} MB anonymous, {most / size:.2f} × the checkpoint"
                f" (at most {bar}); bundle {stored / 1e6:.0f} MB, {seconds:.0f} s"
            )
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
