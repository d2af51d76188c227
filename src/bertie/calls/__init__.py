"""What every call shares: inputs checked, cut, tokenized and batched; logits made answers."""
