"""Benchmarks: each prints a table and, as its last line, one JSON object; results are kept in results/."""
