"""The step loop, its engines, optimisers and checkpoints; no Qt."""
