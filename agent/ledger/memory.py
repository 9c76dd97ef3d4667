"""What was sent of each order: written when its batch is made, and counted only as far as that batch went.

Each function works within the transaction its caller has open.
"""

from __future__ import annotations

import json
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from agent.ledger import rows, statements
from agent.model import Precedent, Standing
from agent.states import ARRIVED, ASSUMED, BatchState, doubtful

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from agent.model import Attempt, Batch

_GONE = frozenset({BatchState.CANCELLED, BatchState.FAILED})  # nothing more of these will take effect
_WAITING = frozenset({BatchState.HELD, BatchState.IN_DOUBT})


class Journey(NamedTuple):
    """How far a batch went."""

    standing: Standing
    at: float
    submission: str
    came: float  # when its file did

    @property
    def place(self) -> tuple[bool, float]:
        """Its place among others: what is on its way takes effect last, and goes in the order of the files."""
        coming = self.standing is Standing.COMING
        return coming, self.came if coming else self.at


def begin(connection: sqlite3.Connection, level: str, paths: Sequence[str]) -> tuple[int, ...]:
    """Give the batches at some paths numbers to remember them by.

    What was noted of those that were never made is forgotten: what they say may be something else now.
    """
    asked = {"paths": json.dumps(paths)}
    if connection.execute(statements.CONTENTS_AT, asked).fetchone():
        connection.execute(statements.FORGET_CONTENTS, asked)
    connection.executemany(statements.INSERT_CONTENT, ({"path": path, "level": level} for path in paths))
    numbers = dict(connection.execute(statements.CONTENTS_AT, asked))
    return tuple(map(numbers.__getitem__, paths))


def remember(
    connection: sqlite3.Connection, numbers: Sequence[int], orders: Iterable[tuple[int, bytes, bytes]]
) -> None:
    """Note what batches say of some orders: whose number it is, the mark of the order, what is said of its items."""
    told = ((mark, numbers[place], said) for place, mark, said in orders)
    connection.executemany(statements.INSERT_MEMORY, told)


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
        told = self._connection.execute(statements.MEMORY_OF, {"mark": mark})
        found = [
            (b"".join(said for said, *_ in parts), level, journey)
            for (path, level), parts in groupby(told, key=itemgetter(1, 2))
            for journey in self._of(path)
        ]
        found.sort(key=lambda one: one[2].place)
        return tuple(
            Precedent(said, level, one.standing, one.at, one.submission, one.came)
            for said, level, one in found
        )

    def _of(self, path: str) -> tuple[Journey, ...]:
        if path not in self._journeys:
            where = {"path": path, "destination": self._destination}
            batches = self._connection.execute(statements.BATCHES_AT, where)
            journeys = [self._journey(rows.to_batch(row[:-1]), row[-1]) for row in batches.fetchall()]
            self._journeys[path] = tuple(filter(None, journeys))
        return self._journeys[path]

    def _journey(self, batch: Batch, came: float) -> Journey | None:
        """Tell how far a batch went; None where surely nothing of it arrived, or ever will."""
        found = self._connection.execute(statements.ATTEMPTS, {"batch": batch.id})
        attempts = tuple(map(rows.to_attempt, found))
        if batch.state in ARRIVED:
            standing, at = _standing(batch, attempts), batch.sent_at
        elif batch.state in _GONE:
            if not (doubts := doubtful(attempts)):
                return None
            standing, at = Standing.UNCLEAR, doubts[-1].started_at
        else:
            waits = batch.state in _WAITING
            standing, at = Standing.WAITING if waits else Standing.COMING, batch.created_at
        return Journey(standing, at, batch.submission, came)


def _standing(batch: Batch, attempts: Iterable[Attempt]) -> Standing:
    """Tell whether a batch that was delivered has surely arrived, and as a whole."""
    assumed = batch.state == BatchState.SENT and any(one.outcome == ASSUMED for one in attempts)
    overdue = batch.awaited and batch.overdue_at > 0
    partly = batch.state == BatchState.PROCESSED and batch.refused != 0
    return Standing.UNCLEAR if assumed or overdue or partly else Standing.ARRIVED
