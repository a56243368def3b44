"""Benchmarks: `./run bench NAME` runs `tests.bench.NAME` on a throw-away stack. The last line is one JSON object."""
