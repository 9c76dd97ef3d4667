"""Questions to the ledger: rows to values. Each function reads within the transaction its caller has open."""

from __future__ import annotations

import heapq
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from agent.ledger import rows, statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping

    from agent.model import Acknowledgement, Attempt, AuditEvent, Batch, Submission

CANDIDATES = 8  # named when a prefix is not unique
_BEYOND = "\U0010ffff"
_OF_ALL = {  # by whether a feed is named, and whether the newest come first
    (False, False): statements.SUBMISSIONS_OLDEST,
    (False, True): statements.SUBMISSIONS_NEWEST,
    (True, False): statements.SUBMISSIONS_OLDEST_OF,
    (True, True): statements.SUBMISSIONS_NEWEST_OF,
}
_T = TypeVar("_T")


def submission(connection: sqlite3.Connection, wanted: str) -> Submission | None:
    """Return the submission of this id."""
    return _one_submission(connection, statements.SUBMISSION, {"id": wanted})


def same_bytes(connection: sqlite3.Connection, feed: str, sha256: str) -> Submission | None:
    """Return the earliest of this feed with the same bytes of which something was or will be sent."""
    return _one_submission(connection, statements.SAME_BYTES, {"feed": feed, "sha256": sha256})


def by_fingerprint(
    connection: sqlite3.Connection, feed: str, fingerprint: str, sha256: str
) -> Submission | None:
    """Return the latest of this feed with the same fingerprint and bytes."""
    where = {"feed": feed, "fingerprint": fingerprint, "sha256": sha256}
    return _one_submission(connection, statements.BY_FINGERPRINT, where)


def submissions(
    connection: sqlite3.Connection,
    states: Collection[str] | None,
    feed: str | None,
    limit: int,
    *,
    newest_first: bool,
) -> tuple[Submission, ...]:
    """Return submissions by time of receipt; each state is read in its index's order, then merged."""
    where: dict[str, object] = {"feed": feed, "limit": limit}
    if states is None:
        return tuple(_submissions(connection, _OF_ALL[feed is not None, newest_first], where))
    statement = statements.SUBMISSIONS_NEWEST_IN if newest_first else statements.SUBMISSIONS_OLDEST_IN
    found = [_submissions(connection, statement, where | {"state": str(state)}) for state in set(states)]
    return _first(limit, heapq.merge(*found, key=lambda s: (s.received_at, s.id), reverse=newest_first))


def owed(connection: sqlite3.Connection, states: Collection[str], limit: int) -> tuple[Submission, ...]:
    """Return submissions that changed since their folder was last told, oldest first."""
    statement = statements.SUBMISSIONS_OWED
    found = [
        _submissions(connection, statement, {"state": str(state), "limit": limit}) for state in set(states)
    ]
    return _first(limit, heapq.merge(*found, key=lambda s: (s.received_at, s.id)))


def to_tell(connection: sqlite3.Connection, limit: int) -> tuple[Submission, ...]:
    """Return prepared submissions that may be closed, or have a batch that came to wait for a person."""
    return tuple(_submissions(connection, statements.SUBMISSIONS_TO_TELL, {"limit": limit}))


def batch(connection: sqlite3.Connection, wanted: str) -> Batch | None:
    """Return the batch of this id."""
    row = connection.execute(statements.BATCH, {"id": wanted}).fetchone()
    return rows.to_batch(row) if row else None


def batches(
    connection: sqlite3.Connection,
    states: Collection[str],
    destination: str | None,
    due_by: float | None,
    limit: int,
) -> tuple[Batch, ...]:
    """Return batches, oldest first; each state is read in its index's order, then merged."""
    where: dict[str, object] = {"destination": destination, "due_by": due_by, "limit": limit}
    found = [
        list(map(rows.to_batch, connection.execute(statements.BATCHES_IN, where | {"state": str(state)})))
        for state in set(states)
    ]
    return _first(limit, heapq.merge(*found, key=lambda b: (b.created_at, b.submission, b.number)))


def batches_named(connection: sqlite3.Connection, name: str) -> tuple[Batch, ...]:
    """Return the batches of this file name, the first few."""
    where = {"name": name, "limit": CANDIDATES}
    return tuple(map(rows.to_batch, connection.execute(statements.BATCHES_NAMED, where)))


def awaited(connection: sqlite3.Connection, limit: int) -> tuple[Batch, ...]:
    """Return delivered batches whose answer is awaited, the oldest delivery first."""
    return tuple(map(rows.to_batch, connection.execute(statements.BATCHES_AWAITED, {"limit": limit})))


def overdue(connection: sqlite3.Connection, limit: int) -> tuple[Batch, ...]:
    """Return delivered batches whose answer is overdue, the oldest delivery first."""
    return tuple(map(rows.to_batch, connection.execute(statements.BATCHES_OVERDUE, {"limit": limit})))


def acknowledgements(
    connection: sqlite3.Connection, states: Collection[str], limit: int
) -> tuple[Acknowledgement, ...]:
    """Return acknowledgements in these states, the one fetched first first."""
    found = [
        list(
            map(
                rows.to_acknowledgement,
                connection.execute(statements.ACKNOWLEDGEMENTS_IN, {"state": str(state), "limit": limit}),
            )
        )
        for state in set(states)
    ]
    return _first(limit, heapq.merge(*found, key=lambda one: (one.fetched_at, one.id)))


def acknowledgement(connection: sqlite3.Connection, wanted: str) -> Acknowledgement | None:
    """Return the acknowledgement of this id."""
    row = connection.execute(statements.ACKNOWLEDGEMENT, {"id": wanted}).fetchone()
    return rows.to_acknowledgement(row) if row else None


def batches_by_destination(
    connection: sqlite3.Connection, states: Collection[str]
) -> dict[tuple[str, str], int]:
    """Return how many batches there are, by destination and state; each state is read from its index."""
    return {
        (destination, str(state)): count
        for state in states
        for destination, count in connection.execute(statements.BATCHES_BY_DESTINATION, {"state": str(state)})
    }


def batches_of(connection: sqlite3.Connection, wanted: str) -> tuple[Batch, ...]:
    """Return the batches of a submission in the order they were made."""
    return tuple(map(rows.to_batch, connection.execute(statements.BATCHES_OF, {"submission": wanted})))


def attempt(connection: sqlite3.Connection, wanted: str, number: int) -> Attempt | None:
    """Return one attempt of a batch."""
    row = connection.execute(statements.ATTEMPT, {"batch": wanted, "number": number}).fetchone()
    return rows.to_attempt(row) if row else None


def audit(
    connection: sqlite3.Connection, subjects: Collection[str] | None, limit: int
) -> tuple[AuditEvent, ...]:
    """Return the newest `limit` lines about the subjects (None: about all), oldest first."""
    if subjects is None:
        found = [connection.execute(statements.AUDIT_NEWEST, {"limit": limit}).fetchall()]
    else:
        found = [
            connection.execute(statements.AUDIT_NEWEST_OF, {"subject": subject, "limit": limit}).fetchall()
            for subject in set(subjects)
        ]
    newest = islice(heapq.merge(*found, reverse=True), limit)
    return tuple(map(rows.to_audit, reversed(list(newest))))


def with_prefix(connection: sqlite3.Connection, text: str) -> list[str]:
    """Return the ids that begin with `text`, a few more than one at most."""
    where = {"first": text, "beyond": text + _BEYOND, "limit": CANDIDATES + 1}
    return [found for (found,) in connection.execute(statements.WITH_PREFIX, where)]


def _one_submission(
    connection: sqlite3.Connection, statement: str, where: Mapping[str, object]
) -> Submission | None:
    row = connection.execute(statement, where).fetchone()
    return rows.to_submission(row) if row else None


def _submissions(
    connection: sqlite3.Connection, statement: str, where: Mapping[str, object]
) -> list[Submission]:
    return [rows.to_submission(row) for row in connection.execute(statement, where)]


def _first(limit: int, found: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(islice(found, limit))
