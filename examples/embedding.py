"""Turn sentences into vectors.

Run it: python examples/embedding.py
"""

import bertie

model = bertie.load("minilm")
vectors = model.embed(["The kettle is boiling.", "Tea is nearly ready."])

print("vectors:", vectors.shape, vectors.dtype)
print("the first one begins:", *(f"{number:+.4f}" for number in vectors[0, :5]))
print("how close the two are:", f"{vectors[0] @ vectors[1]:.3f}")
