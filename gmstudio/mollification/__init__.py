"""Schedules of data mollification and what they do to a batch."""
