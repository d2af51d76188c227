"""Find a model by name, and fetch it where it isn't here yet."""

from bertie.sources.environment import cache_directory
from bertie.sources.fetching import manifest_of, pull, resolve

__all__ = ["cache_directory", "manifest_of", "pull", "resolve"]
