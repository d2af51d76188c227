"""Make tests/data/tiny-heads: what sentence-transformers' sparse and multi-vector encoders give.

Needs torch, transformers and sentence-transformers (6 or later), none of which the tests need:

    PYTHONPATH=. python scripts/make_head_fixtures.py

The checkpoints are the tiny BERT (scripts/make_fixtures.py) with the heads of tests/tasks/heads.py;
the heads' weights are stored with the outputs, so that no random generator has to stay as it is.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import safetensors.numpy
from sentence_transformers import MultiVectorEncoder, SparseEncoder
from sentence_transformers.sparse_encoder import modules

from tests.frameworks import TEXTS
from tests.tasks.heads import add_fill_head, add_projection

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"


def added(directory: Path) -> dict[str, np.ndarray]:
    """Find a head's weights, by name: those that the tiny BERT doesn't have."""
    before = safetensors.numpy.load_file(DATA / "tiny-bert" / "model.safetensors")
    after = safetensors.numpy.load_file(directory / "model.safetensors")
    return {f"weights/{name}": after[name] for name in after if name not in before}


def sparse(directory: Path) -> dict[str, np.ndarray]:
    """Run SPLADE: (texts, vocabulary)."""
    add_fill_head(directory)
    model = SparseEncoder(
        modules=[modules.MLMTransformer(str(directory)), modules.SpladePooling("max")],
        device="cpu",
    )
    vectors = model.encode(TEXTS, convert_to_sparse_tensor=False).numpy()
    return {"texts": np.array(TEXTS), "vectors": vectors, **added(directory)}


def multivector(directory: Path) -> dict[str, np.ndarray]:
    """Run ColBERT over queries and documents: (tokens of all texts, dimensions) and counts."""
    add_projection(directory)
    model = MultiVectorEncoder(str(directory), device="cpu")
    outputs = {"texts": np.array(TEXTS), **added(directory)}
    for kind, encode in (("query", model.encode_query), ("document", model.encode_document)):
        vectors = [np.asarray(rows) for rows in encode(TEXTS)]
        outputs[kind] = np.concatenate(vectors)
        outputs[f"{kind}_tokens"] = np.array([len(rows) for rows in vectors])
    return outputs


def main() -> None:
    """Replace the fixture directory."""
    made = DATA / "tiny-heads"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    for make in (sparse, multivector):
        with tempfile.TemporaryDirectory() as scratch:
            directory = Path(shutil.copytree(DATA / "tiny-bert", Path(scratch) / "bert"))
            np.savez_compressed(made / f"{make.__name__}.npz", **make(directory))


if __name__ == "__main__":
    main()
