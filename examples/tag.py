"""Mark people, places and other names in a text.

Run it: python examples/tag.py MODEL
MODEL tags words, such as what examples/finetune/wnut17.py writes.
"""

import sys

import bertie

TEXT = (
    "Ada Lovelace met Charles Babbage in London in June 1833. Her mother, Lady Byron, took her"
    " from Mayfair to his house in Marylebone, where a part of the Difference Engine stood. Ten"
    " years later she translated an article from Geneva, and Richard Taylor printed it with notes"
    " of her own, three times as long."
)

model = bertie.load(sys.argv[1], task="tag")
spans = model.tag(TEXT)

for span in spans:
    print(f"{span.start:>4} to {span.end:<4} {span.score:.3f}  {span.label:<15} {span.text}")

marked = TEXT
for span in reversed(spans):  # from the back, so that the places before it stay
    marked = f"{marked[: span.start]}[{span.text}]{marked[span.end :]}"
print(f"\n{marked}")
