"""From a source to a model that is ready."""
