"""Weights and settings from files: each known layout becomes one Checkpoint."""

from bertie.checkpoint.bundle import Bundle
from bertie.checkpoint.dense import Dense
from bertie.checkpoint.directory import Checkpoint, require_files
from bertie.checkpoint.heads import (
    HeadLayer,
    HeadRecord,
    head_faults,
    heads,
    require_head,
)
from bertie.checkpoint.sentence import Cut, Normalize, SentenceLayout, read_layout
from bertie.checkpoint.shapes import encoder_tensors
from bertie.checkpoint.tensor import Tensor

__all__ = [
    "Bundle",
    "Checkpoint",
    "Cut",
    "Dense",
    "HeadLayer",
    "HeadRecord",
    "Normalize",
    "SentenceLayout",
    "Tensor",
    "encoder_tensors",
    "head_faults",
    "heads",
    "read_layout",
    "require_files",
    "require_head",
]
