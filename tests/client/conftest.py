"""A server with a model for every task, and the same models here: the server's tests' own."""

from tests.server.conftest import everything, local

__all__ = ["everything", "local"]
