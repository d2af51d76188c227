"""TensorFlow 1's checkpoints and SavedModels, read without TensorFlow and never executed."""
