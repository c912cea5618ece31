"""What is seen of a model: immutable float32 frames, metrics and diagnostics."""
