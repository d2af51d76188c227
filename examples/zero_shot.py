"""Sort captions of pictures by topics that no model was trained on.

Run it: python examples/zero_shot.py MODEL [topic ...]
MODEL judges whether a sentence follows from another, such as what examples/finetune/sick.py writes.
"""

import sys

import bertie

CAPTIONS = [
    "A man in an apron is slicing onions and putting them into a pan.",
    "Two girls are standing on a stage with a violin and a flute.",
    "A boy in a red shirt is kicking a ball past the goalkeeper.",
    "A woman is throwing a stick, and her dog is running after it.",
]
TOPICS = sys.argv[2:] or ["cooking", "making music", "playing football", "playing with an animal"]

model = bertie.load(sys.argv[1], task="zero_shot")
found = model.zero_shot(CAPTIONS, TOPICS, hypothesis="A person is {}.")

for caption, labels in zip(CAPTIONS, found, strict=True):
    print(caption)
    for label in labels:
        print(f"  {label.score:.3f}  {label.label}")
