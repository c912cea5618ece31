"""The schedules that a person can choose; one file each."""

COMPONENTS = True
