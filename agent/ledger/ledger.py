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
from agent.ledger import memory, reading, rows, statements, writing
from agent.ledger.chain import Pen
from agent.ledger.opening import open_checked, said_plainly
from agent.ledger.questions import Questions
from agent.states import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from agent.ledger.head import Head
    from agent.ledger.transition import Transition
    from agent.model import Notice

_T = TypeVar("_T")

_PIECE = 5000  # orders remembered in one transaction
_CHECKPOINT = 2000  # rows changed after which the write-ahead file is carried over


class Ledger(Questions):
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

    def note(
        self, way: str, notices: Sequence[Notice], *, gone: Sequence[str] = (), mark: int | None = None
    ) -> None:
        """Keep what people are owed or were told by a way, all of it or nothing; the audit does not hear of it.

        Args:
            way: which.
            notices: each replaces what was kept about the same thing.
            gone: things about which nothing is kept any more.
            mark: up to which line of the audit the way has looked.

        Raises:
            LedgerError: the ledger could not be written.

        """
        with self._writing(0.0, "agent"):
            for about in gone:
                self._connection.execute(statements.DELETE_NOTICE, {"way": way, "about": about})
            self._connection.executemany(statements.UPSERT_NOTICE, map(rows.of_notice, notices))
            if mark is not None:
                self._connection.execute(statements.UPSERT_NOTICE_MARK, {"way": way, "seq": mark})

    def remember(self, level: str, paths: Sequence[str], orders: Iterable[tuple[int, bytes, bytes]]) -> None:
        """Keep what batches say of their orders; of each it counts once a batch with that path is committed.

        Written in pieces, so that nobody else waits long. Done again after a crash, it takes the place of what was
        noted before.

        Args:
            level: of their rows.
            paths: where the batches are kept.
            orders: the place among `paths`, the mark of an order, what is said of its items. By mark, so that each
                page of the index is written once.

        Raises:
            LedgerError: the ledger could not be written.

        """
        with self._writing(0.0, "agent"):
            numbers = memory.begin(self._connection, level, paths)
        rest = iter(orders)
        while piece := tuple(islice(rest, _PIECE)):
            with self._writing(0.0, "agent"):
                memory.remember(self._connection, numbers, piece)

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

    def _let_go(self) -> None:
        self._gone, self._failed = True, self._failed or "it was closed"
        self._connection.close()
        self._head.close()
