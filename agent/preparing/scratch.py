"""The working tables of one preparing: runs of rows and findings, on disk, so that memory stays flat.

One SQLite file in the scratch folder, without journal or fsync: it is thrown away with the folder.
"""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from agent.codes import CODES
from agent.model import Fault, Finding, FindingGroup, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.mapping.records import Origin

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -2000;
CREATE TABLE run (
    seq INTEGER PRIMARY KEY,
    key INTEGER NOT NULL,       -- 64-bit hash of the order's key
    batch INTEGER NOT NULL,     -- number of the draft its lines are in; 0 where kept back
    start INTEGER NOT NULL,     -- first byte in the draft
    size INTEGER NOT NULL,      -- bytes
    rows INTEGER NOT NULL,
    bad INTEGER NOT NULL,
    number INTEGER NOT NULL,    -- first record
    line INTEGER NOT NULL,      -- its line
    origins TEXT                -- JSON [[[number, line], …] per row]; NULL: row i is record number+i on line line+i
);
CREATE TABLE link (a INTEGER NOT NULL, b INTEGER NOT NULL);
CREATE TABLE finding (
    record INTEGER, line INTEGER, code TEXT, severity TEXT, field TEXT, words TEXT, mend TEXT, found TEXT,
    place TEXT,
    run INTEGER                 -- the run it was made for as a whole, where a later look may change the verdict
);
"""
_EXAMPLES = 5
_BUFFER = 500
_FOUND = 200  # characters of a value shown; the rejects file has it whole


class Run(NamedTuple):
    """Adjacent rows of one order, as the run table has them."""

    seq: int
    key: int
    batch: int
    start: int
    size: int
    rows: int
    bad: int
    number: int
    line: int
    origins: str | None


class Scratch:
    """The tables, with buffered writes."""

    def __init__(self, folder: Path) -> None:
        self._base = sqlite3.connect(folder / "scratch.db", isolation_level=None)
        self._base.executescript(_TABLES)
        self._base.execute("BEGIN")
        self._runs: list[Run] = []
        self._findings: list[tuple[object, ...]] = []
        self._seq = 0

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def add_run(self, run: Run) -> None:
        """Note a run; `run.seq` must come from `next_run`."""
        self._runs.append(run)
        if len(self._runs) >= _BUFFER:
            self.flush()

    def next_run(self) -> int:
        """Number the next run."""
        self._seq += 1
        return self._seq

    def link(self, one: int, other: int) -> None:
        """Note that one record has rows in two orders: if one is bad, so is the other."""
        self._base.execute("INSERT INTO link VALUES (?, ?), (?, ?)", (one, other, other, one))

    def add_finding(
        self, fault: Fault, origins: Sequence[Origin], *, run: int | None = None, place: str = ""
    ) -> None:
        """Note a fault for each of the records, or for the whole file (at a `place` in it) when there is none."""
        severity = CODES[fault.code].severity.value
        found = fault.found if len(fault.found) <= _FOUND else fault.found[:_FOUND] + "…"
        what = (fault.code, severity, fault.field, fault.words, fault.mend, found)
        if not origins:
            self._findings.append((None, None, *what, place, run))
        for number, line in origins:
            self._findings.append((number, line, *what, f"line {line}" if line else "", run))
        if len(self._findings) >= _BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write what is buffered."""
        self._base.executemany("INSERT INTO run VALUES (?,?,?,?,?,?,?,?,?,?)", self._runs)
        self._base.executemany("INSERT INTO finding VALUES (?,?,?,?,?,?,?,?,?,?)", self._findings)
        self._runs.clear()
        self._findings.clear()

    def linked(self) -> frozenset[int]:
        """The orders that share a record with another order."""
        return frozenset(key for (key,) in self._base.execute("SELECT DISTINCT a FROM link"))

    def spread_bad(self) -> None:
        """Mark every order bad that shares a record with a bad order."""
        self.flush()
        if self._base.execute("SELECT 1 FROM link LIMIT 1").fetchone() is None:
            return
        self._base.execute("CREATE INDEX run_key ON run (key)")
        mark = (
            "UPDATE run SET bad = 1 WHERE bad = 0 AND key IN"
            " (SELECT link.b FROM link JOIN run AS other ON other.key = link.a WHERE other.bad = 1)"
        )
        while self._base.execute(mark).rowcount:
            pass

    def unsettled(self) -> bool:
        """Whether some order came back later, or was found bad after its rows had been written."""
        self.flush()
        return (
            self._base.execute(
                "SELECT 1 FROM run WHERE bad = 1 AND batch > 0 UNION ALL"
                " SELECT 1 FROM (SELECT 1 FROM run GROUP BY key HAVING count(*) > 1) LIMIT 1"
            ).fetchone()
            is not None
        )

    def gather(self) -> None:
        """Set apart the runs of unsettled orders, to be read by `removed` and `orders_again`."""
        self._base.execute(
            "CREATE TABLE again AS SELECT run.*, sets.first AS first, sets.worst AS worst, sets.total AS total"
            " FROM run JOIN (SELECT key, min(seq) AS first, max(bad) AS worst, sum(rows) AS total,"
            " count(*) AS many FROM run GROUP BY key) AS sets USING (key)"
            " WHERE sets.many > 1 OR (run.bad = 1 AND run.batch > 0)"
        )
        self._base.execute("DELETE FROM finding WHERE run IN (SELECT seq FROM again)")

    def removed(self, batch: int) -> Iterator[tuple[int, int]]:
        """Give the byte ranges (start, size) of a draft that belong to unsettled orders, ascending."""
        return iter(self._base.execute("SELECT start, size FROM again WHERE batch = ? AND size > 0 ORDER BY start", (batch,)))

    def orders_again(self) -> Iterator[tuple[bool, int, list[Run]]]:
        """Give each unsettled order: is it bad, how many rows in all, its runs; by first appearance."""
        runs: list[Run] = []
        first, worst, total = -1, 0, 0
        for row in self._base.execute(
            "SELECT first, worst, total, seq, key, batch, start, size, rows, bad, number, line, origins"
            " FROM again ORDER BY first, seq"
        ):
            if row[0] != first and runs:
                yield bool(worst), total, runs
                runs = []
            first, worst, total = row[:3]
            runs.append(Run(*row[3:]))
        if runs:
            yield bool(worst), total, runs

    def orders(self) -> tuple[int, int]:
        """Count the orders, and those of them that are bad."""
        self.flush()
        seen, bad = self._base.execute(
            "SELECT count(*), sum(worst) FROM (SELECT max(bad) AS worst FROM run GROUP BY key)"
        ).fetchone()
        return int(seen), int(bad or 0)

    def mark_bad(self, runs: Sequence[Run]) -> None:
        """Note that an order turned out bad on the second look."""
        self._base.executemany("UPDATE run SET bad = 1 WHERE seq = ?", [(run.seq,) for run in runs])

    def findings(self) -> Iterator[Finding]:
        """Give all findings, those of the whole file first, then by record."""
        self.flush()
        for record, place, code, severity, column, words, mend, found in self._base.execute(
            "SELECT record, place, code, severity, field, words, mend, found FROM finding ORDER BY record, rowid"
        ):
            yield Finding(code, Severity(severity), words, mend, found, column, record, place)

    def kept_back(self) -> Iterator[tuple[int, str, str]]:
        """Give (record, why, mend) of every record with an error, ascending, its findings joined."""
        record, whys, mends = 0, dict[str, None](), dict[str, None]()
        for finding in self.findings():
            if finding.severity is not Severity.ERROR or finding.record is None:
                continue
            if finding.record != record and whys:
                yield record, "; ".join(whys), "; ".join(mends)
                whys, mends = {}, {}
            record = finding.record
            whys[_why(finding)] = None
            if finding.mend:
                mends[finding.mend] = None
        if whys:
            yield record, "; ".join(whys), "; ".join(mends)

    def groups(self) -> tuple[FindingGroup, ...]:
        """Count the findings by code and column, errors first, each with its first few."""
        self.flush()
        rank = {Severity.ERROR.value: 0, Severity.WARNING.value: 1, Severity.NOTE.value: 2}
        counted = self._base.execute(
            "SELECT severity, code, field, count(*), min(rowid) FROM finding GROUP BY severity, code, field"
        ).fetchall()
        counted.sort(key=lambda row: (rank[row[0]], -row[3], row[1], row[2]))
        return tuple(self._group(*row) for row in counted)

    def _group(self, severity: str, code: str, column: str, count: int, first: int) -> FindingGroup:
        words, mend = self._base.execute("SELECT words, mend FROM finding WHERE rowid = ?", (first,)).fetchone()
        rows = self._base.execute(
            "SELECT record, place, words, mend, found FROM finding WHERE code = ? AND field = ? AND severity = ?"
            f" ORDER BY record LIMIT {_EXAMPLES}",  # noqa: S608 - a constant of ours
            (code, column, severity),
        )
        weight = Severity(severity)
        examples = tuple(
            Finding(code, weight, said, how, found, column, record, place)
            for record, place, said, how, found in rows
        )
        return FindingGroup(code, weight, column, count, words, mend, examples)


def _why(finding: Finding) -> str:
    column = f"{finding.field}: " if finding.field else ""
    found = f" ({finding.found!r})" if finding.found else ""
    return f"{finding.code} {column}{finding.words}{found}"


def origins_text(origins: Sequence[tuple[Origin, ...]]) -> str | None:
    """Write where each row of a run came from; None where it is row by row, line by line (they only ascend)."""
    (number, line), (last, last_line) = origins[0][0], origins[-1][-1]
    step = len(origins) - 1
    if last - number == step == last_line - line and all(len(one) == 1 for one in origins):
        numbers = {one[0] for one in origins}
        if len(numbers) == len(origins):
            return None
    return json.dumps(origins)


def origins_of(run: Run) -> list[tuple[tuple[int, int], ...]]:
    """Read what `origins_text` wrote: for each row, the (number, line) of its records."""
    if run.origins is None:
        return [((run.number + index, run.line + index),) for index in range(run.rows)]
    return [tuple((number, line) for number, line in row) for row in json.loads(run.origins)]
