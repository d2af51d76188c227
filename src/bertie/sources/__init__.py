"""Find a model by name, and fetch it where it isn't here yet."""

from bertie.sources.bundles import is_bundle
from bertie.sources.environment import cache_directory
from bertie.sources.fetching import check, manifest_of, pull, resolve
from bertie.sources.names import is_local

__all__ = ["cache_directory", "check", "is_bundle", "is_local", "manifest_of", "pull", "resolve"]
