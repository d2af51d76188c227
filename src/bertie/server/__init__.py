"""One server for every head, that speaks what clients already speak."""
