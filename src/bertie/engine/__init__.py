"""What computes: the encoder in the core, heads, pooling, and how numbers become cheaper."""
