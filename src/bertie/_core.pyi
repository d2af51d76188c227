"""The compiled core. Its classes are wrapped by encoder.py and tokenize/, which document them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

def affinity_cores() -> int: ...
def quota_cores() -> int: ...
def available_cores() -> int: ...
def built_isas() -> list[str]: ...
def available_isas() -> list[str]: ...
def cpu_features() -> list[str]: ...
def cpu_name() -> str: ...
def cpu_design() -> tuple[str, int]: ...
def bfloat16_speed(isa: str, vendor: str, family: int) -> str: ...
def compiler() -> str: ...
def crc32c(data: NDArray[np.uint8] | bytes, before: int = 0) -> int: ...
def multiply_peak(precision: str, threads: int) -> float: ...
def quantize_weight(
    weight: NDArray[np.float32], smoothing: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.int8], NDArray[np.float32]]: ...

class Encoder:
    def __init__(
        self,
        config: dict[str, Any],
        tensors: dict[str, tuple[NDArray[np.uint8], str, tuple[int, ...], bool]],
        threads: int,
        precision: str = "float32",
        output_precision: str = "float32",
        smoothing: Mapping[str, list[float]] = {},
    ) -> None: ...
    @property
    def threads(self) -> int: ...
    @property
    def isa(self) -> str: ...
    def memory(self, longest: int) -> int: ...
    def forward(
        self,
        ids: NDArray[np.int32],
        type_ids: NDArray[np.int32],
        lengths: NDArray[np.int32],
        layers: list[int],
        attended: NDArray[np.int32] | None = None,
    ) -> NDArray[np.float32]: ...
    def forward_pooled(
        self,
        ids: NDArray[np.int32],
        type_ids: NDArray[np.int32],
        lengths: NDArray[np.int32],
        modes: list[str],
        layers: list[int],
        skip: NDArray[np.int32] | None = None,
    ) -> NDArray[np.float32]: ...
    def observe(
        self, ids: NDArray[np.int32], type_ids: NDArray[np.int32], lengths: NDArray[np.int32]
    ) -> dict[str, list[float]]: ...

class Linear:
    def __init__(
        self,
        weight: NDArray[np.float32],
        bias: NDArray[np.float32] | None = None,
        activation: str = "identity",
        threads: int = 1,
        precision: str = "float32",
    ) -> None: ...
    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]: ...
    def maximum(
        self, x: NDArray[np.float32], lengths: NDArray[np.int32]
    ) -> NDArray[np.float32]: ...

TextTokenizer: Any
Normalizer: Any
WordPiece: Any
