"""Make core/tests/data: bundles of the tiny BERT, and the hidden states that they give.

    python scripts/make_core_fixtures.py

The hidden states are those of the scalar kernels on this machine, which the core's tests hold every
machine and instruction set against. Bundles are made anew only where they are missing: what older
versions wrote has to go on giving the same.
"""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from bertie.engine.encoder import PRECISIONS
from bertie.export import write_bundle
from bertie.export.safetensors import Part, write_safetensors

ROOT = Path(__file__).resolve().parent.parent
SOURCE, DATA = ROOT / "tests/data/tiny-bert", ROOT / "core/tests/data"
LENGTHS = (1, 7, 13, 64)


def inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids, type ids and lengths, which bundle_test.cc makes in the same way."""
    places = np.arange(sum(LENGTHS), dtype=np.int32)
    return (37 * places + 11) % 179, places // 5 % 2, np.array(LENGTHS, np.int32)


def main() -> None:
    os.environ["BERTIE_ISA"] = "scalar"
    from bertie import load

    DATA.mkdir(exist_ok=True)
    for precision in PRECISIONS:
        weights = DATA / f"{precision}.safetensors"
        if weights.exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / "bundle"
            write_bundle(SOURCE, bundle, precision=precision, min_cosine=0.9)
            hidden = load(bundle).encoder.forward(*inputs())
            shutil.move(bundle / "model.safetensors", weights)
        part = Part("hidden", "F32", hidden.shape, lambda hidden=hidden: hidden)
        write_safetensors(DATA / f"{precision}.hidden.safetensors", [part])
        print(f"{weights.name}: {weights.stat().st_size} bytes")


if __name__ == "__main__":
    main()
