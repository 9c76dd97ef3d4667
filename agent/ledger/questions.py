"""Questions to the ledger, each answered from one state of it; they change nothing.

What asks and what writes share one connection and one lock: `Ledger` has both.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from agent.ledger import chain, memory, reading, rows, statements

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterable, Iterator

    from agent.ledger.rows import Row
    from agent.ledger.transition import Kind
    from agent.model import (
        Acknowledgement,
        Answer,
        Attempt,
        AuditEvent,
        Batch,
        FindingGroup,
        Notice,
        Paper,
        Precedent,
        Submission,
    )

_T = TypeVar("_T")

MANY = 1000  # answers to a question that names no limit


class Questions:
    """What may be asked."""

    _connection: sqlite3.Connection

    def submission(self, wanted: str) -> Submission | None:
        """Return the submission of this id."""
        return self._ask(lambda: reading.submission(self._connection, wanted))

    def submissions(
        self,
        states: Collection[str] | None = None,
        feed: str | None = None,
        *,
        limit: int = MANY,
        newest_first: bool = False,
    ) -> tuple[Submission, ...]:
        """Return submissions in these states (None: all), of this feed (None: all), by time of receipt."""
        return self._ask(
            lambda: reading.submissions(self._connection, states, feed, limit, newest_first=newest_first)
        )

    def dropped(self, feed: str, *, limit: int = MANY) -> tuple[Submission, ...]:
        """Return the newest submissions of a feed that were in its drop folder themselves, newest first."""
        return self._ask(
            lambda: self._all(rows.to_submission, statements.SUBMISSIONS_DROPPED, feed=feed, limit=limit)
        )

    def inside(self, archive: str) -> tuple[Submission, ...]:
        """Return the submissions of the files inside an archive, as they stand in it."""
        return self._ask(
            lambda: self._all(rows.to_submission, statements.SUBMISSIONS_INSIDE, archive=archive)
        )

    def owed(self, states: Collection[str], *, limit: int = MANY) -> tuple[Submission, ...]:
        """Return submissions in these states that changed since their folder was last told, oldest first."""
        return self._ask(lambda: reading.owed(self._connection, states, limit))

    def to_tell(self, *, limit: int = MANY) -> tuple[Submission, ...]:
        """Return prepared submissions that may be closed, or have a batch the folder must hear of."""
        return self._ask(lambda: reading.to_tell(self._connection, limit))

    def next_received(self) -> tuple[Submission, ...]:
        """Return of each feed the received submission that came first, by the name of the feed."""
        return self._ask(lambda: self._all(rows.to_submission, statements.NEXT_OF_EACH_FEED))

    def same_bytes(self, feed: str, sha256: str) -> Submission | None:
        """Return the earliest of this feed with the same bytes of which something was or will be sent."""
        return self._ask(lambda: reading.same_bytes(self._connection, feed, sha256))

    def by_fingerprint(self, feed: str, fingerprint: str, sha256: str) -> Submission | None:
        """Return the latest of this feed with the same fingerprint and bytes: a file a crash brought back."""
        return self._ask(lambda: reading.by_fingerprint(self._connection, feed, fingerprint, sha256))

    def batch(self, wanted: str) -> Batch | None:
        """Return the batch of this id."""
        return self._ask(lambda: reading.batch(self._connection, wanted))

    def batches(
        self,
        states: Collection[str],
        destination: str | None = None,
        due_by: float | None = None,
        *,
        limit: int = MANY,
    ) -> tuple[Batch, ...]:
        """Return batches in these states, due by then (None: whenever), in the order they were made."""
        return self._ask(lambda: reading.batches(self._connection, states, destination, due_by, limit))

    def batches_of(self, submission: str) -> tuple[Batch, ...]:
        """Return the batches of a submission in the order they were made."""
        return self._ask(lambda: reading.batches_of(self._connection, submission))

    def batches_named(self, name: str) -> tuple[Batch, ...]:
        """Return the batches that have this file name at the other end; as a rule there is one at most."""
        return self._ask(lambda: reading.batches_named(self._connection, name))

    def awaited(self, *, limit: int = MANY) -> tuple[Batch, ...]:
        """Return delivered batches whose answer is awaited, the oldest delivery first."""
        return self._ask(lambda: reading.awaited(self._connection, limit))

    def overdue(self, *, limit: int = MANY) -> tuple[Batch, ...]:
        """Return delivered batches whose answer is overdue, the oldest delivery first."""
        return self._ask(lambda: reading.overdue(self._connection, limit))

    def is_to_tell(self, submission: str) -> bool:
        """Whether a prepared submission may be closed, or has a batch the folder must hear of."""
        return self._ask(lambda: self._is(statements.IS_TO_TELL, id=submission))

    def acknowledgement(self, wanted: str) -> Acknowledgement | None:
        """Return the acknowledgement of this id."""
        return self._ask(lambda: reading.acknowledgement(self._connection, wanted))

    def acknowledgements(self, states: Collection[str], *, limit: int = MANY) -> tuple[Acknowledgement, ...]:
        """Return acknowledgements in these states, the one fetched first first."""
        return self._ask(lambda: reading.acknowledgements(self._connection, states, limit))

    def has_fetched(self, source: str, key: str) -> bool:
        """Whether this was fetched from this source before."""
        return self._ask(lambda: self._is(statements.ACKNOWLEDGED_KEY, source=source, key=key))

    def answers(self, batch: str) -> tuple[Answer, ...]:
        """Return what acknowledgements said about a batch, the first one first."""
        return self._ask(lambda: self._all(rows.to_answer, statements.ANSWERS, batch=batch))

    def attempts(self, batch: str) -> tuple[Attempt, ...]:
        """Return the attempts of a batch, the first one first."""
        return self._ask(lambda: self._all(rows.to_attempt, statements.ATTEMPTS, batch=batch))

    def papers(self, submission: str) -> tuple[Paper, ...]:
        """Return the papers of a submission, by kind and path."""
        return self._ask(lambda: self._all(rows.to_paper, statements.PAPERS, submission=submission))

    def groups(self, submission: str) -> tuple[FindingGroup, ...]:
        """Return what was found in a submission: counted, without values and examples."""
        return self._ask(lambda: self._all(rows.to_group, statements.GROUPS, submission=submission))

    def audit(self, subjects: Collection[str] | None = None, *, limit: int = MANY) -> tuple[AuditEvent, ...]:
        """Return the newest lines about these submissions and batches (None: about all), oldest first."""
        return self._ask(lambda: reading.audit(self._connection, subjects, limit))

    def audit_since(self, seq: int, *, limit: int = MANY) -> tuple[AuditEvent, ...]:
        """Return the lines that follow this one, the oldest first."""
        where = {"seq": seq, "limit": limit}
        found = self._ask(lambda: self._connection.execute(statements.AUDIT_SINCE, where).fetchall())
        return tuple(map(rows.to_audit, found))

    def audit_end(self) -> int:
        """Return the number of the last line of the audit; 0 where there is none."""
        return self._ask(lambda: chain.last(self._connection).seq)

    def notice(self, way: str, about: str) -> Notice | None:
        """Return what people were told of one thing by one way."""
        found = self._ask(lambda: self._all(rows.to_notice, statements.NOTICE, way=way, about=about))
        return found[0] if found else None

    def notices_owed(self, way: str, *, limit: int = MANY) -> tuple[Notice, ...]:
        """Return what is to be told by a way, now or later, the oldest first."""
        where = {"way": way, "limit": limit}
        found = self._ask(lambda: self._connection.execute(statements.NOTICES_OWED, where).fetchall())
        return tuple(map(rows.to_notice, found))

    def notices_lasting(self, way: str) -> tuple[Notice, ...]:
        """Return what lasts and is no file, as a way knows it."""
        return self._ask(lambda: self._all(rows.to_notice, statements.NOTICES_LASTING, way=way))

    def notice_mark(self, way: str) -> int | None:
        """Return up to which line of the audit a way has looked at files; None: it never has."""
        found = self._ask(lambda: self._all(lambda row: int(row[0]), statements.NOTICE_MARK, way=way))
        return found[0] if found else None

    def precedents(
        self, destination: str, marks: Iterable[bytes]
    ) -> Iterator[tuple[bytes, tuple[Precedent, ...]]]:
        """Give, of those orders that were sent to a destination before, what was sent; the oldest first.

        Asked in pieces, so that nobody else waits long: each piece is answered from one state of the ledger.
        """
        if self._ask(lambda: memory.is_empty(self._connection)):
            return
        known = memory.Memory(self._connection, destination)
        rest = iter(marks)
        while piece := tuple(islice(rest, MANY)):
            found = self._ask(lambda: tuple(map(known.precedents, piece)))
            yield from ((mark, one) for mark, one in zip(piece, found, strict=True) if one)

    def resolve(self, text: str) -> str:
        """Return the one submission or batch id that begins with `text`.

        Raises:
            LookupError: none does, or several do; the words name some.

        """
        found = self._ask(lambda: reading.with_prefix(self._connection, text.strip().lower()))
        if text.strip().lower() in found:
            return text.strip().lower()
        if len(found) == 1:
            return found[0]
        if not found:
            raise LookupError(f"no submission or batch begins with {text!r}")
        more = " and more" if len(found) > reading.CANDIDATES else ""
        named = ", ".join(found[: reading.CANDIDATES])
        raise LookupError(f"several submissions or batches begin with {text!r}: {named}{more}")

    def counts_by_state(self) -> dict[tuple[Kind, str], int]:
        """Return how many submissions and batches are in each state."""
        return self._ask(
            lambda: {(kind, state): n for kind, state, n in self._connection.execute(statements.COUNTS)}
        )

    def batches_by_destination(self, states: Collection[str]) -> dict[tuple[str, str], int]:
        """Return how many batches there are, by destination and by each of these states."""
        return self._ask(lambda: reading.batches_by_destination(self._connection, states))

    def overdue_by_destination(self) -> dict[str, int]:
        """Return how many batches of each destination wait for an answer that is overdue."""
        return self._ask(lambda: dict(self._connection.execute(statements.OVERDUE_BY_DESTINATION)))

    def known_paths(self) -> set[str]:
        """Return every path that the ledger names, relative to the state folder."""
        return self._ask(lambda: {path for (path,) in self._connection.execute(statements.KNOWN_PATHS)})

    def verify_audit(self) -> list[str]:
        """Return what is wrong with the audit, the first bad line first; empty if all is well."""
        return self._ask(lambda: list(islice(chain.problems(self._connection), chain.ENOUGH)))

    def _all(self, made: Callable[[Row], _T], statement: str, **where: str | int) -> tuple[_T, ...]:
        return tuple(map(made, self._connection.execute(statement, where)))

    def _is(self, statement: str, **where: str) -> bool:
        return self._connection.execute(statement, where).fetchone() is not None

    def _ask(self, question: Callable[[], _T]) -> _T:
        """Answer from one state of the ledger, however many statements it takes."""
        raise NotImplementedError
