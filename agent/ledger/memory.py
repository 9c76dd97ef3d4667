"""What was sent of each order: written when its batch is made, and counted only as far as that batch went.

Each function works within the transaction its caller has open.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from agent.ledger import statements
from agent.model import Precedent
from agent.states import BatchState

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from agent.ledger.rows import Row

_GONE = frozenset({BatchState.CANCELLED, BatchState.FAILED})  # nothing of these will take effect
_ARRIVED = frozenset({BatchState.SENT, BatchState.TAKEN, BatchState.PROCESSED})

Journey = tuple[bool, float, str]  # whether it is certain that it arrived, when, of which submission


def remember(
    connection: sqlite3.Connection, path: str, level: str, orders: Sequence[tuple[bytes, bytes]]
) -> None:
    """Note what the batch at a path says of some orders; once more is as good as once."""
    connection.execute(statements.INSERT_CONTENT, {"path": path, "level": level})
    (number,) = connection.execute(statements.CONTENT_AT, {"path": path}).fetchone()
    connection.executemany(statements.INSERT_MEMORY, ((mark, number, said) for mark, said in orders))


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever sent."""
    return connection.execute(statements.ANY_MEMORY).fetchone() is None


class Memory:
    """Remembers for one file; knows the batches it met, so that each is looked up once."""

    def __init__(self, connection: sqlite3.Connection, destination: str) -> None:
        self._connection, self._destination = connection, destination
        self._journeys: dict[str, tuple[Journey, ...]] = {}

    def precedents(self, mark: bytes) -> tuple[Precedent, ...]:
        """Give what was sent of an order to the destination, or is on its way there, the oldest first."""
        rows = self._connection.execute(statements.MEMORY_OF, {"mark": mark})
        parts = groupby(rows, key=itemgetter(1, 2))
        found = [
            (b"".join(said for said, *_ in told), level, *journey)
            for (path, level), told in parts
            for journey in self._of(path)
        ]
        found.sort(key=lambda one: (not one[2], one[3]))
        return tuple(Precedent(*one) for one in found)

    def _of(self, path: str) -> tuple[Journey, ...]:
        if path not in self._journeys:
            where = {"path": path, "destination": self._destination}
            batches = self._connection.execute(statements.BATCHES_AT, where)
            self._journeys[path] = tuple(_journey(row) for row in batches if row[0] not in _GONE)
        return self._journeys[path]


def _journey(row: Row) -> Journey:
    state, submission, created_at, sent_at, overdue, refused = row
    arrived = state in _ARRIVED
    answered = state != BatchState.PROCESSED or refused == 0
    certain = arrived and answered and not overdue
    return certain, sent_at if arrived else created_at, submission
