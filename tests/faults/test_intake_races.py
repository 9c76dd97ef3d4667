"""Senders who replace, remove, rename or write to a file in the very moment in which it is taken."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import random
import threading
import time
from typing import TYPE_CHECKING

import pytest

from agent.spool import Spool
from agent.stages.intake import Intake
from agent.stages.intake.dropfolder import DropFolder
from tests.dropping import Drop, unprivileged

if TYPE_CHECKING:
    from pathlib import Path

EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
LIBC = ctypes.CDLL(None, use_errno=True)


def digest(content: bytes) -> str:
    """Return the digest by which the ledger knows these bytes."""
    return hashlib.sha256(content).hexdigest()


class Meddling(Spool):
    """A spool in whose best moments a sender meddles, once each."""

    def __init__(self, state, *, while_copying=None, before_recording=None) -> None:
        super().__init__(state)
        self.while_copying, self.before_recording = while_copying, before_recording

    def take(self, fd, *, limit):
        """Copy, and let the sender act before the copy is complete."""
        meddle, self.while_copying = self.while_copying, None
        taken = super().take(fd, limit=limit)
        if meddle:
            meddle()
        return taken

    def sync(self) -> None:
        """Sync, and let the sender act before the ledger hears of the files."""
        meddle, self.before_recording = self.before_recording, None
        super().sync()
        if meddle:
            meddle()


@pytest.fixture
def drop(tmp_path):
    """Make a drop folder with the usual settings."""
    made = Drop(tmp_path)
    yield made
    made.stop()


def meddle(drop, **moments):
    """Give the drop folder's intake a spool with such moments."""
    drop.spool = Meddling(drop.root / "state", **moments)
    drop.intake.close()
    drop.intake = Intake(drop.feed, drop.folder, drop.ledger, drop.spool)


def contents(drop) -> dict[str, bytes]:
    """Return the bytes of every file in `working/`, by the id of its submission."""
    return {path.name.split("--")[0]: path.read_bytes() for path in (drop.folder / "working").iterdir()}


def replace(path: Path, content: bytes) -> None:
    """Publish another file under the same name, as a sender does it."""
    fresh = path.with_name(".fresh")
    fresh.write_bytes(content)
    fresh.rename(path)


def test_a_file_replaced_before_its_move_is_taken_too(drop):
    """Both versions are recorded; the second is not carried off under the first one's id."""
    path = drop.put("a.csv", b"one")
    meddle(drop, before_recording=lambda: replace(path, b"two"))
    drop.settle()
    assert (drop.left(), drop.working()) == (["a.csv"], [])
    drop.settle()
    first, second = drop.ledger.submissions()
    assert [first.sha256, second.sha256] == [digest(b"one"), digest(b"two")]
    assert contents(drop) == {second.id: b"two"}


def test_a_file_replaced_while_it_is_copied_is_taken_as_one_whole(drop):
    """The copy of the old one is thrown away; nothing half old, half new gets in, and no scratch is left."""
    path = drop.put("a.csv", b"one")
    meddle(drop, while_copying=lambda: path.write_bytes(b"longer"))
    result = drop.settle()
    assert (result.taken, drop.states, result.next_look) == ((), {}, pytest.approx(0.1))
    assert [*(drop.root / "state/spool/tmp").iterdir()] == []
    drop.settle()
    (submission,) = drop.ledger.submissions()
    assert submission.sha256 == digest(b"longer")


def test_a_file_written_to_before_its_move_raises_the_alarm(drop):
    """What was recorded stands; people hear that it is not all."""
    path = drop.put("a.csv", b"one")
    meddle(drop, before_recording=lambda: path.write_bytes(b"one and more"))
    result = drop.settle()
    assert [notice.fault.code for notice in result.news] == ["W-LATEWRITE"]
    assert result.late == result.taken
    assert contents(drop) == {result.taken[0]: b"one and more"}
    assert drop.ledger.submission(result.taken[0]).sha256 == digest(b"one")


def test_a_file_removed_before_its_move_is_recorded_and_said(drop):
    """Its bytes are safe, so it counts; nothing is left to move."""
    path = drop.put("a.csv", b"one")
    meddle(drop, before_recording=path.unlink)
    result = drop.settle()
    assert [notice.fault.code for notice in result.news] == ["W-GONE"]
    assert drop.states == {"RECEIVED": ["a.csv"]}


def test_a_file_renamed_before_its_move_is_held_as_a_repetition(drop):
    """Under its new name it is the same bytes again: nothing is sent twice."""
    path = drop.put("a.csv", b"one")
    meddle(drop, before_recording=lambda: path.rename(drop.folder / "b.csv"))
    drop.settle()
    drop.settle()
    assert drop.states == {"RECEIVED": ["a.csv"], "DUPLICATE": ["b.csv"]}


def test_a_file_that_cannot_be_moved_after_all_is_recorded_once():
    """It is named once, tried again after a minute, and never taken a second time."""
    with unprivileged() as home:
        drop = Drop(home)
        drop.put("a.csv", b"one")
        meddle(drop, before_recording=lambda: (drop.folder / "working").chmod(0o500))
        result = drop.settle()
        assert ([notice.fault.code for notice in result.news], result.next_look) == (["E-STUCK"], None)
        assert ([drop.scan(50).news, drop.scan(50).news], drop.left()) == ([(), ()], ["a.csv"])
        (drop.folder / "working").chmod(0o700)
        drop.scan(60)
        assert (drop.states, drop.left()) == ({"RECEIVED": ["a.csv"]}, [])
        assert drop.scan().findings == ()
        drop.stop()


def test_a_file_is_given_back_beside_what_has_its_name(drop):
    """Giving back overwrites nothing, and the new name keeps the ending that the feed's pattern asks for."""
    folder = DropFolder(drop.folder)
    folder.attend()
    for number in range(3):
        (drop.folder / "working" / "mine").write_bytes(b"%d" % number)
        folder.give_back("mine", "a.csv")
    folder.close()
    assert {name: (drop.folder / name).read_bytes() for name in drop.left()} == {
        "a.csv": b"0", "a.1.csv": b"1", "a.2.csv": b"2",
    }  # fmt: skip


class Replacer(threading.Thread):
    """A sender who replaces one file by exchange, so that it knows every version that it overwrote.

    Its pauses are about as long as it takes to take a file, so that it hits every moment of that.
    """

    def __init__(self, drop: Drop, versions: int) -> None:
        super().__init__()
        self.folder, self.versions, self.dice = drop.folder, versions, random.Random(7)  # noqa: S311 - not a secret
        self.overwritten: set[str] = set()

    def run(self) -> None:
        """Publish all versions."""
        fresh, path = self.folder / ".fresh", self.folder / "a.csv"
        for version in range(self.versions):
            fresh.write_bytes(b"version %d" % version)
            while not self._published(fresh, path):
                pass
            time.sleep(self.dice.uniform(0, 0.004))

    def _published(self, fresh: Path, path: Path) -> bool:
        try:
            os.link(fresh, path)
        except FileExistsError:
            if LIBC.renameat2(-100, bytes(fresh), -100, bytes(path), EXCHANGE) != 0:
                assert ctypes.get_errno() == errno.ENOENT
                return False
            self.overwritten.add(digest(fresh.read_bytes()))
        fresh.unlink()
        return True


def test_thousands_of_replacements_lose_no_version(tmp_path):
    """Every version was taken or overwritten by its sender; `working/` holds what its names say."""
    drop = Drop(tmp_path, settle="0s", allow_duplicates=True)
    sender = Replacer(drop, 1200)
    sender.start()
    while sender.is_alive():
        drop.scan(0.001)
    sender.join()
    for _ in range(10):
        drop.scan(61)  # a link that was seen in the middle of being published has to wait for a minute
    assert drop.left() == []
    submissions = drop.ledger.submissions(limit=10_000)
    taken = [submission.sha256 for submission in submissions if submission.sha256]
    aside = [submission for submission in submissions if submission.state != "RECEIVED"]
    known = {submission.id: submission.sha256 for submission in submissions}
    everything = {digest(b"version %d" % version) for version in range(sender.versions)}
    assert aside == []
    assert everything == {*taken, *sender.overwritten}
    assert len(taken) == len(set(taken))
    assert all(known[one] == digest(content) for one, content in contents(drop).items())
    assert len(taken) - len(contents(drop)) > 10  # so many were replaced in the moment this is about
    drop.stop()


def test_thousands_of_swaps_for_a_link_read_nothing_foreign(tmp_path):
    """A name that is a file one moment and a link to a secret the next never brings the secret in."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"not yours")
    dice = random.Random(7)  # noqa: S311 - not a secret
    drop = Drop(tmp_path, settle="0s", allow_duplicates=True)
    done = threading.Event()

    def swap() -> None:
        fresh, path = drop.folder / ".fresh", drop.folder / "a.csv"
        for number in range(1200):
            time.sleep(dice.uniform(0, 0.004))
            if number % 2:
                fresh.symlink_to(secret)
            else:
                fresh.write_bytes(b"%d" % number)
            fresh.rename(path)
        done.set()

    sender = threading.Thread(target=swap)
    sender.start()
    while not done.is_set():
        drop.scan(1)
    sender.join()
    drop.scan(1)
    objects = [path.name for path in (tmp_path / "state/spool/obj").iterdir()]
    assert len(objects) > 10
    assert digest(b"not yours") not in objects
    assert {"RECEIVED", "QUARANTINED"} >= set(drop.states)
    drop.stop()
