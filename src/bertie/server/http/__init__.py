"""The HTTP APIs: those of other servers, and our own, over one service."""
