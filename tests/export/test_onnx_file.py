"""Files that the ONNX writer streams: whole protocol buffers, with weights inside or beside."""

from pathlib import Path

import numpy as np
import pytest

from bertie.checkpoint.onnx_model import read_graph
from bertie.export import onnx_file
from bertie.export.onnx_file import add_metadata, write_model
from bertie.export.onnx_net import FLOAT, Net

onnx = pytest.importorskip("onnx")

LARGE = np.arange(30_000, dtype=np.float32).reshape(3, -1)


def net() -> Net:
    """A graph of a small and a large weight."""
    made = Net()
    x = made.array("large", LARGE, FLOAT)
    made.output(made.add("Mul", x, made.constant(2.0)), "y", LARGE.shape)
    return made


@pytest.mark.parametrize("external", [False, True, None])
def test_a_file_reads_in_the_onnx_package_and_in_ours(external: bool, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    files = write_model(net(), path, "7", external=external)
    assert [f.name for f in files] == ["model.onnx", *(["model.onnx.data"] if external else [])]
    assert list(files) == sorted(tmp_path.iterdir())
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path)
    assert (model.producer_name, model.producer_version) == ("bertie", "7")
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    theirs = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    ours = {name: t.float32() for name, t in read_graph(path).initializers.items() if t}
    assert theirs.keys() == ours.keys()
    assert all(np.array_equal(theirs[name], ours[name]) for name in ours)
    assert np.array_equal(ours["large"], LARGE)


def test_external_data_begins_at_a_page(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    write_model(net(), path, "7", external=True)
    model = onnx.load(path, load_external_data=False)
    (large,) = [t for t in model.graph.initializer if t.name == "large"]
    places = {entry.key: entry.value for entry in large.external_data}
    assert places["location"] == "model.onnx.data"
    assert int(places["offset"]) % 4096 == 0
    assert int(places["length"]) == LARGE.nbytes


def test_weights_that_one_file_cannot_hold_go_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_file, "LARGEST", LARGE.nbytes)
    assert len(write_model(net(), tmp_path / "model.onnx", "7")) == 2
    monkeypatch.setattr(onnx_file, "LARGEST", LARGE.nbytes + 100)
    assert len(write_model(net(), tmp_path / "other.onnx", "7")) == 1


def test_metadata_is_added_to_a_written_file(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    write_model(net(), path, "7")
    add_metadata(path, {"check": "1e-6", "long": "é" * 200})
    model = onnx.load(path)
    assert {p.key: p.value for p in model.metadata_props} == {"check": "1e-6", "long": "é" * 200}
    assert len(model.graph.node) == 2
