"""Search the questions of examples/faq.csv by meaning.

Run it: python examples/semantic_search.py ["a question of your own" ...]
"""

import sys
from pathlib import Path

import bertie
from bertie.search import Corpus
from bertie.tables import read

QUERIES = sys.argv[1:] or [
    "I brought my novel back too late, is that expensive?",
    "somewhere peaceful to learn for an exam",
    "my little boy does not like books",
]

rows = read(Path(__file__).parent / "faq.csv", column="text")
corpus = Corpus(rows, column="text", model=bertie.load("minilm"))

for query in QUERIES:
    print(f"\n{query}")
    for hit in corpus.search(query, k=3):
        print(f"  {hit.score:.3f}  {hit.row.fields['text']}")
        print(f"         {hit.row.fields['answer']}")
