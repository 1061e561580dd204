"""Measurements that print a table: servers on one core, load on the others. See docs/benchmarks."""
