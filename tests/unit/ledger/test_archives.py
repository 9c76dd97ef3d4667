from __future__ import annotations

from dataclasses import replace

import pytest

from agent.ledger.ids import member_id
from agent.ledger.ledger import Ledger
from agent.states import UnknownTransitionError
from tests.unit.ledger.made import NOON, digest, moved, of_shape, submission, taken

ARCHIVE = replace(submission("aaaa"), name="all.zip")
INSIDE = [
    submission(
        "",
        id=member_id(ARCHIVE.id, number),
        archive=ARCHIVE.id,
        member=f"x/{number}.csv",
        sha256=digest(f"{number}"),
    )
    for number in (1, 2, 10)
]


@pytest.fixture
def unpacked(ledger):
    """Make an archive with three files inside, and a file that came after it."""
    ledger.commit([taken(ARCHIVE)], at=NOON)
    ledger.commit([moved(ARCHIVE, "unpacked"), *map(taken, reversed(INSIDE))], at=NOON)
    ledger.commit([taken(submission("b", received_at=NOON + 1))], at=NOON)
    return ledger


def test_files_inside_know_their_archive_and_come_as_they_stand_in_it(unpacked):
    """By their place, also beyond the ninth; what was dropped itself has no archive and nothing inside."""
    found = unpacked.inside(ARCHIVE.id)
    assert [(one.id, one.archive, one.member) for one in found] == [
        (one.id, ARCHIVE.id, one.member) for one in INSIDE
    ]
    assert [one.id for one in found] == sorted(one.id for one in INSIDE)
    assert (unpacked.inside(""), unpacked.submission(ARCHIVE.id).archive) == ((), "")


def test_what_was_dropped_is_found_however_much_was_inside(unpacked):
    """The newest first, without files out of archives."""
    assert [one.name for one in unpacked.dropped("refunds", limit=2)] == ["b.csv", "all.zip"]


def test_the_first_letters_of_an_archives_id_mean_the_archive(unpacked):
    """Only more letters than its own mean what is inside."""
    assert unpacked.resolve(ARCHIVE.id[:-1]) == unpacked.resolve(ARCHIVE.id) == ARCHIVE.id
    assert unpacked.resolve(f"{ARCHIVE.id}-01") == INSIDE[2].id
    with pytest.raises(LookupError, match="several"):
        unpacked.resolve(f"{ARCHIVE.id}-0")


def test_the_same_bytes_are_not_taken_twice_by_two_who_asked_at_once(ledger):
    """Whoever comes second to the ledger gets nothing of what it brought; another feed, or a word, lets it."""
    one, other = submission("a"), submission("b", sha256=digest("a"))
    ledger.commit([taken(one, first_of_its_bytes=True)], at=NOON)
    with pytest.raises(UnknownTransitionError, match=f"a repetition of {one.id}"):
        ledger.commit([taken(submission("c")), taken(other, first_of_its_bytes=True)], at=NOON)
    assert [each.id for each in ledger.submissions()] == [one.id]
    ledger.commit(
        [taken(other), taken(submission("d", feed="x", sha256=digest("a")), first_of_its_bytes=True)], at=NOON
    )
    assert len(ledger.submissions()) == 3


def test_a_ledger_without_archives_is_taken_over(path):
    """What an agent before them has written was dropped itself."""
    with of_shape(path, 3) as old:
        row = (
            "s",
            "refunds",
            "a.csv",
            "CLOSED",
            "",
            NOON,
            NOON,
            digest("a"),
            1,
            "1:2:3:4",
            0,
            0,
            "",
            0,
            "{}",
            0,
            5.0,
        )
        old.execute(f"INSERT INTO submission VALUES ({', '.join('?' * 17)})", row)  # noqa: S608 - nothing but marks
        line = (1, NOON, "agent", "s", "closed", "", "CLOSED", "", "0" * 64)
        old.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", line)
    with Ledger.open(path, must_exist=True) as ledger:
        (found,) = ledger.dropped("refunds")
        assert (found.archive, found.member, found.concern_at) == ("", "", 5.0)
