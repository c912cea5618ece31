"""Markov chains for any score."""

COMPONENTS = True
