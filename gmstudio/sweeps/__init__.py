"""Sweeps: data x models x schedules x seeds, trained on this machine or on a cluster, in the shape of a table."""
