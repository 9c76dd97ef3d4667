"""How long a small file takes from its drop to its delivery, through a running daemon and a real sshd.

Counted from the rename that brings the file into the drop folder (settle time 0) to the rename that shows the batch
under its final name in the server's folder, over a connection that is open. The line below it says between which
entries of the audit the time went. Run alone: `python -m tests.benchmarks.bench_latency`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.told import tell
from tests.running import Installation, put
from tests.servers import Sshd

if TYPE_CHECKING:
    from collections.abc import Sequence

FILES = 50
ROWS = 400
AT_MOST = 100.0  # ms, at the median
WARM_UP = 5  # files that are not counted: the first one pays for the login
PATIENCE = 30.0  # seconds
_TICK = 0.0005  # seconds between two looks into the server's folder
FEED = """\
level: item
template: impact-items.csv.j2
headers: impact
destination: there
settle: 0s
"""
STEPS = ("taken", "prepared", "started", "will-publish", "sent")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=FILES)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, Sshd(Path(folder) / "sshd") as server:
        installation = Installation(Path(folder) / "installation", server)
        drop = installation.feed("shop", FEED)
        try:
            with installation.run() as agent:
                for number in range(-WARM_UP, 0):
                    _delivered(drop, server.inbox, f"warm{number}.csv", _source(number))
                dropped = {f"{number}.csv": _source(number) for number in range(chosen.files)}
                took = [_delivered(drop, server.inbox, *each) for each in dropped.items()]
                assert agent.stop() == 0
        finally:
            installation.end()
        steps = _steps(installation, {name: begun for name, (begun, _) in zip(dropped, took, strict=True)})
    return 0 if _tell([seconds * 1e3 for _, seconds in took], steps) else 1


def _delivered(drop: Path, inbox: Path, name: str, content: bytes) -> tuple[float, float]:
    """Drop a file; return when (wall clock) and the seconds until its batch was there."""
    before = len(_names(inbox))
    wall, begun = time.time(), time.perf_counter()
    put(drop, name, content)
    while len(_names(inbox)) == before:
        assert time.perf_counter() - begun < PATIENCE, f"{name} was not delivered"
        time.sleep(_TICK)
    return wall, time.perf_counter() - begun


def _names(inbox: Path) -> list[str]:
    return [path.name for path in inbox.iterdir() if not path.name.startswith(".")]


def _source(number: int) -> bytes:
    lines = [f"16027,A{number}-{row // 2},SKU-{row % 40},19.90,1,ORDER_UPDATE" for row in range(ROWS)]
    return "\n".join(["ActionTrackerID,Oid,SKU,Amount,Quantity,Reason", *lines, ""]).encode()


def _steps(installation: Installation, dropped: dict[str, float]) -> list[float]:
    """Return the median milliseconds that end with each of STEPS."""
    each = []
    with installation.ledger() as ledger:
        for found in ledger.submissions(limit=10_000):
            if found.name in dropped:
                subjects = [found.id, *(one.id for one in ledger.batches_of(found.id))]
                at = {line.event: line.at for line in ledger.audit(subjects)}
                moments = [dropped[found.name], *(at[step] for step in STEPS)]
                each.append([(later - earlier) * 1e3 for earlier, later in pairwise(moments)])
    return [statistics.median(step) for step in zip(*each, strict=True)]


def _tell(milliseconds: list[float], steps: list[float]) -> bool:
    ordered = sorted(milliseconds)
    slow = ordered[int(len(ordered) * 0.95)]
    words = (
        f"median of {len(ordered)} files of {ROWS} rows; fastest {ordered[0]:.0f}, 95 of 100 below {slow:.0f}"
    )
    kept = tell("drop to delivered, ms", statistics.median(ordered), at_most=AT_MOST, words=words)
    parts = ", ".join(f"{step} {part:.1f}" for step, part in zip(STEPS, steps, strict=True))
    sys.stdout.write(f"  of which until it was, in ms: {parts}\n")
    return kept


if __name__ == "__main__":
    sys.exit(main())
