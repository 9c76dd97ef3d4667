"""What a durable step costs in the ledger: alone, in groups, and against a bare insert and commit.

The steps are those of a submission with one batch: taken, prepared, started, sent. Run alone:
`python -m tests.benchmarks.bench_ledger`.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from agent.ledger.ledger import Ledger
from tests.unit.ledger.made import NOON, batch, moved, prepared, submission, taken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.ledger.transition import Transition

_GROUPS = (1, 10, 100)
_STEPS_OF_ONE = 4  # of a submission with one batch: taken, prepared, started, sent


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        bare = _bare(Path(folder) / "bare.db", 300)
        _say(f"a bare insert and commit, WAL and FULL: {bare * 1e6:.0f} us")
        for group in _GROUPS:
            count = min(300 * group, 6000)
            each = _steps(Path(folder) / f"by-{group}.db", count, group)
            ratio = f"{each / bare:.2f} of the bare commit"
            _say(f"steps, {group} a commit: {each * 1e6:.0f} us a step, {ratio}")
        _say(_questions(Path(folder) / "by-100.db"))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"ledger, {line}\n")


def _bare(path: Path, count: int) -> float:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE plain (id TEXT PRIMARY KEY, state TEXT)")
        started = time.perf_counter()
        for number in range(count):
            connection.execute("INSERT INTO plain VALUES (?, ?)", (f"id-{number}", "READY"))
        return (time.perf_counter() - started) / count


def _changes(files: int) -> Iterator[list[Transition]]:
    """Yield one kind of step for all files after the other, as under load."""
    owners = [submission(f"{number:06d}") for number in range(files)]
    batches = [batch(owner) for owner in owners]
    yield [taken(owner) for owner in owners]
    yield [prepared(owner, one) for owner, one in zip(owners, batches, strict=True)]
    yield [moved(one, "started") for one in batches]
    yield [moved(one, "sent") for one in batches]


def _steps(path: Path, count: int, group: int) -> float:
    spent = 0.0
    with Ledger.open(path, must_exist=False) as ledger:
        for changes in _changes(count // _STEPS_OF_ONE):
            started = time.perf_counter()
            for first in range(0, len(changes), group):
                ledger.commit(changes[first : first + group], at=NOON)
            spent += time.perf_counter() - started
    return spent / (count // _STEPS_OF_ONE * _STEPS_OF_ONE)


def _questions(path: Path) -> str:
    started = time.perf_counter()
    with Ledger.open(path, must_exist=True) as ledger:
        opened = time.perf_counter()
        found = ledger.verify_audit()
        verified = time.perf_counter()
        lines = ledger.audit(limit=1)[-1].seq
        due = [len(ledger.to_tell(limit=100)), len(ledger.batches(["READY", "DEFERRED"], limit=100))]
        asked = time.perf_counter()
    assert (found, due) == ([], [100, 0]), "the ledger is not as it was written"
    return (
        f"{lines} audit lines: opened in {(opened - started) * 1e3:.0f} ms, "
        f"audit verified in {(verified - opened) / lines * 1e6:.1f} s a million lines, "
        f"what is due asked in {(asked - verified) * 1e3:.1f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
