"""How long tests wait for what must come: others call it a timeout."""

# Seconds; far more than anything here takes, for some machines are slow, or emulate a CPU.
PATIENCE = 300
