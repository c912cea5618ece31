"""Tables from files: read with limits, described, and prepared for training."""
