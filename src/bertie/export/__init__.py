"""Models in forms that run elsewhere: the bundle, and ONNX."""

from bertie.export.bundle import Exported, write_bundle
from bertie.export.onnx import ExportedOnnx, write_onnx

__all__ = ["Exported", "ExportedOnnx", "write_bundle", "write_onnx"]
