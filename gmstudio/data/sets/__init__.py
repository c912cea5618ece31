"""The data sets that a person can choose; one file each."""

COMPONENTS = True
