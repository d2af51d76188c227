"""Models in forms that run elsewhere: the bundle."""

from bertie.export.bundle import Exported, write_bundle

__all__ = ["Exported", "write_bundle"]
