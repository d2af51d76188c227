"""Rank a library's answers by how well they fit a question, each pair read together.

Run it: python examples/rank.py MODEL ["a question of your own" ...]
MODEL is a cross-encoder, such as cross-encoder/ms-marco-MiniLM-L6-v2.
"""

import sys
from pathlib import Path

import bertie
from bertie.tables import read

QUESTIONS = sys.argv[2:] or ["What does a lost card cost me?", "May I bring my dog?"]

faq = Path(__file__).parent / "faq.csv"
answers = [str(row.fields["answer"]) for row in read(faq, column="answer")]
model = bertie.load(sys.argv[1], task="rank")

for question in QUESTIONS:
    print(f"\n{question}")
    for found in model.rank(question, answers, top_k=3):
        print(f"  {found.score:.3f}  {answers[found.index]}")
