"""Search the questions of examples/faq.csv token by token, as ColBERT does.

Run it: python examples/multi_vector.py MODEL ["a question of your own" ...]
MODEL is a ColBERT, such as colbert-ir/colbertv2.0.
"""

import sys
from pathlib import Path

import bertie
from bertie.tables import read
from bertie.tasks.multivector import maxsim

QUERIES = sys.argv[2:] or ["my little boy does not like books", "somewhere peaceful to learn"]

faq = Path(__file__).parent / "faq.csv"
questions = [str(row.fields["text"]) for row in read(faq, column="text")]
model = bertie.load(sys.argv[1], task="multivector")
documents = model.embed_multi(questions)  # a matrix each, a row for each token
print(f"{len(questions)} questions, {sum(map(len, documents))} vectors of {model.dimensions}")

for query, vectors in zip(QUERIES, model.embed_multi(QUERIES, kind="query"), strict=True):
    scores = [maxsim(vectors, document) for document in documents]
    print(f"\n{query}")
    for row in sorted(range(len(scores)), key=lambda row: -scores[row])[:3]:
        print(f"  {scores[row]:7.3f}  {questions[row]}")
