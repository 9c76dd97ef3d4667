from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from contextlib import closing, suppress

import pytest

from agent.errors import LedgerError
from agent.ledger.ledger import Ledger
from tests.unit.ledger.made import NOON, batch, moved, prepared, submission, taken


@pytest.fixture
def used(path):
    """Leave a ledger that has been in use, closed."""
    with Ledger.open(path, must_exist=False) as opened:
        owners = [submission(f"f{number}") for number in range(60)]
        pairs = [(taken(owner), prepared(owner, batch(owner))) for owner in owners]
        opened.commit([one for pair in pairs for one in pair], at=NOON)
    return path


def overwrite(path, place, content):
    """Change a few bytes in the middle of a file."""
    with path.open("r+b") as file:
        file.seek(place)
        file.write(content)


def test_a_fresh_start_makes_a_ledger_for_our_eyes_only(path):
    """Where nothing is kept there may be no ledger yet; what is made can be opened again."""
    Ledger.open(path, must_exist=False).close()
    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
    with Ledger.open(path, must_exist=True) as again:
        assert again.counts_by_state() == {}


def test_it_waits_for_another_process_that_makes_the_same_ledger(path):
    """Also where SQLite would not, at the change to a write-ahead file."""
    opened = []
    opener = threading.Thread(target=lambda: opened.append(Ledger.open(path, must_exist=False)))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        opener.start()
        opener.join(0.3)  # time to give up in; what holds does not hang on it
        other.execute("ROLLBACK")
    opener.join()
    (ledger,) = opened
    ledger.close()


def test_a_ledger_made_while_it_is_looked_at_is_ours(path, monkeypatch):
    """What it is gets read at one moment, never half before and half after another process made it."""
    connect = sqlite3.connect

    def connected(*how, **more):
        made = connect(*how, **more)

        def meanwhile(statement: str) -> None:
            if "user_version" in statement:  # the second thing that is asked
                made.set_trace_callback(None)
                with closing(connect(path, timeout=0)) as other, suppress(sqlite3.OperationalError):
                    other.execute("PRAGMA application_id = 0x494D5041")
                    other.execute("PRAGMA user_version = 3")

        made.set_trace_callback(meanwhile)
        return made

    monkeypatch.setattr(sqlite3, "connect", connected)
    Ledger.open(path, must_exist=False).close()


def test_the_ledger_is_durable_and_consistent(path):
    """Write-ahead, every commit synced, foreign keys on, marked as ours."""
    with Ledger.open(path, must_exist=False) as ledger:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "application_id", "user_version")
        found = [ledger._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
    assert found == ["wal", 2, 1, 0x494D5041, 5]


def test_an_empty_file_is_a_fresh_start_only_where_nothing_is_kept(path):
    """A crash while the ledger was made leaves an empty file: fine, unless files are kept beside it."""
    path.touch()
    with pytest.raises(LedgerError, match="is empty, though this state folder was in use"):
        Ledger.open(path, must_exist=True)
    Ledger.open(path, must_exist=False).close()


def test_a_missing_ledger_is_not_made_anew(path):
    """Files are kept but the ledger is gone: nothing is sent, and the words say what to do."""
    with pytest.raises(LedgerError, match="Put back the latest copy"):
        Ledger.open(path, must_exist=True)
    assert not path.exists()


@pytest.mark.parametrize("must_exist", [True, False])
def test_a_deleted_ledger_is_missed(used, must_exist):
    """Also where the spool happens to be empty: the head says that the ledger was in use."""
    for left in used.parent.glob("ledger.db*"):
        left.unlink()
    with pytest.raises(LedgerError, match="is missing, though"):
        Ledger.open(used, must_exist=must_exist)


@pytest.mark.parametrize("must_exist", [True, False])
@pytest.mark.parametrize("content", [b"garbage " * 600, b"SQLite format 3\0" + b"\xff" * 5000, b"x"])
def test_garbage_is_no_ledger(path, content, must_exist):
    """What is not understood is refused and left as it is."""
    path.write_bytes(content)
    with pytest.raises(LedgerError):
        Ledger.open(path, must_exist=must_exist)
    assert path.read_bytes() == content


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_ledger_is_refused(used, share):
    """Whatever part is cut off the end."""
    os.truncate(used, int(used.stat().st_size * share))
    with pytest.raises(LedgerError):
        Ledger.open(used, must_exist=True)


def test_a_damaged_page_is_refused(used):
    """Each page in turn: damage is found before anything is sent."""
    whole = used.read_bytes()
    for page in range(0, len(whole), 4096):
        used.write_bytes(whole)
        overwrite(used, page, b"\xa5" * 64)
        with pytest.raises(LedgerError):
            Ledger.open(used, must_exist=True)


def test_a_database_of_something_else_is_refused_and_left_alone(path):
    """A foreign database is neither migrated nor switched to another mode."""
    with closing(sqlite3.connect(path)) as foreign:
        foreign.execute("CREATE TABLE theirs (x)")
        foreign.commit()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="something else"):
        Ledger.open(path, must_exist=False)
    assert path.read_bytes() == before


def test_a_newer_ledger_is_refused_in_plain_words(used):
    """An older agent does not touch what a newer one has written."""
    with closing(sqlite3.connect(used)) as newer:
        newer.execute("PRAGMA user_version = 7")
    with pytest.raises(LedgerError, match="newer agent: its shape is number 7, this one knows up to 5"):
        Ledger.open(used, must_exist=True)


def test_an_older_copy_is_refused(used):
    """A backup put back over the ledger lacks what was sent since; a person may decide to go on with it."""
    shutil.copy(used, used.with_suffix(".copy"))
    with Ledger.open(used, must_exist=True) as ledger:
        ledger.commit([moved(submission("f1"), "told", told_at=NOON)], at=NOON)
    shutil.copy(used.with_suffix(".copy"), used)
    with pytest.raises(LedgerError, match="an older copy than the one last used"):
        Ledger.open(used, must_exist=True)
    used.with_suffix(".head").unlink()
    with Ledger.open(used, must_exist=True) as ledger:
        assert len(ledger.submissions()) == 60


def test_a_lost_write_ahead_file_is_noticed(path, tmp_path):
    """The ledger without its -wal file is an older copy, too."""
    with Ledger.open(path, must_exist=False) as ledger:
        ledger.commit([taken(submission())], at=NOON)
        ledger._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ledger.commit([moved(submission(), "rejected")], at=NOON)
        copied = tmp_path / "copied"
        copied.mkdir()
        for name in ("ledger.db", "ledger.head"):
            shutil.copy(path.with_name(name), copied)
    with pytest.raises(LedgerError, match="older copy"):
        Ledger.open(copied / "ledger.db", must_exist=True)


def test_another_ledger_of_ours_is_refused(used, tmp_path):
    """A ledger of the same agent, from another state folder, is not the one last used here."""
    other = tmp_path / "other"
    other.mkdir()
    with Ledger.open(other / "ledger.db", must_exist=False) as ledger:
        ledger.commit([taken(submission(f"o{number}")) for number in range(200)], at=NOON)
    shutil.copy(other / "ledger.db", used)
    with pytest.raises(LedgerError, match="not the ledger last used here"):
        Ledger.open(used, must_exist=True)


def test_a_damaged_head_is_refused(used):
    """What the head says is not guessed at."""
    used.with_suffix(".head").write_bytes(b"?")
    with pytest.raises(LedgerError, match="damaged"):
        Ledger.open(used, must_exist=True)


def test_a_head_that_lags_behind_is_fine(used):
    """A power cut may keep the commit and lose the head written after it."""
    head = used.with_suffix(".head")
    before = head.read_bytes()
    with Ledger.open(used, must_exist=True) as ledger:
        ledger.commit([taken(submission())], at=NOON)
    head.write_bytes(before)
    Ledger.open(used, must_exist=True).close()


def test_a_locked_ledger_is_told_in_plain_words(used):
    """Another process that keeps the ledger to itself is named as the cause."""
    with (
        closing(sqlite3.connect(used, isolation_level=None)) as other,
        Ledger.open(used, must_exist=True) as ledger,
    ):
        other.execute("BEGIN IMMEDIATE")
        ledger._connection.execute("PRAGMA busy_timeout = 20")
        with pytest.raises(LedgerError, match="kept locked by another"):
            ledger.commit([taken(submission())], at=NOON)
        other.execute("ROLLBACK")
        ledger.commit([taken(submission())], at=NOON)
        assert ledger.submission(submission().id) is not None


def test_a_folder_that_is_missing_is_told(tmp_path):
    """No traceback of the system's."""
    with pytest.raises(LedgerError, match="No such file"):
        Ledger.open(tmp_path / "nowhere" / "ledger.db", must_exist=False)
