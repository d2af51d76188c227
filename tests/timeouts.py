"""How long tests wait for what must come."""

# Seconds; far more than anything here takes, for some machines are slow, or emulate a CPU.
TIMEOUT = 300
