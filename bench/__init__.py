"""Benchmarks: each script prints ratios against a baseline from the same run."""
