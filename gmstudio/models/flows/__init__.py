"""Specifications of flows models; one file each."""

COMPONENTS = True
