"""Benchmarks: `gmstudio bench`; ratios within one run, written as JSON."""
