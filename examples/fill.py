"""Fill in missing words, and see which of two spellings is likelier.

Run it: python examples/fill.py [MODEL]
MODEL was trained to fill masks; bert-base-uncased unless said otherwise.
"""

import sys

import bertie

SENTENCES = [
    "The ferry to the island leaves at {}.",
    "Fresh {} is baked there every {}.",
    "She read the {} twice before she answered it.",
]
SPELLINGS = ["They sell there books.", "They sell their books."]

model = bertie.load(*(sys.argv[1:] or ["bert-base-uncased"]), task="fill")

for sentence in SENTENCES:
    text = sentence.replace("{}", model.mask_token)
    print(text)
    for fillings in model.fill(text, top_k=4):
        print("  " + ", ".join(f"{filling.token} {filling.score:.3f}" for filling in fillings))

print("\nWhich is likelier?")
for spelling, found in zip(SPELLINGS, model.score(SPELLINGS), strict=True):
    print(f"  perplexity {found.perplexity:>10.1f}  {spelling}")
