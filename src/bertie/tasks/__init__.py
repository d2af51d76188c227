"""What a loaded model can be asked: one file for each task."""
