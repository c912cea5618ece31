"""Specifications of classical models; one file each."""

COMPONENTS = True
