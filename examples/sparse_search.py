"""Search the questions of examples/faq.csv by the words that they mean, and see which words met.

Run it: python examples/sparse_search.py MODEL ["a question of your own" ...]
MODEL is a SPLADE, such as naver/splade-cocondenser-ensembledistil.
"""

import sys
from pathlib import Path

import numpy as np

import bertie
from bertie.tables import read

QUERIES = sys.argv[2:] or ["my little boy does not like books", "somewhere peaceful to learn"]

faq = Path(__file__).parent / "faq.csv"
questions = [str(row.fields["text"]) for row in read(faq, column="text")]
model = bertie.load(sys.argv[1], task="sparse")
matrix = model.csr(model.embed_sparse(questions))  # (questions, vocabulary)

for query in QUERIES:
    vector = model.embed_sparse(query)
    scores = (matrix @ model.csr([vector]).T).toarray()[:, 0]
    print(f"\n{query}")
    for row in np.argsort(-scores, kind="stable")[:3]:
        print(f"  {scores[row]:7.3f}  {questions[row]}")
        weights = dict(model.tokens(model.embed_sparse(questions[row])))
        met = [token for token, _ in model.tokens(vector) if token in weights]
        print(f"           by {', '.join(met[:6])}")
