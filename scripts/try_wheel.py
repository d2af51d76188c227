"""Embed one text with the Bertie that is installed, and compare the vector with another machine's.

python scripts/try_wheel.py MODEL VECTOR.npy [OTHER.npy]
"""

import platform
import sys
from pathlib import Path

import numpy as np

import bertie
from bertie import _core

TOLERANCE = 1e-5  # float32; the instruction sets sum in different orders

model, *paths = sys.argv[1:]
isas = _core.available_isas()
print(platform.machine(), platform.python_version(), _core.compiler(), *isas)
vectors = bertie.load(model, precision="float32").embed(["My son hates reading."])
np.save(paths[0], vectors)

flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
if isas == ["scalar"] and ("avx2" in flags or platform.machine() == "aarch64"):
    sys.exit("it found no instruction set of this CPU's beyond the scalar one")
if len(paths) > 1:
    away = float(np.abs(vectors - np.load(paths[1])).max())
    print(f"the vector is {away:.1e} away from {paths[1]}'s")
    if not away <= TOLERANCE:
        sys.exit(f"expected it to be within {TOLERANCE}")
