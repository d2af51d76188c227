"""Compare seven sentences: one with the rest, then each with each.

Run it: python examples/similarity.py
"""

import bertie

SENTENCES = [
    "The ferry to the island leaves at noon.",
    "Boats depart for the isle at twelve o'clock.",
    "She missed the last train home.",
    "The bakery on the corner sells rye bread.",
    "Fresh loaves are baked there every morning.",
    "Rain is expected over the coast tonight.",
    "My phone's battery is empty again.",
]

model = bertie.load("minilm")
vectors = model.embed(SENTENCES)
similarity = vectors @ vectors.T  # the model's vectors have length one, so these are cosines

print(f"How close is each to {SENTENCES[0]!r}?\n")
for row in similarity[0].argsort()[::-1]:
    if row != 0:
        print(f"  {similarity[0, row]:+.3f}  {SENTENCES[row]}")

print("\nEach with each:\n")
print(" " * 4 + "".join(f"{column + 1:>7}" for column in range(len(SENTENCES))))
for row, scores in enumerate(similarity):
    print(f"{row + 1:>4}" + "".join(f"{score:>7.2f}" for score in scores))
