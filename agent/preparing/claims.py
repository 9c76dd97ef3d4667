"""What the orders of one file say, in marks, beside the working tables: asked about before the second look."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from agent.preparing.marks import merged, packed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

_TABLES = """
CREATE TABLE claim (seq INTEGER PRIMARY KEY, mark BLOB NOT NULL, said BLOB NOT NULL);  -- of a run
CREATE TABLE spared (key INTEGER PRIMARY KEY, found TEXT NOT NULL);  -- orders that need not be sent again
"""
_INDEXES = ("CREATE INDEX claim_mark ON claim (mark)", "CREATE INDEX IF NOT EXISTS run_key ON run (key)")
_WHERE = "batch > 0 AND bad = 0"  # runs whose rows are in a draft, and well
_OF_ORDER = """
SELECT claim.said, run.key, run.number, run.line, run.rows, run.origins FROM claim JOIN run USING (seq)
WHERE mark = ? AND NOT EXISTS (SELECT 1 FROM run AS other WHERE other.key = run.key AND other.bad > 0) ORDER BY seq
"""
_KEPT = f"""
SELECT run.batch, claim.mark, claim.said FROM claim JOIN run USING (seq)
WHERE {_WHERE} AND key NOT IN (SELECT key FROM spared) ORDER BY run.batch, claim.mark
"""  # noqa: S608 - a condition of ours


class Claim(NamedTuple):
    """What a run says, and where it came from."""

    said: bytes
    key: int
    number: int
    line: int
    rows: int
    origins: str | None


class Claims:
    """The claims' tables."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self._any_spared = False
        base.executescript(_TABLES)

    def places(self) -> Iterator[tuple[int, tuple[int, int, int]]]:
        """Give each run whose rows are in a draft, and where; they ascend."""
        query = f"SELECT seq, batch, start, size FROM run WHERE {_WHERE} ORDER BY seq"  # noqa: S608 - as above
        for seq, *place in self._base.execute(query):
            yield seq, (place[0], place[1], place[2])

    def note(self, claims: Iterable[tuple[int, bytes, bytes]]) -> None:
        """Note what runs say: run, mark of the order, marks of its rows."""
        self._base.executemany("INSERT INTO claim VALUES (?, ?, ?)", claims)

    def marks(self) -> Iterator[bytes]:
        """Give the mark of each order, ascending."""
        for (mark,) in self._base.execute("SELECT DISTINCT mark FROM claim ORDER BY mark"):
            yield mark

    def index(self) -> None:
        """Make ready for `of`."""
        for statement in _INDEXES:
            self._base.execute(statement)

    def of(self, mark: bytes) -> list[Claim]:
        """Give what the runs of an order say; nothing where one of them is bad."""
        return [Claim(*row) for row in self._base.execute(_OF_ORDER, (mark,))]

    def spare(self, key: int, found: str) -> None:
        """Note that an order need not be sent again."""
        self._any_spared = True
        self._base.execute("INSERT OR IGNORE INTO spared VALUES (?, ?)", (key, found))

    def spared(self, key: int) -> str:
        """Tell where an order was sent that need not be sent again, "" of others."""
        if not self._any_spared:
            return ""
        row = self._base.execute("SELECT found FROM spared WHERE key = ?", (key,)).fetchone()
        return row[0] if row else ""

    def kept(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Give what is sent of each order: the number of its draft, its mark, its items with what is said of them."""
        rows = self._base.execute(_KEPT)
        for (batch, mark), found in groupby(rows, key=itemgetter(0, 1)):
            yield batch, mark, packed(merged(b"".join(said for _, _, said in found)))
