"""A checkpoint in every format that some engine wants; run as a script, for it needs much memory.

    PYTHONPATH=benchmarks python benchmarks/comparison/formats.py CHECKPOINT WORK FORMAT...

With --tokenizer, a CHECKPOINT that isn't there is made: a shape of checkpoints.py, which --shape
names, with random weights, and that model's tokenizer.
"""

import argparse
import inspect
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from comparison.checkpoints import BERT_BASE, SHAPES, write_checkpoint, write_shape

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_LONGEST = 256  # tokens; MiniLM's own limit, for BERT-base too


def make_onnx(checkpoint: Path, target: Path) -> None:
    """Export the encoder, hidden states as its output, to standard ONNX operators.

    By tracing, with attention written out: that is the graph which ONNX Runtime's optimizer knows.
    """
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(checkpoint, attn_implementation="eager").eval()
    # Not every model takes token types.
    given = 3 if "token_type_ids" in inspect.signature(model.forward).parameters else 2

    class Encoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            hidden: torch.Tensor = self.model(**dict(zip(INPUTS[:given], inputs, strict=True)))[0]
            return hidden

    ids = torch.full((2, 16), 1000)
    mask = torch.ones_like(ids)
    mask[1, 10:] = 0
    torch.onnx.export(
        Encoder(),
        (ids, mask, torch.zeros_like(ids))[:given],
        str(target),
        input_names=list(INPUTS[:given]),
        output_names=["hidden"],
        dynamic_axes={name: {0: "batch", 1: "tokens"} for name in (*INPUTS[:given], "hidden")},
        opset_version=17,
        dynamo=False,
    )


def make_fused(checkpoint: Path, target: Path) -> None:
    """Fuse attention, LayerNorm with its residual, GELU with its bias, the embeddings' sum."""
    from onnxruntime.transformers.optimizer import optimize_model

    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    fused = optimize_model(
        str(target.with_name("model.onnx")),
        model_type="bert",
        num_heads=config["num_attention_heads"],
        hidden_size=config["hidden_size"],
        opt_level=0,
    )
    counts = fused.get_fused_operator_statistics()
    layers = config["num_hidden_layers"]
    for operator, expected in (("Attention", layers), ("SkipLayerNormalization", 2 * layers)):
        if counts[operator] != expected:
            raise SystemExit(f"{counts[operator]} {operator} were fused, expected {expected}")
    fused.save_model_to_file(str(target))


def make_quantized(_: Path, target: Path) -> None:
    """Quantize the fused graph: weights per channel, activations as they come."""
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        target.with_name("fused.onnx"),
        target,
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},  # of the fused operators' outputs
    )


def make_plain_quantized(_: Path, target: Path) -> None:
    """Quantize the graph as it is, for shapes that ONNX Runtime's optimizer knows nothing of."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph = target.with_name("model.onnx")
    quantize_dynamic(graph, target, per_channel=True, weight_type=QuantType.QInt8)


def make_ctranslate2(checkpoint: Path, target: Path) -> None:
    """Convert to CTranslate2's format, int8."""
    from ctranslate2.converters import TransformersConverter

    TransformersConverter(str(checkpoint)).convert(str(target), quantization="int8", force=True)


# What each format is called, how it is made, and from which other one.
FORMATS: Mapping[str, tuple[Callable[[Path, Path], None], str | None]] = {
    "model.onnx": (make_onnx, None),
    "fused.onnx": (make_fused, "model.onnx"),
    "int8.onnx": (make_quantized, "fused.onnx"),
    "plain-int8.onnx": (make_plain_quantized, "model.onnx"),
    "ctranslate2-int8": (make_ctranslate2, None),
}


def make(checkpoint: Path, work: Path, format: str) -> None:
    """Make one format unless it is there."""
    function, base = FORMATS[format]
    if (work / format).exists():
        return
    if base is not None:
        make(checkpoint, work, base)
    function(checkpoint, work / format)


def main(arguments: Any = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("formats", nargs="*", choices=[*FORMATS, []])
    parser.add_argument("--tokenizer", type=Path)
    parser.add_argument("--shape", choices=["bert-base", *SHAPES], default="bert-base")
    args = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    args.work.mkdir(parents=True, exist_ok=True)
    if args.tokenizer is not None and not args.checkpoint.exists():
        if args.shape in SHAPES:
            write_shape(args.checkpoint, args.shape, args.tokenizer, _LONGEST)
        else:
            write_checkpoint(args.checkpoint, BERT_BASE, args.tokenizer, _LONGEST)
    for format in args.formats:
        make(args.checkpoint, args.work, format)


if __name__ == "__main__":
    main()
