"""Make tests/data/torch: files as torch.save writes them, and what is in them as safetensors.

Needs torch and safetensors, the first of which the tests don't need. make_fixtures.py comes first:

    python scripts/make_torch_fixtures.py
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
TORCH = DATA / "torch"


def kinds() -> dict[str, torch.Tensor]:
    """Make a tensor of each type that both layouts know, and of each way to share a storage."""
    numbers = torch.arange(-6, 6).reshape(3, 4) / 7
    table = torch.arange(40.0).reshape(5, 8)
    return {
        "float": numbers,
        "half": numbers.half(),
        "bfloat": numbers.bfloat16(),
        "double": numbers.double(),
        "long": torch.arange(3) - 1,
        "int": torch.arange(3, dtype=torch.int32),
        "short": torch.arange(3, dtype=torch.int16),
        "char": torch.arange(3, dtype=torch.int8),
        "byte": torch.arange(3, dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "complex": torch.tensor([1 + 2j, -1j]),
        "parameter": torch.nn.Parameter(numbers * 3),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 7),
        "whole": table,
        "tied": table,
        "row": table[3],
        "column": table[:, 2],
        "transposed": table.t(),
        "window": table[1:4, 2:7:2],
        "one": table[4:5, 7:8],
    }


def new_kinds() -> dict[str, torch.Tensor]:
    """Make a tensor of each type that has no storage class of its own."""
    numbers = torch.arange(-6, 6) / 7
    types = ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
    return {
        **{name: numbers.to(getattr(torch, name)) for name in types},
        "unsigned": torch.tensor([0, 1, 65535], dtype=torch.uint16),
        "turned": torch.tensor([[1, 2, 3], [4, 5, 6]], dtype=torch.uint16).t(),
        "view": numbers.float().view(torch.uint8)[4:12].view(torch.uint16),
    }


def save(name: str, value: Any, **options: Any) -> None:
    """Write one file with torch."""
    torch.save(value, TORCH / name, **options)


def save_expected(name: str, tensors: dict[str, torch.Tensor]) -> None:
    """Write what is in a file, each tensor with a storage of its own."""
    plain = {key: tensor.detach().clone().contiguous() for key, tensor in tensors.items()}
    safetensors.torch.save_file(plain, TORCH / name)


def with_versions(tensors: dict[str, torch.Tensor]) -> Any:
    """Put tensors into a state_dict, which carries its modules' versions as an attribute."""
    module = torch.nn.Module()
    state = module.state_dict()
    state.update(tensors)
    return state


def main() -> None:
    """Write all files."""
    TORCH.mkdir(exist_ok=True)
    older: Callable[..., None] = lambda name, value: save(  # noqa: E731
        name, value, _use_new_zipfile_serialization=False
    )
    save("zip.bin", with_versions(kinds()))
    older("row.bin", with_versions(kinds()))
    save("protocol4.bin", kinds(), pickle_protocol=4)
    save_expected("kinds.safetensors", kinds())
    save("new.bin", new_kinds())
    save_expected("new.safetensors", new_kinds())
    save(
        "trainer.bin",
        {
            "epoch": 3,
            "loss": 0.25,
            "state_dict": with_versions({"a": torch.ones(2)}),
            "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}, "groups": [{"lr": (1, 2)}]},
            "device": torch.device("cpu"),
            "type": torch.float32,
            "size": torch.Size([2, 3]),
        },
    )
    save("module.bin", torch.nn.Linear(2, 2))
    tiny = safetensors.torch.load_file(DATA / "tiny-bert/model.safetensors")
    save("tiny-bert.bin", with_versions(tiny))
    dense = safetensors.torch.load_file(DATA / "tiny-sentence/2_Dense/model.safetensors")
    older("dense.bin", with_versions(dense))


if __name__ == "__main__":
    main()
