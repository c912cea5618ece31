"""The window of sweeps: choose the axes, watch the table grow, look at the runs of a cell, take the table away."""
