"""What the orders of one file say, in marks, and which of them need not be sent: a view of the working tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_SPARED = (
    "CREATE TABLE spared (key INTEGER PRIMARY KEY, found TEXT NOT NULL)"  # orders that need not be sent again
)
_INDEXES = (
    "CREATE INDEX run_mark ON run (mark)",
    "CREATE INDEX IF NOT EXISTS run_key ON run (key)",
)
_OF_ORDER = """
SELECT said, key, number, line, rows, origins FROM run
WHERE mark = ? AND NOT EXISTS (SELECT 1 FROM run AS other WHERE other.key = run.key AND other.bad > 0) ORDER BY seq
"""
_KEPT = """
SELECT batch, mark, said FROM run WHERE batch > 0 AND bad = 0 AND key NOT IN (SELECT key FROM spared)
ORDER BY mark, seq
"""


class Claim(NamedTuple):
    """What a run says, and where it came from."""

    said: bytes
    key: int
    number: int
    line: int
    rows: int
    origins: str | None


class Claims:
    """What is asked of the runs, and answered."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self._any_spared = False
        base.execute(_SPARED)

    def marks(self) -> Iterator[bytes]:
        """Give the mark of each order that has rows in a draft, ascending."""
        query = "SELECT DISTINCT mark FROM run WHERE mark IS NOT NULL ORDER BY mark"
        for (mark,) in self._base.execute(query):
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
        """Give what is sent: the number of the draft, the mark of the order, those of its rows.

        By mark, as the ledger's index wants it; an order whose rows came in several runs is told in several parts.
        """
        return self._base.execute(_KEPT)
