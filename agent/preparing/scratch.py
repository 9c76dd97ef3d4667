"""The working tables of one preparing: runs of rows, and which orders hang together, on disk to keep memory flat.

One SQLite file in the scratch folder, without journal or fsync: it is thrown away with the folder.
"""

from __future__ import annotations

import sqlite3
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from agent.preparing.claims import Claims
from agent.preparing.findings import Findings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    Place = tuple[int, int, int]  # the number of a draft, first byte, size

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
    rows INTEGER NOT NULL,      -- lines
    came INTEGER NOT NULL,      -- rows, repeats included
    bad INTEGER NOT NULL,       -- the record to blame; 0 where all is well
    number INTEGER NOT NULL,    -- first record
    line INTEGER NOT NULL,      -- its line
    origins TEXT,               -- JSON, see rows.origins_text; NULL: row i is record number+i on line line+i
    repeats TEXT,               -- JSON [[[[number, line], …], earlier record] per row left out]
    mark BLOB,                  -- of the order, and of its rows: see agent.preparing.marks; NULL where kept back
    said BLOB
);
CREATE TABLE link (a INTEGER NOT NULL, b INTEGER NOT NULL);  -- two orders, both ways, with rows of one record
CREATE TABLE shared (           -- records with rows in several runs: counted at the end, not run by run
    record INTEGER NOT NULL, run INTEGER NOT NULL, dropped INTEGER NOT NULL
);
"""
_SCATTERED = (
    "CREATE TABLE scattered (key INTEGER PRIMARY KEY, first INTEGER, worst INTEGER, total INTEGER, more INTEGER)",
    """INSERT INTO scattered SELECT key, min(seq), max(bad), sum(came), count(*) - 1 FROM run
    GROUP BY key HAVING count(*) > 1""",
)
_LINKED = (
    "CREATE INDEX IF NOT EXISTS run_key ON run (key)",
    "CREATE INDEX link_a ON link (a)",
)
_AGAIN = (
    """CREATE TABLE again AS SELECT seq, key, batch, start, size, rows, came, bad, number, line, origins, repeats,
    coalesce(scattered.first, run.seq) AS first, 'anew' AS fate
    FROM run LEFT JOIN scattered USING (key) WHERE scattered.key IS NOT NULL OR (run.bad > 0 AND run.batch > 0)
    OR run.key IN (SELECT key FROM spared) ORDER BY first, seq""",
    "CREATE INDEX again_place ON again (batch, start)",
    "CREATE INDEX shared_run ON shared (run)",
    "CREATE TABLE differing (first INTEGER PRIMARY KEY)",
)
_UNSETTLED = """
SELECT 1 FROM scattered UNION ALL SELECT 1 FROM spared
UNION ALL SELECT 1 FROM run WHERE bad > 0 AND batch > 0 LIMIT 1
"""
_ALIKE = """
UPDATE again SET fate = 'stays' WHERE first IN (
    SELECT first FROM again GROUP BY first HAVING count(*) > 1 AND max(bad) = 0
    AND max(key IN (SELECT key FROM spared)) = 0
    AND min(size) = max(size) AND min(rows) = max(rows) AND total(origins LIKE '[%') = 0
)
"""
_REPEATED = (
    "UPDATE again SET fate = 'anew' WHERE first IN (SELECT first FROM differing)",
    "UPDATE again SET fate = 'left out' WHERE fate = 'stays' AND seq <> first",
)
_NOWHERE = "UPDATE run SET batch = 0 WHERE seq IN (SELECT seq FROM again WHERE fate = 'left out')"
_SPREAD = """
UPDATE run SET bad = (
    SELECT max(other.bad) FROM link JOIN run AS other ON other.key = link.b WHERE link.a = run.key
) WHERE bad = 0 AND key IN (
    SELECT link.a FROM link JOIN run AS other ON other.key = link.b WHERE other.bad > 0
)
"""
_FATES = """
SELECT count(*), sum(bad > 0), sum(bad = 0 AND dropped = 0) FROM (
    SELECT max(run.bad) AS bad, min(shared.dropped) AS dropped
    FROM shared JOIN run ON run.seq = shared.run GROUP BY shared.record
)
"""
_BUFFER = 500


class Run(NamedTuple):
    """Adjacent rows of one order, as the run table has them."""

    seq: int
    key: int
    batch: int
    start: int
    size: int
    rows: int
    came: int
    bad: int
    number: int
    line: int
    origins: str | None
    repeats: str | None
    mark: bytes | None = None
    said: bytes | None = None


_PLACED = Run._fields[:-2]  # without what it says


class Scratch:
    """The tables, with buffered writes."""

    def __init__(self, folder: Path) -> None:
        self._base = sqlite3.connect(folder / "scratch.db", isolation_level=None)
        self._base.executescript(_TABLES)
        self.findings = Findings(self._base)
        self.claims = Claims(self._base)
        self._base.execute("BEGIN")
        self._runs: list[Run] = []
        self._seq = 0
        self._sharing = False  # some record has rows in several runs

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()

    def add_run(self, run: Run) -> None:
        """Note a run; `run.seq` must come from `next_run`."""
        self._runs.append(run)
        if len(self._runs) >= _BUFFER:
            self._flush()

    def next_run(self) -> int:
        """Number the next run."""
        self._seq += 1
        return self._seq

    def link(self, one: int, other: int) -> None:
        """Note that one record has rows in two orders: if one is bad, so is the other."""
        self._base.execute("INSERT INTO link VALUES (?, ?), (?, ?)", (one, other, other, one))

    def share(self, records: Iterable[int], run: int, dropped: Iterable[int]) -> None:
        """Note records of a run that have rows in other runs too, and those of them whose rows were left out."""
        self._sharing = True
        left_out = set(dropped)
        self._base.executemany(
            "INSERT INTO shared VALUES (?, ?, ?)",
            ((record, run, record in left_out) for record in sorted(records)),
        )

    def drop_shared(self, records: Collection[int], runs: Sequence[Run]) -> None:
        """Note shared records whose rows in an order were left out on the second look."""
        if not records:
            return
        self._base.executemany(
            "UPDATE shared SET dropped = 1 WHERE record = ? AND run = ?",
            ((record, run.seq) for record in records for run in runs),
        )

    def shared_in(self, runs: Sequence[Run]) -> set[int]:
        """The records of some runs that have rows in other runs too; to be asked after `gather`."""
        if not self._sharing:
            return set()
        query = "SELECT record FROM shared WHERE run = ?"
        return {record for run in runs for (record,) in self._base.execute(query, (run.seq,))}

    def shared_fates(self) -> tuple[int, int, int]:
        """Count the shared records: all, those kept back, those sent."""
        records, kept_back, sent = self._base.execute(_FATES).fetchone()
        return records, kept_back or 0, sent or 0

    def linked(self) -> frozenset[int]:
        """The orders that share a record with another order."""
        return frozenset(key for (key,) in self._base.execute("SELECT DISTINCT a FROM link"))

    def scatter(self, most: int) -> tuple[tuple[int, int, int], ...]:
        """Find the orders that came back later.

        Of those, give the sound ones with more than `most` rows: key, first record, its line.
        """
        self._flush()
        self._do(_SCATTERED)
        large = "SELECT run.key, run.number, run.line FROM scattered JOIN run ON run.seq = scattered.first"
        return tuple(self._base.execute(f"{large} WHERE worst = 0 AND total > ? ORDER BY run.seq", (most,)))

    def blame(self, key: int, record: int) -> None:
        """Note that an order is bad because of a record."""
        self._base.execute("UPDATE run SET bad = ? WHERE key = ?", (record, key))

    def spread_bad(self) -> None:
        """Mark every order bad that shares a record with a bad order."""
        if self._base.execute("SELECT 1 FROM link LIMIT 1").fetchone() is None:
            return
        self._do(_LINKED)
        while self._base.execute(_SPREAD).rowcount:
            pass

    def unsettled(self) -> bool:
        """Whether some order came back later, was sent before, or was found bad after its rows had been written."""
        return self._base.execute(_UNSETTLED).fetchone() is not None

    def gather(self, identical: Callable[[Iterable[Place]], bool]) -> None:
        """Set apart the runs of unsettled orders, to be read by the methods below.

        Where all runs of an order are `identical` in the drafts, the first stays and the later ones are left out.
        """
        self._do(_AGAIN)
        if not self._sharing:
            self._base.execute(_ALIKE)
            query = "SELECT first, batch, start, size FROM again WHERE fate = 'stays' ORDER BY rowid"
            alike = groupby(self._base.execute(query), key=itemgetter(0))
            differing = ((first,) for first, runs in alike if not identical(run[1:] for run in runs))
            self._base.executemany("INSERT INTO differing VALUES (?)", differing)
            self._do(_REPEATED)
            self._base.execute(_NOWHERE)
        self.findings.forget("SELECT seq FROM again WHERE fate <> 'stays'")

    def removed(self, batch: int) -> Iterator[tuple[int, int]]:
        """Give the byte ranges (start, size) of a draft that do not stay there, ascending."""
        ranges = "SELECT start, size FROM again WHERE batch = ? AND fate <> 'stays' ORDER BY start"
        return iter(self._base.execute(ranges, (batch,)))

    def removed_rows(self) -> dict[int, int]:
        """Count the rows that do not stay, by the number of their draft."""
        query = "SELECT batch, sum(rows) FROM again WHERE fate <> 'stays' AND batch > 0 GROUP BY batch"
        return dict(self._base.execute(query))

    def orders_again(self) -> Iterator[list[Run]]:
        """Give the runs of each order to be settled anew, by first appearance."""
        columns = ", ".join(_PLACED)
        query = f"SELECT first, {columns} FROM again WHERE fate = 'anew' ORDER BY rowid"  # noqa: S608 - columns of ours
        for _, rows in groupby(self._base.execute(query), key=itemgetter(0)):
            yield [Run(*row[1:]) for row in rows]

    def left_out_rows(self) -> tuple[int, int]:
        """Count the rows of the runs that repeat the first of their order, and those with what was left out before."""
        query = "SELECT total(rows), total(came) FROM again WHERE fate = 'left out'"
        rows, came = self._base.execute(query).fetchone()
        return int(rows), int(came)

    def left_out(self, batch: int = 0) -> Iterator[tuple[Run, tuple[int, int, int, str | None]]]:
        """Give those runs, of one draft or of all, each with what `take_origins` reads of the first one."""
        columns = ", ".join(f"again.{name}" for name in _PLACED)
        of_first = "run.number, run.line, run.rows, run.origins"
        tables = "again JOIN run ON run.seq = again.first"
        which = "fate = 'left out' AND ? IN (0, again.batch) ORDER BY again.rowid"
        query = f"SELECT {columns}, {of_first} FROM {tables} WHERE {which}"  # noqa: S608 - as above
        for row in self._base.execute(query, (batch,)):
            yield Run(*row[:-4]), row[-4:]

    def orders(self) -> tuple[int, int]:
        """Count the orders, and those of them that are bad."""
        self._flush()
        runs, bad = self._base.execute("SELECT count(*), sum(bad > 0) FROM run").fetchone()
        more = "SELECT sum(more), sum(CASE WHEN bad > 0 THEN more END) FROM scattered JOIN run ON run.seq = first"
        more_runs, more_bad = self._base.execute(more).fetchone()
        return runs - (more_runs or 0), (bad or 0) - (more_bad or 0)

    def moved(self, runs: Sequence[Run], batch: int) -> None:
        """Note that the rows of an order stand in another draft now."""
        self._base.executemany("UPDATE run SET batch = ? WHERE seq = ?", [(batch, run.seq) for run in runs])

    def mark_bad(self, runs: Sequence[Run], record: int) -> None:
        """Note that an order turned out bad on the second look."""
        self._base.executemany("UPDATE run SET bad = ? WHERE seq = ?", [(record, run.seq) for run in runs])

    def _do(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self._base.execute(statement)

    def _flush(self) -> None:
        self._base.executemany("INSERT INTO run VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", self._runs)
        self._runs.clear()
