"""A server's models, called as local ones are: over HTTP, at once or awaited."""

from bertie.client.client import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]
