"""Weights and settings from files: each known layout becomes one Checkpoint."""
