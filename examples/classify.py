"""Say whether film reviews are good or bad, surest first.

Run it: python examples/classify.py MODEL
MODEL has a classifier, such as what examples/finetune/sst2.py writes.
"""

import sys

import bertie

REVIEWS = [
    "A quiet, lovely film that trusts its actors and its audience.",
    "Two hours of noise, and I could not tell you what it was about.",
    "The ending is predictable, but the journey there is a delight.",
    "It wants to be clever and settles for being loud.",
    "I left the cinema grinning like a child.",
    "The script is so flat that even the jokes apologise for themselves.",
]

model = bertie.load(sys.argv[1], task="classify")
best = [labels[0] for labels in model.classify(REVIEWS)]

for found, review in sorted(zip(best, REVIEWS, strict=True), key=lambda pair: -pair[0].score):
    print(f"{found.score:.3f}  {found.label:<10}  {review}")
