"""Panels: each draws one thing for every column."""

COMPONENTS = True
