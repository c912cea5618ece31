"""Small images from files: read with limits, shaped, and prepared for training."""
