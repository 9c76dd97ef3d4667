"""When a file counts as finished, and which names may be used."""

from __future__ import annotations

import dataclasses
import os

import pytest

from agent import settle
from agent.settle import Look, Readiness

WALL = 1_700_000_000.0
ORDINARY = Look("a.csv", dev=1, ino=2, size=3, mtime_ns=int((WALL - 100) * 1e9), ctime_ns=4)
WAITING, SETTLED, OVERDUE = Readiness.WAITING, Readiness.SETTLED, Readiness.OVERDUE


def changed(look=ORDINARY, **fields):
    """Return a look that differs in some fields."""
    return dataclasses.replace(look, **fields)


def after(*looks, settle_time=10.0, marker=None, marked=False):
    """Return the verdict after (monotonic time, look) pairs, at the time of the last of them."""
    seen = None
    for monotonic, look in looks:
        seen = settle.observe(seen, look, monotonic=monotonic, wall=WALL + monotonic)
    return settle.judge(seen, settle=settle_time, monotonic=looks[-1][0], marker=marker, marked=marked)


def test_a_still_file_settles_exactly_at_its_time():
    """Before the settle time it waits and says for how long; at the settle time it may be taken."""
    assert dataclasses.astuple(after((0, ORDINARY))) == (WAITING, 10.0)
    assert dataclasses.astuple(after((0, ORDINARY), (7.5, ORDINARY))) == (WAITING, 2.5)
    assert after((0, ORDINARY), (10, ORDINARY)).readiness is SETTLED


def test_old_files_wait_too():
    """A file whose time of change is long past is not taken at first sight: start-up included."""
    assert after((0, changed(mtime_ns=0))).readiness is WAITING


@pytest.mark.parametrize("field", ["size", "mtime_ns", "ctime_ns", "ino", "dev", "nlink", "mode"])
def test_any_change_begins_the_wait_anew(field):
    """Whatever part of the look changes, the file has to be still for the whole time again."""
    other = changed(**{field: getattr(ORDINARY, field) + 1})
    verdict = after((0, ORDINARY), (9, other), (18, other))
    assert verdict.readiness is WAITING
    assert after((0, ORDINARY), (9, ORDINARY), (18, ORDINARY)).readiness is SETTLED


def test_a_slow_writer_is_never_settled_while_it_writes():
    """A file that grows every 9 of 10 seconds is waiting all the time, and named after 10 minutes."""
    looks = [(9 * step, changed(size=step)) for step in range(100)]
    readiness = [after(*looks[: step + 1]).readiness for step in range(100)]
    assert readiness == [WAITING] * 67 + [OVERDUE] * 33


def test_a_long_settle_time_is_not_overdue_while_it_runs():
    """A feed that asks for 20 minutes of stillness does not complain after 10."""
    assert after((0, ORDINARY), (700, ORDINARY), settle_time=1200).readiness is WAITING
    assert after((0, ORDINARY), (1200, ORDINARY), settle_time=1200).readiness is SETTLED


@pytest.mark.parametrize(
    ("ahead", "waits"),
    [(4, 10), (5, 10), (6, 10), (30, 30), (60, 60), (3600, 60), (10 * 365 * 86400, 60)],
)
def test_a_time_of_change_in_the_future_is_waited_for_on_the_monotonic_clock(ahead, waits):
    """Up to a minute the future may come; a clock that is years wrong does not keep a file for years."""
    late = changed(mtime_ns=int((WALL + ahead) * 1e9))
    assert after((0, late), (waits - 0.01, late)).readiness is WAITING
    assert after((0, late), (waits, late)).readiness is SETTLED


def test_a_second_link_is_waited_for_one_minute():
    """A link-and-unlink publisher is given a minute; then the verdict is left to who takes the file."""
    linked, single = changed(nlink=2), changed(nlink=1, ctime_ns=5)
    assert after((0, linked), (59, linked)).readiness is WAITING
    assert after((0, linked), (60, linked)).readiness is SETTLED
    assert after((0, linked), (20, single), (30, single)).readiness is SETTLED


def test_links_that_come_and_go_count_from_the_last_time_there_was_one():
    """The minute runs from when the second link was first seen, not from when the file was."""
    linked, single = changed(nlink=2), changed(nlink=1, ctime_ns=5)
    assert after((0, linked), (50, single), (55, linked), (70, linked)).readiness is WAITING
    other, touched = changed(linked, ino=9), changed(linked, ctime_ns=9)
    assert after((0, linked), (50, other), (70, other)).readiness is WAITING
    assert after((0, linked), (50, touched), (70, touched)).readiness is SETTLED


class TestReadyMarker:
    marker = changed(name="a.csv.done", mtime_ns=ORDINARY.mtime_ns)

    def test_without_its_marker_a_file_waits(self):
        """No stillness replaces the marker, and no time is named when it would settle."""
        verdict = after((0, ORDINARY), (500, ORDINARY), marked=True)
        assert dataclasses.astuple(verdict) == (WAITING, None)
        assert after((0, ORDINARY), (600, ORDINARY), marked=True).readiness is OVERDUE

    def test_with_its_marker_a_file_settles_at_once(self):
        """The settle time does not count where a marker speaks."""
        assert after((0, ORDINARY), marked=True, marker=self.marker).readiness is SETTLED

    def test_a_marker_older_than_the_file_does_not_count(self):
        """A marker left over from an earlier file of the name must not publish a half-written one."""
        stale = changed(self.marker, mtime_ns=ORDINARY.mtime_ns - 1)
        assert after((0, ORDINARY), (100, ORDINARY), marked=True, marker=stale).readiness is WAITING


def test_the_overdue_fault_says_what_to_do():
    """The words fit the feed: a marker is asked for only where the feed has markers."""
    seen = settle.observe(None, ORDINARY, monotonic=0, wall=WALL)
    plain, marked = settle.overdue(seen, marker=""), settle.overdue(seen, marker=".done")
    assert (plain.code, marked.code) == ("W-NOTREADY", "W-NOTREADY")
    assert "a.csv.done" in marked.mend
    assert ".part" in plain.mend


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store", ".x.swp", ".hidden", ".~lock.a.csv#", "~$x.xlsx", "a.part", "a.csv.PART", "a.partial",
        "a.tmp", "a.csv.filepart", "a.crdownload", "a.csv~", "lost+found", "Thumbs.db", "THUMBS.DB",
        "desktop.ini", "working", "done", "attention", os.fsdecode(b".caf\xe9.csv.x7f"),
    ],
)  # fmt: skip
def test_names_that_are_no_drops_are_ignored(name):
    """Unfinished uploads, locks, litter and our own folders are left alone."""
    assert settle.ignored(name)


@pytest.mark.parametrize(
    "name",
    [
        "a.csv",
        "-rf",
        "--config=x",
        "partial",
        "part",
        "tmp",
        "a.tmp.csv",
        "workings",
        "..%2f..",
        "~a.csv",
        "a.done",
    ],
)
def test_other_names_are_not_ignored(name):
    """A rule that ignored too much would lose files in silence."""
    assert not settle.ignored(name)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"a\nb.csv", "a\\nb.csv"),
        (b"a\tb.csv", "a\\tb.csv"),
        (b"a\x7f.csv", "a\\x7f.csv"),
        (b"caf\xe9.csv", "caf\\xe9.csv"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("a\u202evsc.exe".encode(), "a\\u202evsc.exe"),
        ("a\u2066b.csv".encode(), "a\\u2066b.csv"),
        ("a\u200bb.csv".encode(), "a\\u200bb.csv"),
        ("a\u2028b.csv".encode(), "a\\u2028b.csv"),
        ("a\x85b.csv".encode(), "a\\x85b.csv"),
        (b"..%2f..", "..%2f.."),
        (b"..%5C..", "..%5C.."),
        (b"a%00.csv", "a%00.csv"),
        (b"..\\..\\x.csv", "..\\..\\x.csv"),
    ],
)
def test_a_name_that_may_deceive_is_refused_and_shown_escaped(raw, shown):
    """Nothing invisible or undecodable reaches a screen, a log or the ledger as it is."""
    name = os.fsdecode(raw)
    fault = settle.bad_name(name)
    assert ("Q-NAME", shown) == (fault.code, fault.found)
    assert fault.words.isprintable()
    assert shown in fault.words
    fault.words.encode()


@pytest.mark.parametrize(
    "name",
    ["a.csv", "-rf", "--config=x", "x" * 255, "Rückgaben.csv", "注文.csv", "\u0645\u06cc\u200c\u062e.csv",
     "a b.csv", "a%20b.csv", "€.csv", "e\u0301.csv", "$(reboot).csv", "a;b|c.csv", "'\".csv", "50%.csv"],
)  # fmt: skip
def test_odd_but_honest_names_are_accepted(name):
    """Names are data: what a shell would trip over is none of our business."""
    assert settle.bad_name(name) is None
    assert name == settle.printable(name)


def test_twins_are_found_and_others_are_not():
    """Two spellings of one look are both named; an accent alone is no twin."""
    nfc, nfd = "caf\u00e9.csv", "cafe\u0301.csv"
    found = settle.twins([nfc, "a.csv", nfd, "th\u00e9.csv", os.fsdecode(b"caf\xe9.csv")])
    assert {nfc, nfd} == set(found)
    assert {"N-TWIN"} == {fault.code for fault in found.values()}
