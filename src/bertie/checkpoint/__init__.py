"""Weights and settings from files: each known layout becomes one Checkpoint."""

from bertie.checkpoint.dense import Dense
from bertie.checkpoint.directory import Checkpoint, require_files
from bertie.checkpoint.sentence import Normalize, SentenceLayout, read_layout
from bertie.checkpoint.shapes import encoder_tensors
from bertie.checkpoint.tensor import Tensor

__all__ = [
    "Checkpoint",
    "Dense",
    "Normalize",
    "SentenceLayout",
    "Tensor",
    "encoder_tensors",
    "read_layout",
    "require_files",
]
