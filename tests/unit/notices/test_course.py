"""The course of a notice, edge by edge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.model import Fault, Notice
from agent.notices import course
from agent.notices.board import Board, Concern
from agent.notices.course import Changes
from agent.stages.intake.board import Notice as Finding

NOW = 1_800_000_000.0
NEW = Notice("mail", "source:x", "silent", "s", NOW - 500, owed_at=NOW - 400)
TOLD = replace(NEW, owed_at=0.0, told_at=NOW - 300, told="s")
OVER = replace(TOLD, over_at=NOW - 100, owed_at=NOW - 100)
ENDED = replace(OVER, owed_at=0.0, told_at=NOW - 50)


@pytest.mark.parametrize(
    ("old", "concern", "expected"),
    [
        (None, ("silent", "s", 9.0), Notice("mail", "source:x", "silent", "s", NOW, NOW + 9)),
        (ENDED, ("silent", "s", 9.0), Notice("mail", "source:x", "silent", "s", NOW, NOW + 9)),
        (NEW, ("silent", "s", 9.0), None),
        (NEW, ("deaf", "s", 9.0), replace(NEW, words="deaf")),
        (NEW, ("gone", "t", 9.0), replace(NEW, words="gone", sign="t")),
        (TOLD, ("silent", "s", 0.0), None),
        (TOLD, ("deaf", "s", 0.0), replace(TOLD, words="deaf")),
        (TOLD, ("gone", "t", 0.0), replace(TOLD, words="gone", sign="t", owed_at=NOW)),
        (OVER, ("silent", "s", 0.0), TOLD),
        (OVER, ("gone", "t", 0.0), replace(TOLD, words="gone", sign="t", owed_at=NOW)),
    ],
    ids=[
        "new",
        "again after its end",
        "the same",
        "other words",
        "other and owed",
        "told",
        "told in other words",
        "told and news",
        "back before anybody heard",
        "back as news",
    ],
)
def test_what_is_found_is_owed_once(old, concern, expected):
    """A new thing and news are owed, other words are not; what waits to be told keeps its place."""
    words, sign, patience = concern
    assert course.found(old, Concern("source:x", words, sign, patience), "mail", NOW) == expected


def test_what_may_pass_is_owed_sooner_when_it_can_no_more():
    """A patience that is left does not hold back what has become worse."""
    waiting = replace(NEW, owed_at=NOW + 800)
    found = course.found(waiting, Concern("source:x", "refused", "t"), "mail", NOW)
    assert found == replace(waiting, words="refused", sign="t", owed_at=NOW)


def test_what_went_back_to_what_was_told_is_no_news():
    """Worse for a moment, then as it was told: nothing is owed."""
    worse = course.found(TOLD, Concern("source:x", "gone", "t"), "mail", NOW)
    assert course.found(worse, Concern("source:x", "silent", "s"), "mail", NOW) == TOLD


@pytest.mark.parametrize(
    ("old", "kept", "gone"),
    [
        (NEW, [], ["source:x"]),
        (TOLD, [replace(TOLD, over_at=NOW, owed_at=NOW)], []),
        (OVER, [], []),
        (ENDED, [], []),
    ],
    ids=["never told", "told", "over", "ended"],
)
def test_an_end_is_told_to_whom_the_begin_was(old, kept, gone):
    """What nobody heard of is forgotten."""
    changes = Changes()
    course.over(old, "", old.sign, NOW, changes)
    assert (changes.kept, changes.gone) == (kept, gone)


@pytest.mark.parametrize(
    ("old", "due"),
    [(TOLD, True), (replace(TOLD, told_at=NOW - 299), False), (NEW, False), (OVER, False), (ENDED, False)],
)
def test_only_what_lasts_and_was_told_is_told_again(old, due):
    """After the interval, and not before."""
    assert bool(course.again(old, 300.0, NOW)) == due


def test_a_board_is_well_when_everybody_is():
    """Two met the trouble: it is over when neither does any more; what nobody spoke of is not known."""
    board = Board()
    assert not board.is_well("shelf:shop")
    board.trouble("shelf:shop", "no", by="a")
    board.trouble("shelf:shop", "no", by="b")
    board.over("shelf:shop", by="a")
    assert (list(board.standing()), board.is_well("shelf:shop")) == (["shelf:shop"], False)
    board.over("shelf:shop", by="b")
    assert (board.standing(), board.is_well("shelf:shop")) == ({}, True)


def finding(name, code, words="said so"):
    """Make what a look into a drop folder found."""
    return Finding("shop", name, Fault(code, words, "mend it"), NOW)


def test_a_look_into_a_folder_puts_up_what_it_found_and_takes_down_the_rest():
    """Files for people, the folder for operators, a machine without room apart; what reports tell is left out."""
    board = Board()
    found = [finding("a.csv", "E-PERM"), finding("", "E-FOLDER"), finding("b.csv", "W-SHORT", "no room")]
    board.scanned("shop", [*found, finding("c.csv", "W-LATEWRITE")])
    assert {about: concern.words for about, concern in board.standing().items()} == {
        "machine": "no room",
        "dropped:shop/a.csv": "said so; mend it",
        "folder:shop": "said so; mend it",
    }
    board.scanned("store", [])
    assert board.is_well("dropped:store/x.csv")
    board.scanned("shop", found[:1])
    assert list(board.standing()) == ["dropped:shop/a.csv"]
    assert board.is_well("folder:shop")
    assert board.is_well("machine")
    assert not board.is_well("dropped:market/x.csv")
