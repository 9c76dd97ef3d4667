"""`make bench`: every benchmark, one after the other, each announced with the command that runs it alone.

Ends with 1 if any finding is not as asked.
"""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = ("bench_prepare", "bench_upload", "bench_latency", "bench_ledger")


def main(chosen: list[str]) -> int:
    """Run the benchmarks named (all, if none is); return the exit code."""
    ends = []
    for name in chosen or NAMES:
        sys.stdout.write(f"\n$ python -m tests.benchmarks.{name}\n")
        sys.stdout.flush()
        ends.append(import_module(f"tests.benchmarks.{name}").main([]))
    return max(ends)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
