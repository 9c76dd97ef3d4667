"""What operators hear: one notice for each fault, again while it lasts, and that it is over."""

from __future__ import annotations

import pytest

from agent.spool import NoRoomError
from tests.house import feed, source
from tests.unit.notices.conftest import PEOPLE, decided

WAIT, DAY, A_WHILE = 300.0, 86400.0, 900.0
OPERATORS = ("ops@example.net",)


@pytest.fixture
def house(telling):
    """Make an agent's inside with operators and one source of acknowledgements."""
    return telling(answers={"taken_within": 60.0, "processed_within": None}, way_tells="faults")


def tell(house, later=0.0):
    """Make a round of telling, so many seconds later."""
    house.now += later
    house.engine.tell_by("recording")


def told(house):
    """Return the state and the about of what was told."""
    return [(item.state, item.about) for bulletin in house.crier.sent for item in bulletin.items]


def refused(house):
    """Have a batch held because the far side refused us."""
    house.far.sends.append("no")
    house.taken("a.csv", source("A1"))
    house.drain()


def test_a_refusal_is_told_once_then_daily_until_it_is_over(house):
    """New, still there after a day, over: three notices to the operators, with reasons and no rows."""
    refused(house)
    tell(house)
    tell(house, WAIT)
    tell(house, DAY / 2)
    assert told(house) == [("new", "destination:there")]
    (bulletin,) = house.crier.sent
    assert bulletin.addressees == OPERATORS
    assert bulletin.subject == "Destination there: 1 batch held; the latest: the login was refused"
    tell(house, DAY / 2)
    tell(house, WAIT)
    assert told(house)[1:] == [("lasts", "destination:there")]
    decided(house, "release", house.batches()[0].id)
    tell(house, DAY)
    assert len(told(house)) == 2  # released is not over: nobody knows before an attempt has worked
    house.drain()
    tell(house)
    tell(house, WAIT)
    assert told(house)[2:] == [("over", "destination:there")]
    assert house.crier.sent[-1].subject == "Over: destination there: all is well again"
    tell(house, 3 * DAY)
    assert len(told(house)) == 3


def test_what_passes_by_itself_is_told_after_a_while_only(house):
    """A destination that is busy: nothing for a quarter of an hour, then once; sent before that, never."""
    house.far.sends.extend(["busy"] * 3)
    house.taken("a.csv", source("A1"))
    house.drain()
    tell(house)
    tell(house, A_WHILE - 1)
    assert told(house) == []
    tell(house, WAIT + 2)
    assert told(house) == [("new", "destination:there")]
    assert "nothing gets through: try again later" in house.crier.sent[0].text


def test_a_short_trouble_is_nobodys_news(house):
    """Deferred once, then delivered: nothing is told and nothing kept."""
    house.far.sends.append("busy")
    house.taken("a.csv", source("A1"))
    house.drain()
    tell(house)
    house.drain(later=60)
    tell(house)
    tell(house, A_WHILE + WAIT)
    assert told(house) == []
    assert house.ledger.notices_lasting("recording") == ()


def test_what_passes_by_itself_and_then_does_not_is_told_anew(house):
    """Unreachable was told; when it is held it needs a person, and that is news."""
    house.far.sends.extend(["busy", "no"])
    house.taken("a.csv", source("A1"))
    house.drain()
    tell(house)
    tell(house, A_WHILE)
    tell(house, WAIT)
    house.drain(later=60)
    tell(house)
    tell(house, WAIT)
    assert told(house) == [("new", "destination:there"), ("changed", "destination:there")]


def test_what_a_person_held_back_before_any_attempt_is_no_fault(telling):
    """A file held by its feed's policy is for its people, not for operators."""
    house = telling(feed(notify=PEOPLE, bad_rows={"policy": "hold"}))
    house.taken("a.csv", source("A1", "A2", bad=("A2",)))
    house.drain()
    house.engine.tell()
    assert [about.partition(":")[0] for _, about in told(house)] == ["file"]


def test_overdue_answers_are_told_and_their_end(house):
    """Answers that are late are a fault of their own; once they come it is over."""
    house.taken("a.csv", source("A1"))
    house.drain()
    (batch,) = house.batches()
    house.drain(later=61)
    tell(house)
    tell(house, WAIT)
    assert told(house) == [("new", "answers:there")]
    decided(house, "release", batch.id)
    tell(house)
    tell(house, WAIT)
    assert told(house)[1:] == [("over", "answers:there")]


def test_a_source_that_fails_for_a_while_is_told_and_its_recovery(house):
    """One failure is nothing; a quarter of an hour is."""
    house.postbox.refuses = "the server does not answer"
    house.drain()
    tell(house)
    tell(house, A_WHILE - 1)
    assert told(house) == []
    tell(house, WAIT + 1)
    assert told(house) == [("new", "source:postbox")]
    assert "the server does not answer" in house.crier.sent[0].text
    house.postbox.refuses = ""
    house.engine.collector._next.clear()
    house.drain()
    tell(house)
    tell(house, WAIT)
    assert told(house)[1:] == [("over", "source:postbox")]


def test_what_nobody_knows_after_a_restart_is_not_taken_for_over(house):
    """Told before, not asked yet since the start: neither over nor new; over once it was asked and answered."""
    house.postbox.refuses = "the server does not answer"
    house.drain()
    tell(house)
    tell(house, A_WHILE)
    tell(house, WAIT)
    house.stop()
    house.start()
    tell(house, WAIT)
    tell(house, WAIT)
    assert told(house) == [("new", "source:postbox")]
    house.postbox.refuses = ""
    house.drain()
    tell(house)
    tell(house, WAIT)
    assert told(house)[1:] == [("over", "source:postbox")]


def test_what_the_settings_have_no_more_is_over(house):
    """A source that was taken out troubles nobody."""
    house.postbox.refuses = "the server does not answer"
    house.drain()
    tell(house)
    tell(house, A_WHILE)
    tell(house, WAIT)
    house.set(acknowledgements=())
    tell(house)
    tell(house, WAIT)
    assert told(house)[1:] == [("over", "source:postbox")]


def test_what_is_taken_out_while_the_agent_runs_is_over(house):
    """A reload without the source: over, and not found again by what the board remembers."""
    house.postbox.refuses = "the server does not answer"
    house.drain()
    tell(house)
    tell(house, A_WHILE)
    tell(house, WAIT)
    house.engine.take_over(house.settings.model_copy(update={"acknowledgements": ()}))
    tell(house)
    tell(house, WAIT)
    tell(house, DAY)
    assert told(house) == [("new", "source:postbox"), ("over", "source:postbox")]


def test_a_clock_that_was_set_back_keeps_nothing_from_being_told(house):
    """Found in a wrong future, told now; told in a wrong future, told again once."""
    refused(house)
    house.now += 365 * DAY
    tell(house)
    house.now -= 365 * DAY
    tell(house)
    assert told(house) == [("new", "destination:there")]
    house.now += 365 * DAY
    tell(house)
    tell(house, WAIT)
    house.now -= 365 * DAY
    tell(house)
    tell(house, WAIT)
    assert [state for state, _ in told(house)] == ["new", "lasts", "lasts"]
    tell(house, WAIT)
    assert len(told(house)) == 3


def test_a_full_disk_is_told_at_once_and_nothing_is_noted(house):
    """No room to note anything: it is told from memory, again after a day, and its end."""
    house.engine._wait_for_room(NoRoomError("cannot keep an original: the disk is full; make room"))
    tell(house)
    tell(house)
    assert [item.about for bulletin in house.crier.sent for item in bulletin.items] == ["machine"]
    assert "the disk is full" in house.crier.sent[0].subject
    assert house.ledger.notices_owed("recording") == ()
    assert house.ledger.notice("recording", "machine") is None
    tell(house, DAY)
    house.engine.board.over("machine")
    tell(house)
    tell(house)
    assert told(house) == [("new", "machine"), ("lasts", "machine"), ("over", "machine")]


def test_files_that_cannot_be_taken_are_told_to_the_feeds_people(telling):
    """No feed takes such a name: its people hear of it once, and no more once it is gone."""
    house = telling()
    path = house.put("letter.doc", b"x")
    house.set(feeds={"shop": feed(notify=PEOPLE, pattern=("*.csv",))})

    def look():
        house.now += 1
        (intake,) = house.intakes
        house.engine.board.scanned("shop", intake.scan(house.now, house.now).findings)

    look()
    tell(house)
    tell(house, WAIT)
    (bulletin,) = house.crier.sent
    assert bulletin.addressees == PEOPLE
    assert told(house) == [("new", "dropped:shop/letter.doc")]
    assert "takes *.csv" in bulletin.text
    tell(house, DAY)
    tell(house, WAIT)
    assert len(house.crier.sent) == 1
    path.unlink()
    look()
    tell(house)
    tell(house, WAIT)
    assert told(house)[1:] == [("over", "dropped:shop/letter.doc")]


def test_a_drop_folder_out_of_reach_is_the_operators_matter(telling):
    """The folder is away: the operators are told, not the feed's people."""
    house = telling()
    folder = house.drop()
    away = folder.rename(folder.with_name("away"))
    (intake,) = house.intakes
    house.engine.board.scanned("shop", intake.scan(house.now, house.now).findings)
    house.engine.tell()
    assert told(house) == [("new", "folder:shop")]
    assert house.crier.sent[0].addressees == OPERATORS
    away.rename(folder)


def test_a_folder_that_cannot_be_told_in_is_a_fault_until_it_can(telling):
    """`sent/` is a file: people cannot be told there; when it is mended, it is over."""
    house = telling(answers={"taken_within": None, "processed_within": None}, way_tells="faults")
    (house.drop() / "sent").write_text("in the way")
    house.taken("a.csv", source("A1"))
    house.drain()
    tell(house)
    tell(house, WAIT)
    assert told(house) == [("new", "shelf:shop")]
    (house.drop() / "sent").unlink()
    house.engine._resting.clear()
    house.drain()
    tell(house)
    tell(house, WAIT)
    assert told(house)[1:] == [("over", "shelf:shop")]


def test_settings_that_were_refused_are_a_fault_until_better_ones_come(house):
    """The agent starts with right ones, so that a restart ends it, too."""
    house.engine.board.trouble("settings", "new settings were refused")
    tell(house)
    tell(house, WAIT)
    house.stop()
    house.start()
    tell(house)
    tell(house, WAIT)
    assert told(house) == [("new", "settings"), ("over", "settings")]


def test_several_faults_come_in_one_notice(house):
    """Grouped: what was found later goes along with what is due."""
    refused(house)
    tell(house)
    house.engine.board.trouble("settings", "new settings were refused")
    tell(house, WAIT - 10)
    tell(house, 10)
    (bulletin,) = house.crier.sent
    assert bulletin.subject == "2 faults"
    assert {item.about for item in bulletin.items} == {"destination:there", "settings"}
