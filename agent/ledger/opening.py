"""The start gate: open a ledger only if it is ours, whole, the latest and of a shape this version knows.

SQLite takes an empty or missing file for a new database, which would forget all that was ever sent. So a
ledger is made only where nothing is kept yet. Nothing is written to a file that is not ours.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack, contextmanager
from importlib import resources
from time import monotonic, sleep
from typing import TYPE_CHECKING

from agent.errors import LedgerError
from agent.ledger import chain
from agent.ledger.head import Head, check

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APPLICATION = 0x494D5041  # "IMPA", in the header of the file
_SMALLEST = 512  # bytes, of a page
_CACHE = 8192  # KiB; what was sent of orders is found and noted all over its index
PATIENCE = 10.0  # seconds to wait for another process that is writing
_PAUSE = 0.01  # seconds between two looks whether it is done

_RESTORE = (
    "Put back the latest copy of it together with its -wal file. If there is none, nothing kept can be sent "
    "safely: move the whole state folder aside, start anew, drop again only what the far side does not have"
)


@contextmanager
def said_plainly(path: Path) -> Iterator[None]:
    """Turn what SQLite or the disk says about a ledger into a LedgerError."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if _busy(error):
            raise LedgerError(
                f"{path} was kept locked by another process for {PATIENCE:.0f} seconds"
            ) from error
        raise LedgerError(f"{path} cannot be used: {error}") from error
    except sqlite3.IntegrityError as error:
        raise LedgerError(f"{path} refuses what contradicts it: {error}") from error
    except sqlite3.DatabaseError as error:
        raise LedgerError(f"{path} is damaged: {error}. {_RESTORE}") from error
    except OSError as error:
        raise LedgerError(f"{path} cannot be used: {error.strerror}") from error


def _busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")


def open_checked(path: Path, *, must_exist: bool, thorough: bool) -> tuple[sqlite3.Connection, Head]:
    """Open the ledger at `path` behind the gate, migrated; make it if it may be new.

    Raises:
        LedgerError: the gate stays shut; the words say what to do.

    """
    with said_plainly(path), ExitStack() as undo:
        head = Head(path.with_suffix(".head"))
        undo.callback(head.close)
        mark = head.read()  # before the ledger is looked at: it may lag behind, never lead
        connection = _connect(path, must_exist=must_exist or (mark is not None and mark.seq > 0))
        undo.callback(connection.close)
        _set_up(connection, path)
        _migrate(connection)
        if thorough:
            _check_whole(connection, path)
        if mark is None:
            head.start(chain.last(connection))
        else:
            check(connection, mark, path)
        undo.pop_all()
    return connection, head


def _connect(path: Path, *, must_exist: bool) -> sqlite3.Connection:
    if must_exist and not path.exists():
        raise LedgerError(f"{path} is missing, though this state folder was in use. {_RESTORE}")
    if path.exists() and 0 < path.stat().st_size < _SMALLEST:  # SQLite would take it for an empty one
        raise LedgerError(f"{path} is damaged: it has {path.stat().st_size} bytes. {_RESTORE}")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))  # for our eyes only
    with ExitStack() as undo:
        connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        undo.callback(connection.close)
        connection.execute("BEGIN")  # what it is at one moment: another process may be making it
        _identify(connection, path, must_exist=must_exist)
        connection.execute("ROLLBACK")
        undo.pop_all()
    return connection


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _identify(connection: sqlite3.Connection, path: Path, *, must_exist: bool) -> None:
    application, version = _number(connection, "application_id"), _number(connection, "user_version")
    if application == APPLICATION and version > 0:
        known = _migrations()[-1][0]
        if version > known:
            raise LedgerError(
                f"{path} was last used by a newer agent: its shape is number {version}, this one knows up to "
                f"{known}. Install the newer agent again"
            )
        return
    if application or version or connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
        raise LedgerError(f"{path} is a database of something else, not a ledger of this agent. {_RESTORE}")
    if must_exist:
        raise LedgerError(f"{path} is empty, though this state folder was in use. {_RESTORE}")


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    mode = _written_ahead(connection)
    if mode != "wal":
        raise LedgerError(
            f"{path} is on a disk that cannot keep a ledger safely (journal mode {mode}); use a local one"
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE}")
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # it would swallow errors; Ledger does it and listens


def _written_ahead(connection: sqlite3.Connection) -> str:
    """Have changes written ahead; return the mode there is then. Here SQLite itself waits for nobody else."""
    until = monotonic() + PATIENCE
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if not _busy(error) or monotonic() > until:
                raise
        sleep(_PAUSE)


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise LedgerError(f"{path} is damaged: {said}. {_RESTORE}")


def _migrations() -> list[tuple[int, str]]:
    folder = resources.files("agent.ledger") / "schema"
    return sorted(
        (int(file.name[:3]), file.read_text("utf-8")) for file in folder.iterdir() if file.name[:3].isdigit()
    )


def _migrate(connection: sqlite3.Connection) -> None:
    wanted = _migrations()
    if _number(connection, "user_version") >= wanted[-1][0]:
        return
    connection.execute("BEGIN IMMEDIATE")
    known = _number(connection, "user_version")  # another process may have been quicker
    for number, text in wanted:
        if number > known:
            for statement in _statements(text):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {number}")
    connection.execute("COMMIT")  # an error before it leaves all as it was: the connection is closed then


def _statements(text: str) -> Iterator[str]:
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
