"""Compare Bertie's float32 with transformers and sentence-transformers on real texts.

    python scripts/compare_transformers.py MODEL DATA

MODEL is a directory in sentence-transformers' layout; DATA has stsb/stsb-en-dev.csv (sentence,
sentence, score) and cranfield/cran.all.1400. Needs torch, transformers and sentence-transformers.
Exits with 1 when a tolerance doesn't hold.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from similarity import Floats, read_abstracts, read_pairs, spearman

import bertie

# The largest absolute differences that float32 may have.
HIDDEN_TOLERANCE = 1e-4
EMBEDDING_TOLERANCE = 1e-5

SENTENCES = 1000
LONG_TEXTS = 200


def hidden_states(model: bertie.Embedder, text: str) -> tuple[Floats, NDArray[np.int32]]:
    """Give the last hidden states of one text, and its token ids."""
    packed = model.tokenizer.encode_batch([text], max_length=model.max_length)
    return model.encoder.forward(packed.ids, packed.type_ids, packed.lengths), packed.ids


@torch.no_grad()
def compare_hidden(
    ours: bertie.Embedder, theirs: SentenceTransformer, texts: list[str]
) -> tuple[float, int]:
    """Find the largest difference of hidden states, and count texts whose token ids differ."""
    worst, differing = 0.0, 0
    network = theirs[0].auto_model
    for text in texts:
        hidden, ids = hidden_states(ours, text)
        features = theirs.tokenizer(
            text, truncation=True, max_length=ours.max_length, return_tensors="pt"
        )
        if features["input_ids"][0].tolist() != ids.tolist():
            differing += 1
            continue
        expected = network(**features).last_hidden_state[0].numpy()
        worst = max(worst, float(np.abs(hidden - expected).max()))
    return worst, differing


def main() -> int:
    """Print every figure and tell whether all hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    arguments = parser.parse_args()
    ours = bertie.load(arguments.model, precision="float32")
    theirs = SentenceTransformer(str(arguments.model), device="cpu")
    left, right, scores = read_pairs(arguments.data / "stsb/stsb-en-dev.csv")
    sentences = list(dict.fromkeys(left + right))[:SENTENCES]
    found = read_abstracts(arguments.data / "cranfield/cran.all.1400")
    abstracts = sorted(found, key=len, reverse=True)[:LONG_TEXTS]

    holds = True
    for name, texts in (("STS-B sentences", sentences), ("Cranfield abstracts", abstracts)):
        hidden, differing = compare_hidden(ours, theirs, texts)
        with warnings.catch_warnings(action="ignore", category=bertie.TruncationWarning):
            found = ours.embed(texts)
        embeddings = float(np.abs(found - theirs.encode(texts)).max())
        holds &= hidden <= HIDDEN_TOLERANCE and embeddings <= EMBEDDING_TOLERANCE and not differing
        print(
            f"{len(texts)} {name}: hidden states within {hidden:.2e} (allowed"
            f" {HIDDEN_TOLERANCE:.0e}), embeddings within {embeddings:.2e} (allowed"
            f" {EMBEDDING_TOLERANCE:.0e}), {differing} with other token ids"
        )

    def similarity(a: Floats, b: Floats) -> Floats:
        return np.einsum("ij,ij->i", a, b)

    our_figure = spearman(similarity(ours.embed(left), ours.embed(right)), scores)
    their_figure = spearman(similarity(theirs.encode(left), theirs.encode(right)), scores)
    holds &= f"{our_figure:.3f}" == f"{their_figure:.3f}"
    print(
        f"{len(scores)} STS-B pairs: Spearman {our_figure:.5f},"
        f" sentence-transformers {their_figure:.5f}"
    )
    print("all hold" if holds else "NOT all hold")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
