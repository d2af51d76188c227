"""Put the sentences of a story back in order: each time the one that follows best.

Run it: python examples/next_sentence.py [MODEL]
MODEL tells whether a sentence follows another; bert-base-uncased unless said otherwise.
"""

import sys

import bertie

FIRST = "On Monday the library's lift stopped between two floors."
REST = [
    "He found a child's shoe between the doors and took it out.",
    "The caretaker pressed every button, and nothing moved.",
    "It has been running since, and the shoe is waiting at the front desk.",
    "So he called the company, which sent a mechanic in the afternoon.",
]

model = bertie.load(*(sys.argv[1:] or ["bert-base-uncased"]), task="next_sentence")

print(f"       {FIRST}")
told, left = FIRST, list(REST)
while left:
    follows = model.next_sentence(told, left)
    best = int(follows.argmax())
    told = left.pop(best)
    print(f"{follows[best]:.3f}  {told}")
