"""One measured run each, started as a process of its own by the benchmarks."""
