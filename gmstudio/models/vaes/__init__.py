"""Specifications of variational autoencoders; one file each."""

COMPONENTS = True
