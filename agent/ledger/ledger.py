"""The door to the ledger: state changes with their audit line in one transaction, and questions.

One connection and one lock, so several threads may use it; other processes may write to the same file at the
same time and wait for each other. It is not carried over a fork. A `LedgerError` from a commit means that
nobody may trust what this object says from then on: it refuses to write again, and the engine stops. Holds no
contents of rows.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING, Self, TypeVar

from agent.errors import LedgerError
from agent.ledger import chain, reading, rows, statements, writing
from agent.ledger.chain import Pen
from agent.ledger.opening import open_checked, said_plainly
from agent.states import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from agent.ledger.head import Head
    from agent.ledger.rows import Row
    from agent.ledger.transition import Kind, Transition
    from agent.model import Attempt, AuditEvent, Batch, FindingGroup, Paper, Submission

_T = TypeVar("_T")

MANY = 1000  # answers to a question that names no limit
_CHECKPOINT = 2000  # rows changed after which the write-ahead file is carried over


class Ledger:
    """Where every submission and batch stands; made by `open`."""

    def __init__(self, path: Path, connection: sqlite3.Connection, head: Head) -> None:
        self.path = path
        self._connection, self._head = connection, head
        self._lock = RLock()
        self._failed = ""  # what broke, once something did
        self._gone = False
        self._carried = connection.total_changes

    @classmethod
    def open(cls, path: Path, *, must_exist: bool, thorough: bool = True) -> Self:
        """Open the ledger behind its start gate; make it where it may be new.

        `must_exist` is for a spool or archive that is not empty: then a missing or empty ledger has been
        lost. `thorough` reads the whole file once; commands that only ask may do without.

        Raises:
            LedgerError: it is missing, damaged, older than the one last used, of something else, or from a
            newer agent.

        """
        return cls(path, *open_checked(path, must_exist=must_exist, thorough=thorough))

    def commit(self, transitions: Sequence[Transition], *, at: float, actor: str = "agent") -> None:
        """Apply all transitions, in order, in one durable transaction with an audit line each.

        Raises:
            UnknownTransitionError: one has no edge from where its subject stands now; nothing was written.
            LedgerError: the ledger could not be written.

        """
        if not transitions:
            return
        with self._writing(at, actor) as pen:
            for transition in transitions:
                writing.apply(self._connection, transition, pen)

    def note_phase(self, batch: str, number: int, phase: str, *, at: float, evidence: str = "") -> None:
        """Record how far a running attempt got; on disk when this returns.

        Raises:
            UnknownTransitionError: the batch is not being sent, or the phase was passed before.
            LedgerError: there is no such attempt, or the ledger could not be written.

        """
        with self._writing(at, "agent") as pen:
            attempt = reading.attempt(self._connection, batch, number)
            if attempt is None:
                raise LedgerError(f"batch {batch} has no attempt {number}")
            writing.note_phase(self._connection, attempt, Phase(phase), evidence, pen)

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

    def owed(self, states: Collection[str], *, limit: int = MANY) -> tuple[Submission, ...]:
        """Return submissions in these states that changed since their folder was last told, oldest first."""
        return self._ask(lambda: reading.owed(self._connection, states, limit))

    def to_tell(self, *, limit: int = MANY) -> tuple[Submission, ...]:
        """Return prepared submissions that may be closed, or have a batch the folder must hear of."""
        return self._ask(lambda: reading.to_tell(self._connection, limit))

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

    def next_due(self) -> float | None:
        """Return when the first deferred batch is due."""
        return self._ask(lambda: reading.next_due(self._connection))

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

    def known_paths(self) -> set[str]:
        """Return every path that the ledger names, relative to the state folder."""
        return self._ask(lambda: {path for (path,) in self._connection.execute(statements.KNOWN_PATHS)})

    def verify_audit(self) -> list[str]:
        """Return what is wrong with the audit, the first bad line first; empty if all is well."""
        return self._ask(lambda: list(islice(chain.problems(self._connection), chain.ENOUGH)))

    def close(self) -> None:
        """Carry the write-ahead file over and let go; safe to call twice."""
        with self._lock:
            if self._gone:
                return
            try:
                if not self._failed and self._connection.total_changes > self._carried:
                    with said_plainly(self.path):
                        self._carry_over()
            finally:
                self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _writing(self, at: float, actor: str) -> Iterator[Pen]:
        with self._lock, said_plainly(self.path):
            if self._failed:
                raise LedgerError(
                    f"{self.path} could not be written before ({self._failed}); start the agent anew"
                )
            self._connection.execute("BEGIN IMMEDIATE")
            with self._believed_no_more_after_errors():
                try:
                    pen = Pen(self._connection, at, actor)
                    yield pen
                    self._connection.execute("COMMIT")
                finally:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                self._head.write(pen.mark)
                if self._connection.total_changes - self._carried > _CHECKPOINT:
                    self._carry_over()

    @contextmanager
    def _believed_no_more_after_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:  # the database is well, the wish was wrong
            raise
        except (sqlite3.Error, OSError) as error:
            self._failed = str(error)
            raise

    def _carry_over(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self._carried = self._connection.total_changes

    def _ask(self, question: Callable[[], _T]) -> _T:
        """Answer from one state of the ledger, however many statements it takes."""
        with self._lock, said_plainly(self.path):
            if self._gone:
                raise LedgerError(f"{self.path} was closed")
            self._connection.execute("BEGIN")
            try:
                return question()
            finally:
                self._connection.execute("ROLLBACK")

    def _all(self, made: Callable[[Row], _T], statement: str, **where: str) -> tuple[_T, ...]:
        return tuple(map(made, self._connection.execute(statement, where)))

    def _let_go(self) -> None:
        self._gone, self._failed = True, self._failed or "it was closed"
        self._connection.close()
        self._head.close()
