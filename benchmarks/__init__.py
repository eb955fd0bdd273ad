"""Benchmarks against the bare driver, measured in the same run. See docs/performance.md."""
