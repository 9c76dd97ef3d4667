"""The audit: a line per transition, sealed with the hash of the one before, so that none changes unseen.

hash = SHA-256(hash of the line before, then seq, at, actor, subject, event, before, after, note; parted by
newlines). Only the note, which comes last, may hold newlines itself, so no two lines read the same. A line
cut off the end shows against the head file (`head.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.ledger import statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from agent.ledger.rows import Row

START = "0" * 64  # what the first line is chained to
ENOUGH = 20  # problems told; who has twenty has them all


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the chain: its last line and that line's hash."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Line:
    """What one audit line says, before it has its place."""

    subject: str
    event: str
    before: str
    after: str
    note: str = ""


def last(connection: sqlite3.Connection) -> Mark:
    """Return the end of the chain; seq 0 where there is no line yet."""
    row = connection.execute(statements.AUDIT_LAST).fetchone()
    return Mark(*row) if row else Mark(0, START)


class Pen:
    """Writes audit lines within one open transaction."""

    def __init__(self, connection: sqlite3.Connection, at: float, actor: str) -> None:
        if not actor or "\n" in actor:
            raise ValueError("the audit needs an actor, on one line")
        self._connection, self.at, self._actor = connection, float(at), actor
        self.mark = last(connection)

    def write(self, line: Line) -> None:
        """Append one line."""
        seq = self.mark.seq + 1
        row = (
            seq,
            self.at,
            self._actor,
            line.subject,
            line.event,
            str(line.before),
            str(line.after),
            line.note,
        )
        sealed = _seal(self.mark.hash, row)
        self._connection.execute(statements.INSERT_AUDIT, (*row, sealed))
        self.mark = Mark(seq, sealed)


def problems(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield what is wrong with the audit, the first bad line first; nothing if all is well."""
    seen: dict[str, str] = {}  # state by subject, as the audit has it
    previous, expected = START, 1
    for row in connection.execute(statements.AUDIT_ALL):
        seq, _, _, subject, event, before, after, _, sealed = row
        if seq != expected:
            yield f"audit line {expected} is missing"
        elif sealed != _seal(previous, row[:-1]):
            yield f"audit line {seq} ({subject}, {event}) was altered, or stands where another stood"
        elif before != seen.get(subject, ""):
            yield f"audit line {seq} ({subject}, {event}) does not follow from the line before it"
        previous, expected, seen[subject] = sealed, seq + 1, after
    for subject, state in connection.execute(statements.STATES_NOW):
        told = seen.pop(subject, "")
        if told != state:
            yield f"{subject} is {state}, but the audit left it {told or 'unmentioned'}"
    for subject, state in seen.items():
        yield f"{subject} is gone, but the audit left it {state}"


def _seal(previous: str, row: Row) -> str:
    seq, at, *texts = row
    line = "\n".join((previous, str(seq), repr(at), *texts))  # repr of a float is its shortest exact form
    return hashlib.sha256(line.encode()).hexdigest()
