"""Weights and settings from files: each known layout becomes one Checkpoint."""

from typing import TYPE_CHECKING, Any

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Find what stood here before it was asked for at its home."""
        from bertie._moved import find_export

        return find_export(__name__, name)
