"""Damaging the files of weights in every format, and what may come of it.

KINDS is a table: a format adds a row. Whatever the damage, a checkpoint is refused, or has the same
tensors, or, where its format has no checksum of its data, tensors that differ in the damaged
elements alone.
"""

import json
import random
import shutil
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from bertie.checkpoint.bundle import Bundle
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.shapes import encoder_tensors
from bertie.checkpoint.tensor import Tensor
from bertie.errors import CheckpointError, SourceError
from bertie.export import write_bundle
from bertie.sources.bundles import require_intact
from tests.torch_files import archive, pickled, row, state, storage, tensor

DATA = Path(__file__).parent / "data"

# In bytes. What reading takes beside twice the files: the config, names, messages, and now and
# then a table of Python's own that grows.
ALLOWANCE = 4 * 2**20

ACTIONS = ("flip", "zero", "cut", "double")
# How long damage is, in bytes; a flip is always one.
LENGTHS = (1, 2, 3, 4, 7, 8, 16, 64, 500, 4000)

CONFIG = {
    "model_type": "bert",
    "vocab_size": 11,
    "hidden_size": 6,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 10,
    "max_position_embeddings": 9,
    "type_vocab_size": 2,
}


def read(directory: Path) -> dict[str, Tensor]:
    """Read what an encoder uses of a checkpoint."""
    return encoder_tensors(Checkpoint.open(directory))


def read_bundle(directory: Path) -> dict[str, Tensor]:
    """Read a bundle; without its bertie.json it is a checkpoint like any other."""
    if Bundle.read(directory) is None:
        raise SourceError(f"{directory} is no bundle")
    return read(directory)


def read_whole_bundle(directory: Path) -> dict[str, Tensor]:
    """Read a bundle after comparing its hashes, as pull --check does."""
    require_intact(directory)
    return read_bundle(directory)


@dataclass(frozen=True)
class Kind:
    """One format.

    Attributes:
        name: what a failure calls it.
        write: writes a small checkpoint of it into an empty directory.
        files: those that are damaged, relative to it; every one that tensors are made of.
        checked: whether the format has checksums of its data, so that no flip may go unseen.
        read: reads the tensors of a directory.
    """

    name: str
    write: Callable[[Path], object]
    files: tuple[str, ...]
    checked: bool
    read: Callable[[Path], dict[str, Tensor]] = read


@dataclass(frozen=True)
class Damage:
    """What happens to one file.

    Attributes:
        file: which, relative to the checkpoint's directory.
        action: one of ACTIONS.
        begin: the first byte that is damaged.
        end: the byte after the last.
        change: what a flip does to its byte, by exclusive or.
    """

    file: str
    action: str
    begin: int
    end: int
    change: int

    @classmethod
    def draw(cls, kind: Kind, sizes: Sequence[int], numbers: Sequence[int]) -> "Damage":
        """Make five numbers of any size into damage that a kind's files can have."""
        which, action, begin, length, change = numbers
        file = which % len(sizes)
        begin %= max(sizes[file], 1)
        chosen = ACTIONS[action % len(ACTIONS)]
        span = 1 if chosen == "flip" else LENGTHS[length % len(LENGTHS)]
        end = min(begin + span, sizes[file])
        return cls(kind.files[file], chosen, begin, end, 1 + change % 255)

    def apply(self, content: bytes) -> bytes:
        """Give the damaged content."""
        hit = content[self.begin : self.end]
        replaced = {
            "flip": bytes(byte ^ self.change for byte in hit),
            "zero": bytes(len(hit)),
            "cut": b"",
            "double": hit + hit,
        }
        return content[: self.begin] + replaced[self.action] + content[self.end :]


@dataclass(frozen=True)
class Outcome:
    """What became of one damaged checkpoint.

    Attributes:
        verdict: refused, same or changed (the damaged elements alone).
        seconds: that reading took.
        allocated: the most bytes that it had allocated at a time.
        violation: what shouldn't have been; empty if all is well.
    """

    verdict: str
    seconds: float
    allocated: int
    violation: str


class Target:
    """A small checkpoint of one kind, damaged again and again."""

    def __init__(self, kind: Kind, directory: Path) -> None:
        self.kind = kind
        self.directory = directory
        directory.mkdir(parents=True)
        kind.write(directory)
        self.contents = {name: (directory / name).read_bytes() for name in kind.files}
        self.sizes = [len(content) for content in self.contents.values()]
        self.total = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
        self.tensors = {
            name: (tensor, bytes(tensor.data), tensor.float32().copy())
            for name, tensor in kind.read(directory).items()
        }

    def damage(self, damage: Damage) -> Outcome:
        """Damage a file, read the checkpoint, and mend the file."""
        path = self.directory / damage.file
        _rewrite(path, damage.apply(self.contents[damage.file]))
        tracemalloc.start()
        began = time.perf_counter()
        try:
            tensors = self.kind.read(self.directory)
            violations = [self._violation(name, tensors[name], damage) for name in tensors]
            violation = "; ".join(fault for fault in violations if fault)
            same = all(np.array_equal(t.float32(), self.tensors[n][2]) for n, t in tensors.items())
            verdict = "same" if same else "changed"
        except (CheckpointError, SourceError):
            verdict, violation = "refused", ""
        except Exception as error:
            verdict, violation = "crashed", repr(error)
        seconds = time.perf_counter() - began
        _, allocated = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        _rewrite(path, self.contents[damage.file])
        if allocated > 2 * self.total + ALLOWANCE:
            violation += f"; {allocated} bytes allocated, for files of {self.total}"
        return Outcome(verdict, seconds, allocated, violation)

    def _violation(self, name: str, tensor: Tensor, damage: Damage) -> str:
        """Say what is wrong with a tensor of a damaged checkpoint that could be read."""
        expected, data, values = self.tensors[name]
        if np.array_equal(tensor.float32(), values, equal_nan=True):
            return ""
        if self.kind.checked:
            return f"{name} changed in spite of checksums"
        if damage.action in ("cut", "double"):
            return f"{name} changed although bytes are missing or too many"
        if _layout(tensor) != _layout(expected):
            return f"{name} is {_layout(tensor)}, was {_layout(expected)}"
        bytes_now = np.asarray(tensor.data)
        changed = np.flatnonzero(bytes_now != np.frombuffer(data, np.uint8)) + tensor.offset
        if changed[0] < damage.begin or changed[-1] >= damage.end:
            return f"{name} changed from byte {changed[0]} to {changed[-1]}"
        return ""


def numbers(rng: random.Random) -> list[int]:
    """Draw the numbers that damage is made of."""
    return [rng.getrandbits(32) for _ in range(5)]


def _layout(tensor: Tensor) -> tuple[object, ...]:
    """Tell where and how a tensor lies."""
    return tensor.dtype, tensor.shape, tensor.strides, tensor.file, tensor.offset


def _rewrite(path: Path, content: bytes) -> None:
    """Write a file anew, leaving whoever has mapped the old one its bytes."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def _copy(name: str) -> Callable[[Path], object]:
    """Copy a directory of the fixtures."""
    return lambda directory: shutil.copytree(DATA / name, directory, dirs_exist_ok=True)


def arrays() -> dict[str, NDArray[np.float32]]:
    """Draw the smallest encoder's weights."""
    hidden, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    assert isinstance(hidden, int)
    assert isinstance(inner, int)
    layer = "encoder.layer.0"
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (11, hidden),
        "embeddings.position_embeddings.weight": (9, hidden),
        "embeddings.token_type_embeddings.weight": (2, hidden),
        "embeddings.LayerNorm.weight": (hidden,),
        "embeddings.LayerNorm.bias": (hidden,),
    }
    dense = {
        "attention.self.query": (hidden, hidden),
        "attention.self.key": (hidden, hidden),
        "attention.self.value": (hidden, hidden),
        "attention.output.dense": (hidden, hidden),
        "intermediate.dense": (inner, hidden),
        "output.dense": (hidden, inner),
    }
    for name, shape in dense.items():
        shapes[f"{layer}.{name}.weight"], shapes[f"{layer}.{name}.bias"] = shape, shape[:1]
    for name in ("attention.output.LayerNorm", "output.LayerNorm"):
        shapes[f"{layer}.{name}.weight"] = shapes[f"{layer}.{name}.bias"] = (hidden,)
    rng = np.random.default_rng(0)
    return {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}


def _split(names: Sequence[str]) -> dict[str, int]:
    """Divide tensors between two shards."""
    return {name: 1 + (number > len(names) // 2) for number, name in enumerate(names)}


def _write_config(directory: Path) -> None:
    """Write the smallest encoder's config."""
    (directory / "config.json").write_text(json.dumps(CONFIG))


def _write_index(directory: Path, index: str, shard: str) -> dict[str, int]:
    """Write an index of two shards, and give the number of each tensor's."""
    shards = _split(list(arrays()))
    places = {name: shard.format(number) for name, number in shards.items()}
    (directory / index).write_text(json.dumps({"weight_map": places}))
    return shards


def _write_safetensors(directory: Path) -> None:
    """Write one file."""
    _write_config(directory)
    safetensors.numpy.save_file(arrays(), directory / "model.safetensors")


def _write_safetensors_shards(directory: Path) -> None:
    """Write an index and two files."""
    _write_config(directory)
    shards = _write_index(directory, "model.safetensors.index.json", "model-{}.safetensors")
    for number in (1, 2):
        part = {name: array for name, array in arrays().items() if shards[name] == number}
        safetensors.numpy.save_file(part, directory / f"model-{number}.safetensors")


def _torch_parts(names: Sequence[str], *more: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Pickle tensors with a storage each, every other one transposed."""
    pushed, storages = {}, {}
    for number, name in enumerate(names):
        array = arrays()[name]
        shape = array.shape
        strides = (1, shape[0]) if array.ndim == 2 and number % 2 else (*shape[1:], 1)
        held = storage(str(number), array.size, "FloatStorage", *more)
        pushed[name] = tensor(held, 0, shape, strides)
        order = "F" if strides[0] == 1 and array.ndim == 2 else "C"
        storages[str(number)] = array.tobytes(order)  # type: ignore[arg-type]
    return pickled(state(pushed)), storages


def _write_torch_zip(directory: Path) -> None:
    """Write one zip archive."""
    _write_config(directory)
    (directory / "pytorch_model.bin").write_bytes(archive(*_torch_parts(list(arrays()))))


def _write_torch_row(directory: Path) -> None:
    """Write one file in torch's older layout."""
    _write_config(directory)
    (directory / "pytorch_model.bin").write_bytes(row(*_torch_parts(list(arrays()), b"N")))


def _write_torch_shards(directory: Path) -> None:
    """Write an index and two zip archives."""
    _write_config(directory)
    shards = _write_index(directory, "pytorch_model.bin.index.json", "pytorch_model-{}.bin")
    for number in (1, 2):
        names = [name for name in shards if shards[name] == number]
        content = archive(*_torch_parts(names))
        (directory / f"pytorch_model-{number}.bin").write_bytes(content)


def _write_bundle(directory: Path) -> None:
    """Export the smallest encoder."""
    source = directory / "source"
    source.mkdir()
    _write_safetensors(source)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdef"]
    (source / "vocab.txt").write_text("\n".join(words) + "\n")
    write_bundle(source, directory / "bundle", precision="float32")
    for path in (directory / "bundle").iterdir():
        path.rename(directory / path.name)
    (directory / "bundle").rmdir()
    shutil.rmtree(source)


KINDS = (
    Kind("safetensors", _write_safetensors, ("model.safetensors",), checked=False),
    Kind(
        "safetensors, sharded",
        _write_safetensors_shards,
        ("model.safetensors.index.json", "model-1.safetensors", "model-2.safetensors"),
        checked=False,
    ),
    Kind("pytorch, zip", _write_torch_zip, ("pytorch_model.bin",), checked=True),
    Kind("pytorch, row", _write_torch_row, ("pytorch_model.bin",), checked=False),
    Kind(
        "pytorch, sharded",
        _write_torch_shards,
        ("pytorch_model.bin.index.json", "pytorch_model-1.bin", "pytorch_model-2.bin"),
        checked=True,
    ),
    Kind("onnx", _copy("tiny-onnx/torchscript"), ("model.onnx",), checked=False),
    Kind(
        "onnx, external data",
        _copy("tiny-onnx/dynamo"),
        ("onnx/model.onnx", "onnx/model.onnx.data"),
        checked=False,
    ),
    Kind(
        "tensorflow checkpoint",
        _copy("tiny-tensorflow/release"),
        (
            "bert_model.ckpt.index",
            "bert_model.ckpt.data-00000-of-00002",
            "bert_model.ckpt.data-00001-of-00002",
        ),
        checked=True,
    ),
    Kind(
        "tensorflow saved model",
        _copy("tiny-tensorflow/tuned"),
        ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"),
        checked=True,
    ),
    Kind(
        "bundle",
        _write_bundle,
        ("bertie.json", "model.safetensors"),
        checked=False,
        read=read_bundle,
    ),
    Kind(
        "bundle, hashes compared",
        _write_bundle,
        ("bertie.json", "model.safetensors", "config.json", "vocab.txt"),
        checked=True,
        read=read_whole_bundle,
    ),
)
