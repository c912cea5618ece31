"""Densities on the plane that are known exactly: log-density, score, samples, and their mollified versions."""
