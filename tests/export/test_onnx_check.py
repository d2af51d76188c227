"""The check of an ONNX file against the core: what it accepts, and that it refuses."""

import sys
from pathlib import Path

import numpy as np
import pytest

from bertie.checkpoint.config import EncoderConfig
from bertie.engine.encoder import Encoder
from bertie.errors import CheckpointError, ExtraMissing
from bertie.export import onnx_check
from bertie.export.onnx_check import check_model, longest, sample
from bertie.export.onnx_encoder import add_encoder
from bertie.export.onnx_file import write_model
from bertie.export.onnx_net import Net
from bertie.export.onnx_outputs import HIDDEN, add_hidden
from bertie.tokenize import Tokenizer

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def written(tmp_path: Path, tiny, tiny_tensors) -> Path:
    """The tiny BERT as ONNX."""
    net = Net()
    add_hidden(net, add_encoder(net, tiny.config, tiny_tensors)[-1], tiny.config.hidden_size)
    write_model(net, tmp_path / "model.onnx", "0")
    return tmp_path / "model.onnx"


def test_the_sample_has_short_texts_none_pairs_and_the_longest(tiny_bert: Path) -> None:
    packed = sample(Tokenizer.load(tiny_bert), 64)
    assert packed.lengths.min() == 2
    assert packed.lengths.max() == 64
    assert packed.type_ids.any()
    assert packed.lengths.sum() == len(packed.ids)


def test_a_true_file_passes_and_a_false_one_is_refused(
    written: Path, tiny, tiny_tensors, tiny_bert: Path
) -> None:
    encoder = Encoder(tiny.config, tiny_tensors)
    packed = sample(Tokenizer.load(tiny_bert), tiny.config.positions)

    def check(off: float):
        return check_model(
            written, packed, 0, (HIDDEN,), lambda *batch: {HIDDEN: encoder.forward(*batch) + off}
        )

    found = check(0)
    assert 0 < found.max_difference < 1e-5  # float32
    assert (found.sequences, found.tokens) == (len(packed.lengths), len(packed.ids))
    assert found.runtime.startswith("onnxruntime ")
    with pytest.raises(
        CheckpointError, match=r"last_hidden_state differ .* by up to 0\.\d+ of its largest"
    ):
        check(0.5)
    with pytest.raises(CheckpointError, match="by up to nan of its largest number, expected"):
        check(np.nan)


def test_what_is_no_number_in_one_batch_alone_is_refused(
    written: Path, tiny, tiny_tensors, tiny_bert: Path
) -> None:
    encoder = Encoder(tiny.config, tiny_tensors)
    packed = sample(Tokenizer.load(tiny_bert), tiny.config.positions)

    def expected(ids, type_ids, lengths):
        short = lengths.max() < tiny.config.positions
        return {HIDDEN: encoder.forward(ids, type_ids, lengths) * (np.nan if short else 1)}

    with pytest.raises(CheckpointError, match="by up to nan of its largest number"):
        check_model(written, packed, 0, (HIDDEN,), expected)


@pytest.mark.parametrize(
    ("model_type", "keys", "tokens"),
    [
        ("bert", {"max_position_embeddings": 512}, 512),
        ("eurobert", {"max_position_embeddings": 8192}, 1024),
        ("modernbert", {"local_attention": 3000}, 1500 + 64),
        ("nomic_bert", {"rotary_scaling_factor": 2.0, "max_trained_positions": 1500}, 1500 + 64),
        ("nomic_bert", {"rotary_scaling_factor": 2.0, "max_trained_positions": 5000}, 1024),
    ],
)
def test_the_longest_sequence_is_beyond_what_layers_see_but_bounded(
    model_type: str, keys: dict[str, float], tokens: int
) -> None:
    sizes = {
        "vocab_size": 101,
        "hidden_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 6,
        "intermediate_size": 50,
    }
    config = EncoderConfig.from_dict({"model_type": model_type, **sizes, **keys}, where="here")
    assert longest(config) == tokens


def test_long_sequences_run_two_at_a_time() -> None:
    lengths = np.array([3, 9, 4096, 512, 5, 6, 7, 8, 2, 1024], np.int32)
    found = [lengths[chosen].tolist() for chosen in onnx_check._batches(lengths)]
    assert found == [[4096, 1024], [512, 9, 8, 7, 6, 5, 3, 2]]


def test_a_file_that_cannot_be_run_is_a_checkpoint_error(written: Path, tiny_bert: Path) -> None:
    packed = sample(Tokenizer.load(tiny_bert), 64)
    written.write_bytes(written.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"model.onnx: onnxruntime can't run it"):
        check_model(written, packed, 0, (HIDDEN,), lambda *batch: {})


def test_without_onnxruntime_the_pip_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from bertie.export.onnx_check import require_runtime
    from bertie.export.onnx_net import import_onnx

    require_runtime()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'bertie\[onnx\]'"):
        require_runtime()
    monkeypatch.setitem(sys.modules, "onnx.helper", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'bertie\[onnx\]'"):
        import_onnx()
