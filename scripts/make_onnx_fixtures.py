"""Make tests/data/tiny-onnx: the tiny BERT's first layer as both exporters of torch write it.

Needs torch, transformers, onnx and onnxscript, none of which the tests need:

    python scripts/make_onnx_fixtures.py

The directories lie as optimum and Hugging Face's repositories have them: `torchscript` beside its
config, `dynamo` in a folder `onnx` with the weights in a file of their own.
"""

import json
import shutil
import warnings
from pathlib import Path

import onnx
import torch
from transformers import BertModel

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
OPSET = {"torchscript": 14, "dynamo": 18}
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUTS = ("last_hidden_state", "pooler_output")


class Wrapped(torch.nn.Module):
    """A model that gives a plain tuple, as optimum's wrapper does."""

    def __init__(self, model: BertModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids, mask, types):
        output = self.model(input_ids=ids, attention_mask=mask, token_type_ids=types)
        return output.last_hidden_state, output.pooler_output


def first_layer() -> BertModel:
    """Load the tiny BERT without its other layers, so that the files stay small."""
    model = BertModel.from_pretrained(DATA / "tiny-bert", attn_implementation="eager").eval()
    model.encoder.layer = model.encoder.layer[:1]
    return model


def export(model: BertModel, exporter: str, path: Path) -> None:
    """Run one of torch's exporters, and leave out what only people read."""
    path.parent.mkdir(parents=True)
    ids = torch.randint(5, 100, (2, 9))
    given = (ids, torch.ones_like(ids), ids % 2)
    axes = {name: {0: "batch", 1: "sequence"} for name in (*INPUTS, OUTPUTS[0])}
    dynamic = tuple({0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")} for _ in given)
    torch.onnx.export(
        Wrapped(model),
        given,
        path,
        input_names=INPUTS,
        output_names=OUTPUTS,
        opset_version=OPSET[exporter],
        dynamo=exporter == "dynamo",
        **({"dynamic_shapes": dynamic} if exporter == "dynamo" else {"dynamic_axes": axes}),
    )
    model_proto = onnx.load(path, load_external_data=False)
    del model_proto.graph.value_info[:], model_proto.graph.metadata_props[:]
    for node in model_proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.save(model_proto, path)


def main() -> None:
    """Replace the fixture directories."""
    warnings.simplefilter("ignore")
    top = DATA / "tiny-onnx"
    shutil.rmtree(top, ignore_errors=True)
    model = first_layer()
    config = json.loads((DATA / "tiny-bert" / "config.json").read_text())
    for exporter, folder in (("torchscript", "."), ("dynamo", "onnx")):
        export(model, exporter, top / exporter / folder / "model.onnx")
        text = json.dumps({**config, "num_hidden_layers": 1}, indent=2)
        (top / exporter / "config.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
