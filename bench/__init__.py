"""Benchmarks: ratios in one run, interleaved, medians; never tests."""
