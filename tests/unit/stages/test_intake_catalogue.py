"""Rows 1 to 21 of the catalogue of bad inputs, with real files, pipes, sockets and links."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from agent.settle import printable
from tests.dropping import Drop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GOOD = b"a,b\r\n1,2\r\n"


@pytest.fixture
def drop(tmp_path):
    """Make a drop folder that takes files of up to a million bytes."""
    made = Drop(tmp_path, max_size=10**6)
    yield made
    made.stop()


def _plain(path: Path) -> None:
    path.write_bytes(GOOD)


def _symlink(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _socket(path: Path) -> None:
    here = os.getcwd()  # noqa: PTH109 - a socket's path may have 108 bytes at most, a temporary folder's has more
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(50 * 2**30)


def _empty(path: Path) -> None:
    path.touch()


def _too_big(path: Path) -> None:
    path.write_bytes(b"x" * 1_000_001)


def _just_right(path: Path) -> None:
    path.write_bytes(b"x" * 1_000_000)


@dataclass(frozen=True)
class Case:
    row: int
    make: Callable[[Path], object]
    name: bytes
    state: str
    code: str = ""
    shown: str = ""  # what the reason has to show
    read: bool = False


CASES = [
    Case(1, _symlink, b"link.csv", "QUARANTINED", "Q-SYMLINK", "links are not followed"),
    Case(1, _dangling, b"dangling.csv", "QUARANTINED", "Q-SYMLINK", "links are not followed"),
    Case(2, os.mkfifo, b"pipe.csv", "QUARANTINED", "Q-NOTREGULAR", "a named pipe"),
    Case(3, _socket, b"socket.csv", "QUARANTINED", "Q-NOTREGULAR", "a socket"),
    Case(6, _plain, b"a\nb.csv", "QUARANTINED", "Q-NAME", "a\\nb.csv"),
    Case(6, _plain, b"a\x1b[2Jb.csv", "QUARANTINED", "Q-NAME", "a\\x1b[2Jb.csv"),
    Case(7, _plain, b"caf\xe9.csv", "QUARANTINED", "Q-NAME", "caf\\xe9.csv"),
    Case(7, _plain, b"\xff" * 255, "QUARANTINED", "Q-NAME", "\\xff\\xff"),
    Case(8, _plain, b"-rf", "RECEIVED", read=True),
    Case(8, _plain, b"--config=x", "RECEIVED", read=True),
    Case(9, _plain, b"..%2f..", "QUARANTINED", "Q-NAME", "..%2f.."),
    Case(9, _plain, b"..\\x.csv", "QUARANTINED", "Q-NAME", "..\\x.csv"),
    Case(10, _plain, b"x" * 251 + b".csv", "RECEIVED", read=True),
    Case(10, _plain, "ü".encode() * 127, "RECEIVED", read=True),
    Case(11, _plain, "a\u202evsc.exe".encode(), "QUARANTINED", "Q-NAME", "U+202E"),
    Case(16, _empty, b"empty.csv", "RECEIVED", read=True),
    Case(18, _too_big, b"big.csv", "REJECTED", "E-TOOBIG", "1,000,001"),
    Case(18, _just_right, b"just.csv", "RECEIVED", read=True),
    Case(19, _sparse, b"sparse.csv", "REJECTED", "E-TOOBIG", "53,687,091,200"),
]


def _called(case: Case) -> str:
    return f"row {case.row} {printable(os.fsdecode(case.name))[:30]}"


@pytest.mark.parametrize("case", CASES, ids=_called)
def test_a_dropped_thing_ends_where_the_catalogue_says(drop, case):
    """One submission in the right state with its code, the thing itself kept."""
    name = os.fsdecode(case.name)
    case.make(drop.folder / name)
    inode = (drop.folder / name).lstat().st_ino
    drop.settle()
    (submission,) = drop.ledger.submissions()
    assert submission.state == case.state
    assert [group.code for group in drop.ledger.groups(submission.id)] == ([case.code] if case.code else [])
    assert case.shown in submission.reason
    assert bool(submission.sha256) is case.read
    assert len([*(drop.root / "state/spool/obj").iterdir()]) == case.read
    (kept,) = (drop.folder / "working").iterdir()
    assert kept.lstat().st_ino == inode
    assert kept.name.startswith(f"{submission.id}--")
    assert drop.left() == []


@pytest.mark.parametrize("case", CASES, ids=_called)
def test_nothing_dangerous_reaches_ledger_or_folder(drop, case):
    """Names, reasons and words are printable text, and a name in `working/` fits a file system."""
    case.make(drop.folder / os.fsdecode(case.name))
    drop.settle()
    (submission,) = drop.ledger.submissions()
    words = [group.words + group.mend for group in drop.ledger.groups(submission.id)]
    assert all(text.isprintable() for text in (submission.name, submission.reason, *words, *drop.working()))
    assert len(os.fsencode(submission.name)) <= 255


def test_row_4_a_folder_is_left_and_named_once(drop):
    """A folder is no file of any feed, whatever its name; it is news once and stands till it is gone."""
    (drop.folder / "x.csv").mkdir()
    first, second = drop.scan(), drop.scan(60)
    assert [notice.fault.code for notice in first.news] == ["W-FOLDER"]
    assert (second.news, [notice.name for notice in second.findings]) == ((), ["x.csv"])
    assert drop.states == {}
    (drop.folder / "x.csv").rmdir()
    assert drop.scan(5).findings == ()


def test_row_5_a_hard_link_waits_a_minute_and_is_set_aside(drop):
    """A file with a second name elsewhere is not read; it goes aside, the other name untouched."""
    elsewhere = drop.root / "elsewhere"
    elsewhere.write_bytes(GOOD)
    (drop.folder / "a.csv").hardlink_to(elsewhere)
    drop.scan()
    assert drop.scan(59).waiting == 1
    drop.scan(1)
    (submission,) = drop.ledger.submissions()
    assert (submission.state, submission.sha256) == ("QUARANTINED", "")
    assert [group.code for group in drop.ledger.groups(submission.id)] == ["Q-HARDLINK"]
    assert elsewhere.read_bytes() == GOOD


def test_row_5_two_names_of_one_file_in_the_folder_are_both_set_aside(drop):
    """Each name is accounted for, though the two have one fingerprint."""
    drop.put("a.csv")
    (drop.folder / "b.csv").hardlink_to(drop.folder / "a.csv")
    drop.scan()
    drop.scan(60)
    assert drop.states == {"QUARANTINED": ["a.csv", "b.csv"]}
    assert len(drop.working()) == 2


def test_row_5_a_publisher_by_link_and_unlink_is_welcome(drop):
    """Two links for a moment are how some programs publish without overwriting."""
    temporary = drop.put(".upload")
    (drop.folder / "a.csv").hardlink_to(temporary)
    drop.scan()
    temporary.unlink()
    drop.scan(1)
    drop.scan(10)
    assert drop.states == {"RECEIVED": ["a.csv"]}


def test_row_12_twins_are_both_taken_with_a_warning(drop):
    """Names that look equal are two files; people are told, with each of them and in status."""
    drop.put("caf\u00e9.csv", b"1")
    drop.put("cafe\u0301.csv", b"2")
    result = drop.scan()
    assert [notice.fault.code for notice in result.news] == ["N-TWIN", "N-TWIN"]
    drop.scan(10)
    submissions = drop.ledger.submissions()
    assert [submission.state for submission in submissions] == ["RECEIVED", "RECEIVED"]
    groups = [group.code for submission in submissions for group in drop.ledger.groups(submission.id)]
    assert groups == ["N-TWIN", "N-TWIN"]


def test_row_13_unfinished_names_are_listed_and_never_taken(drop):
    """They stay where they are, however old, and status can name them."""
    names = [".DS_Store", "~$x.xlsx", ".x.swp", "a.csv.part", "b.tmp", "Thumbs.db"]
    for name in names:
        drop.put(name)
    (drop.folder / "lost+found").mkdir()
    drop.settle()
    result = drop.scan(10_000)
    assert sorted(result.ignored) == sorted([*names, "lost+found"])
    assert (drop.states, result.findings, result.waiting) == ({}, (), 0)
    assert drop.left() == sorted([*names, "lost+found"])


def test_row_20_a_file_that_keeps_growing_is_named_after_ten_minutes(drop):
    """It is never taken while it grows, named once, and taken when it is still."""
    path, news = drop.put("slow.csv", b""), []
    for _ in range(70):
        with path.open("ab") as file:
            file.write(b"more\n")
        news += drop.scan(9).news
    assert [notice.fault.code for notice in news] == ["W-NOTREADY"]
    assert drop.states == {}
    assert drop.scan(10).findings == ()
    assert drop.states == {"RECEIVED": ["slow.csv"]}


def test_row_21_the_same_bytes_again_are_held_and_refer_to_the_first(drop):
    """Said with the date and the id of the first; moved aside, not lost, not taken."""
    drop.put("monday.csv", GOOD)
    drop.settle()
    drop.put("tuesday.csv", GOOD)
    result = drop.settle()
    first, second = drop.ledger.submissions()
    assert (result.taken, result.aside) == ((), (second.id,))
    assert (second.state, second.duplicate_of, second.sha256) == ("DUPLICATE", first.id, first.sha256)
    assert first.id in second.reason
    assert "2027-01-15" in second.reason
    assert [group.code for group in drop.ledger.groups(second.id)] == ["D-DUPLICATE"]
    assert len(drop.working()) == 2


def test_row_21_twice_the_same_bytes_at_once(drop):
    """Equal files that settle in one group: the first is taken, every other refers to it."""
    for name in ("a.csv", "b.csv", "c.csv"):
        drop.put(name, GOOD)
    drop.settle()
    first, *others = drop.ledger.submissions()
    assert [first.state, *(other.state for other in others)] == ["RECEIVED", "DUPLICATE", "DUPLICATE"]
    assert {other.duplicate_of for other in others} == {first.id}


def test_row_21_a_feed_may_want_the_same_bytes_again(tmp_path):
    """With `allow_duplicates` every drop is a submission."""
    drop = Drop(tmp_path, allow_duplicates=True)
    for name in ("a.csv", "b.csv"):
        drop.put(name, GOOD)
    drop.settle()
    assert drop.states == {"RECEIVED": ["a.csv", "b.csv"]}
    drop.stop()
