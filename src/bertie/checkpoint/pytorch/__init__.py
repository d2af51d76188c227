"""Reading what torch.save writes, without torch and without running anything."""

from bertie.checkpoint.pytorch.read import read_pytorch

__all__ = ["read_pytorch"]
