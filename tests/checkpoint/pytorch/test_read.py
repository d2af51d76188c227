"""Files that torch wrote read as torch wrote them, and others are refused."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from bertie.checkpoint.pytorch import read_pytorch
from bertie.checkpoint.safetensors import read_safetensors
from bertie.checkpoint.tensor import FLOAT_DTYPES, Tensor
from bertie.checkpoint.weights import read_weights, weight_files
from bertie.errors import CheckpointError
from bertie.loading.load import load
from tests.torch_files import (
    archive,
    called,
    named,
    number,
    pickled,
    row,
    state,
    storage,
    tensor,
    text,
)

SHARED = Path(__file__).parents[4] / "shared/models"


def same(read: Tensor, expected: Tensor) -> bool:
    """Tell whether two tensors are of one type and shape and have the same bits."""
    if (read.dtype, read.shape) != (expected.dtype, expected.shape):
        return False
    if read.strides is None:
        return bool(read.data.tobytes() == expected.data.tobytes())
    if read.dtype not in FLOAT_DTYPES:
        return bool(np.array_equal(elements(read), elements(expected)))
    return bool(np.array_equal(read.float32(), expected.float32()))


def elements(read: Tensor) -> np.ndarray:
    """Give a tensor of 16-bit numbers that may have strides."""
    values = read.data.view("<u2")
    steps = None if read.strides is None else tuple(2 * stride for stride in read.strides)
    return np.ndarray(read.shape, values.dtype, values, 0, steps)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("zip", "kinds"), ("row", "kinds"), ("protocol4", "kinds"), ("new", "new")],
)
def test_every_type_and_every_view_reads_as_torch_saved_it(
    torch_data: Path, name: str, expected: str
) -> None:
    read = read_pytorch(torch_data / f"{name}.bin")
    wanted = read_safetensors(torch_data / f"{expected}.safetensors")
    assert read.keys() == wanted.keys()
    for key, found in read.items():
        assert same(found, wanted[key]), key
        assert not found.data.flags.writeable


def test_tied_tensors_share_their_data_and_views_their_storage(torch_data: Path) -> None:
    read = read_pytorch(torch_data / "zip.bin")
    assert np.shares_memory(read["whole"].data, read["tied"].data)
    assert read["transposed"].strides == (1, 8)
    assert read["column"].strides == (8,)
    assert read["one"].strides is None
    assert read["row"].offset == read["whole"].offset + 3 * 8 * 4


def test_a_trainers_file_gives_its_state_dict_alone(torch_data: Path) -> None:
    read = read_pytorch(torch_data / "trainer.bin")
    assert {name: tensor.float32().tolist() for name, tensor in read.items()} == {"a": [1, 1]}


def test_a_whole_module_is_refused_by_its_class(torch_data: Path) -> None:
    match = (
        "module.bin: data.pkl: .* it names 'torch.nn.modules.linear.Linear', which .* state_dict"
    )
    with pytest.raises(CheckpointError, match=match):
        read_pytorch(torch_data / "module.bin")


@pytest.mark.parametrize(
    ("pushed", "message"),
    [
        (b"N", "holds a NoneType, expected tensors by name: save the model's state_dict"),
        (b"]", "holds a list, expected tensors by name"),
        (b"}", "holds a dict of nothing, expected tensors by name"),
        (state({"epoch": number(3), "model": b"}"}), "holds a dict of 'epoch', 'model', expected"),
        (tensor(storage("0", 1), 0, (1,), (1,)), "holds a StoredTensor, expected tensors by name"),
        (
            state({"a\n": tensor(storage("0", 1), 0, (1,), (1,))}),
            r"tensor 'a\\n': the name can't be printed",
        ),
        (
            state({"a": tensor(storage("0", 1), 1, (1,), (1,))}),
            r"tensor a of shape \(1,\) and strides \(1,\) from element 1 on doesn't fit",
        ),
        (state({"a": called(named("os", "system"), text("true"))}), "it names 'os.system'"),
    ],
)
@pytest.mark.parametrize("save", [archive, row])
def test_what_is_no_state_dict_is_refused(
    tmp_path: Path, save, pushed: bytes, message: str
) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(save(pickled(pushed), {"0": bytes(4)} if b"storage" in pushed else {}))
    with pytest.raises(CheckpointError, match=rf"^pytorch_model.bin.* {message}"):
        read_pytorch(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; fetch the file again"),
        (b"version https://git-lfs", r"begins with b'version https://', which torch.save doesn't"),
        (bytes(257) + b"ustar" + bytes(250), "is a tar archive as torch wrote them before 2017"),
    ],
)
def test_what_torch_does_not_write_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"^pytorch_model.bin {message}"):
        read_pytorch(path)


def test_a_file_that_cannot_be_read_is_a_checkpoint_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"x.bin can't be read: No such file"):
        read_pytorch(tmp_path / "x.bin")


def test_a_directory_has_one_file_or_shards_of_either_layout(
    torch_data: Path, tmp_path: Path
) -> None:
    shutil.copy(torch_data / "zip.bin", tmp_path / "pytorch_model-1.bin")
    shutil.copy(torch_data / "row.bin", tmp_path / "pytorch_model-2.bin")
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(
        '{"weight_map": {"row": "pytorch_model-1.bin", "column": "pytorch_model-2.bin"}}'
    )
    read = read_weights(tmp_path)
    assert [path.name for path in weight_files(tmp_path)] == [
        "pytorch_model.bin.index.json",
        "pytorch_model-1.bin",
        "pytorch_model-2.bin",
    ]
    assert read["row"].float32().tolist() == list(range(24, 32))
    assert read["column"].float32().tolist() == [2, 10, 18, 26, 34]
    shutil.copy(torch_data / "trainer.bin", tmp_path / "pytorch_model.bin")
    assert list(read_weights(tmp_path)) == ["a"]
    safetensors.numpy.save_file({"b": np.ones(1)}, tmp_path / "model.safetensors")
    assert list(read_weights(tmp_path)) == ["b"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/models")
@pytest.mark.parametrize("name", ["rxnfp-bert_ft", "rxnfp-bert_pretrained"])
def test_a_real_file_reads_as_torch_reads_it(name: str) -> None:
    torch = pytest.importorskip("torch")
    path = SHARED / name / "pytorch_model.bin"
    read, expected = read_pytorch(path), torch.load(path, weights_only=True, map_location="cpu")
    assert list(read) == list(expected)
    for key, found in read.items():
        assert np.array_equal(
            found.float32().view(np.uint32), expected[key].numpy().view(np.uint32)
        )


def test_a_model_has_one_fingerprint_whatever_its_weights_are_saved_as(
    bert: Path, torch_data: Path
) -> None:
    expected = load(bert, precision="float32")
    fingerprint, vector = expected.fingerprint, expected.embed("the river")
    (bert / "model.safetensors").unlink()
    shutil.copy(torch_data / "tiny-bert.bin", bert / "pytorch_model.bin")
    model = load(bert, precision="float32")
    assert model.fingerprint == fingerprint
    assert np.array_equal(model.embed("the river"), vector)


# How chemists split reactions in SMILES: Schwaller et al., arXiv:1811.02633.
SMILES = re.compile(
    r"\[[^\]]+\]|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p|\(|\)|\.|=|#|-|\+|\\|/|:|~|@|\?|>>?|\*|\$|%\d\d|\d"
)
REACTION = (
    "Nc1cccc2cnccc12.O=C(O)c1cc([N+](=O)[O-])c(Sc2c(Cl)cncc2Cl)s1"
    ">>O=C(Nc1cccc2cnccc12)c1cc([N+](=O)[O-])c(Sc2c(Cl)cncc2Cl)s1"
)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/models")
def test_a_model_of_reactions_gives_the_vector_that_its_authors_print() -> None:
    model = load(SHARED / "rxnfp-bert_ft", pooling="cls", lower=False, precision="float32")
    vector = model.embed(SMILES.findall(REACTION), split_words=True)
    printed = [-2.01749540, 1.76020336, -1.33235371, -1.10950196, 1.22545493]
    assert vector[:5] == pytest.approx(printed, abs=1e-5)
