"""`make bench`: every benchmark, one after the other, each announced with the command that runs it alone.

Ends with 1 if any finding is not as asked.
"""

from __future__ import annotations

import subprocess
import sys

NAMES = ("bench_prepare", "bench_readers", "bench_upload", "bench_latency", "bench_ledger", "bench_mail")


def main(chosen: list[str]) -> int:
    """Run the benchmarks named (all, if none is); return the exit code."""
    ends = []
    for name in chosen or NAMES:
        sys.stdout.write(f"\n$ python -m tests.benchmarks.{name}\n")
        sys.stdout.flush()
        ends.append(
            subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False).returncode
        )
    return max(ends)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
