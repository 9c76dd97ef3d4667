"""What those hear who drop files: when one needs them, when it is well, and no more than that."""

from __future__ import annotations

import pytest

from agent.errors import LedgerError
from tests.house import feed, source
from tests.unit.notices.conftest import PEOPLE, decided
from tests.workbooks import zipped

WAIT = 300.0


def subjects(house):
    """Return what was told so far."""
    return [bulletin.subject for bulletin in house.crier.sent]


def tell(house, later=0.0):
    """Do all that is due, then make a round of telling so many seconds later."""
    house.drain()
    house.now += later
    house.engine.tell_by("recording")


def rejected(house, name="refunds.csv", feed="shop"):
    """Drop a file of which nothing can be sent."""
    return house.taken(name, source("A1", bad=("A1",)) + name.encode(), feed)


def test_a_file_out_of_an_archive_is_told_of_with_the_archive(telling):
    """Whoever dropped it knows it by that name; the archive itself needs nobody."""
    house = telling(feed(notify=PEOPLE, archive="each"))
    content = zipped(("x/a.csv", source("A1", bad=("A1",))), ("b.csv", source("B1")))
    archive = house.taken("all.zip", content)
    tell(house)
    tell(house, later=WAIT)
    assert subjects(house) == ["Nothing was sent — a.csv"]
    assert f"Out of archive all.zip, submission {archive.id}, in it as x/a.csv." in house.crier.sent[0].text


def test_a_rejected_file_is_told_to_whom_its_feed_names(telling):
    """Headline as subject; details, what to do and the report go along; once, when the window is over."""
    house = telling()
    submission = rejected(house)
    tell(house)
    assert subjects(house) == []
    tell(house, later=WAIT)
    (bulletin,) = house.crier.sent
    assert bulletin.addressees == PEOPLE
    assert bulletin.subject == "Nothing was sent — refunds.csv"
    (item,) = bulletin.items
    assert (item.about, item.state, item.feed) == (f"file:{submission.id}", "new", "shop")
    assert item.folder == f"attention/{submission.id}--refunds.csv"
    for words in (
        "What to do: Correct refunds.csv",
        f"impact-agent release {submission.id}",
        "attached report",
    ):
        assert words in bulletin.text
    assert b"BECAUSE" in house.crier.reports[0]
    assert bulletin.report is not None
    assert not bulletin.report.path.exists()
    tell(house, later=10 * WAIT)
    assert len(house.crier.sent) == 1


def test_files_within_the_window_come_in_one_mail(telling):
    """Each has its lines; none has its report attached: it lies in the folder."""
    house = telling()
    for number in range(3):
        rejected(house, f"refunds-{number}.csv")
        tell(house, later=60)
    tell(house, later=WAIT)
    assert subjects(house) == ["3 files need somebody — shop"]
    (bulletin,) = house.crier.sent
    assert [item.title for item in bulletin.items] == [f"refunds-{number}.csv" for number in range(3)]
    assert bulletin.report is None
    assert all(f"refunds-{number}.csv: Nothing was sent" in bulletin.text for number in range(3))


def test_very_many_files_are_told_by_number(telling):
    """Sixty files: fifty by name, the others counted; all of them were told."""
    house = telling()
    for number in range(60):
        house.put(f"refunds-{number:02}.csv", source("A1", bad=("A1",)) + str(number).encode())
    house.take()
    tell(house)
    tell(house, later=WAIT)
    (bulletin,) = house.crier.sent
    assert (len(bulletin.items), bulletin.more) == (50, 10)
    assert bulletin.subject == "60 files need somebody — shop"
    assert "and 10 others" in bulletin.text
    tell(house, later=WAIT)
    assert len(house.crier.sent) == 1


def test_people_of_two_feeds_hear_of_their_own_only(telling):
    """Two feeds, two addresses, two mails; a feed that names nobody goes to the operators."""
    feeds = (feed(notify=PEOPLE), feed("store", notify=("bob@example.net",)), feed("market"))
    house = telling(*feeds)
    for name in ("shop", "store", "market"):
        rejected(house, f"of-{name}.csv", name)
    tell(house)
    tell(house, later=WAIT)
    told = {bulletin.addressees: [item.feed for item in bulletin.items] for bulletin in house.crier.sent}
    assert told == {PEOPLE: ["shop"], ("bob@example.net",): ["store"], ("ops@example.net",): ["market"]}


def test_a_feed_that_names_nobody_is_nobodys_where_there_are_no_operators(telling):
    """Nothing is owed, so nothing piles up."""
    house = telling(feed(), way_operators=(), way_tells="files")
    rejected(house)
    tell(house)
    tell(house, later=WAIT)
    assert house.crier.sent == []
    assert house.ledger.notices_owed("recording") == ()


def test_what_was_told_is_settled_when_the_file_is_done(telling):
    """A duplicate is told; cancelled by a person, it has come to its end, and the same people hear of it."""
    house = telling()
    house.taken("a.csv", source("A1"))
    house.drain()
    again = house.taken("b.csv", source("A1"))
    tell(house)
    tell(house, later=WAIT)
    decided(house, "cancel", again.id)
    tell(house)
    tell(house, later=WAIT)
    assert subjects(house) == [
        "Nothing was sent: the same file came before — b.csv",
        "Settled: Cancelled: nothing was sent — b.csv",
    ]
    assert [bulletin.items[0].state for bulletin in house.crier.sent] == ["new", "over"]


def test_a_file_that_stands_otherwise_is_told_again(telling):
    """Held because the far side refused; released and refused for good in another way: that is news."""
    house = telling()
    house.far.sends.extend(["no"])
    house.taken("a.csv", source("A1"))
    tell(house)
    tell(house, later=WAIT)
    (batch,) = house.batches()
    house.far.sends.extend(["lost"])
    house.far.looks.extend(["blind", "blind"])
    decided(house, "release", batch.id)
    tell(house)
    tell(house, later=WAIT)
    of_file = [b.items[0] for b in house.crier.sent if b.items[0].submission]
    assert [(item.state, item.headline) for item in of_file] == [
        ("new", "Held: waiting for a person"),
        ("changed", "It may or may not have arrived"),
    ]


def test_what_goes_on_before_anybody_heard_is_told_to_nobody(telling):
    """Held, released within the window, now on its way to an answer: nobody has to do anything."""
    house = telling(answers={"taken_within": None, "processed_within": None}, way_tells="files")
    house.far.sends.extend(["no"])
    submission = house.taken("a.csv", source("A1"))
    tell(house)
    decided(house, "release", house.batches()[0].id)
    tell(house)
    tell(house, later=WAIT)
    assert house.crier.sent == []
    assert house.ledger.notice("recording", f"file:{submission.id}") is None


def test_what_is_owed_to_nobody_any_more_is_forgotten(telling):
    """Found for somebody whom the settings name no more when it is due: neither told nor owed for ever."""
    house = telling(feed(notify=PEOPLE), way_operators=(), way_tells="files")
    rejected(house)
    tell(house)
    assert len(house.ledger.notices_owed("recording")) == 1
    house.set(feeds={"shop": feed()})
    tell(house, later=WAIT)
    assert house.crier.sent == []
    assert house.ledger.notices_owed("recording") == ()


def test_what_is_over_before_anybody_heard_is_told_to_nobody(telling):
    """Cancelled within the window: no notice, no settled one, nothing kept."""
    house = telling()
    submission = rejected(house)
    tell(house)
    decided(house, "cancel", submission.id)
    tell(house)
    tell(house, later=WAIT)
    assert house.crier.sent == []
    assert house.ledger.notice("recording", f"file:{submission.id}") is None


@pytest.mark.parametrize(("told", "expected"), [(False, []), (True, ["The 1 row was delivered — a.csv"])])
def test_success_is_told_where_the_feed_says_so(told, expected, telling):
    """A file that ends well is no news unless somebody wants it to be."""
    house = telling(feed(notify=PEOPLE, tell_success=told))
    house.taken("a.csv", source("A1"))
    tell(house)
    tell(house, later=WAIT)
    assert subjects(house) == expected


def test_partly_sent_is_said_in_the_subject(telling):
    """The verdict is the subject: how many were kept back, and of which file."""
    house = telling(feed(notify=PEOPLE, bad_rows={"policy": "split", "at_most": 1.0}))
    house.taken("refunds.csv", source("A1", "A2", "A3", bad=("A2",)))
    tell(house)
    tell(house, later=WAIT)
    (told,) = subjects(house)
    assert told.startswith("Partly sent: 1 of 3 orders was kept back")
    assert told.endswith(" — refunds.csv")


def test_nothing_is_told_of_what_was_before_notices_were_switched_on(telling):
    """Switched on over a ledger with old troubles, only what happens from then on is told."""
    house = telling()
    ways = house.settings.notices
    house.set(notices=())
    rejected(house, "old.csv")
    house.drain()
    house.ledger.note("recording", [], mark=0)  # as if never planted; the next lines plant it anew
    house.settings = house.settings.model_copy(update={"notices": ways[:0]})
    with house.ledger._writing(0.0, "test"):
        house.ledger._connection.execute("DELETE FROM notice_mark")
    house.set(notices=ways)
    rejected(house, "new.csv")
    tell(house)
    tell(house, later=WAIT)
    assert subjects(house) == ["Nothing was sent — new.csv"]


def test_a_restart_loses_nothing_that_is_owed(telling):
    """Found, then stopped within the window: told after the start."""
    house = telling()
    rejected(house)
    tell(house)
    house.stop()
    house.start()
    tell(house, later=WAIT)
    assert subjects(house) == ["Nothing was sent — refunds.csv"]


def test_a_crash_before_anything_was_found_loses_nothing(telling):
    """The folder was told, nobody looked before the end: found after the start."""
    house = telling()
    rejected(house)
    house.drain()
    house.stop()
    house.start()
    tell(house)
    tell(house, later=WAIT)
    assert subjects(house) == ["Nothing was sent — refunds.csv"]


def test_a_crash_between_sending_and_noting_repeats_the_same_notice(telling, monkeypatch):
    """It comes a second time under the same name, so that a reader can tell."""
    house = telling()
    rejected(house)
    tell(house)

    def full(*_args, **_more):
        raise LedgerError("no room")

    with monkeypatch.context() as cut:
        cut.setattr(house.ledger, "note", full)
        with pytest.raises(LedgerError):
            tell(house, later=WAIT)
    house.stop()
    house.start()
    tell(house, later=1)
    tell(house, later=WAIT)
    assert subjects(house) == ["Nothing was sent — refunds.csv"] * 2
    assert len({bulletin.id for bulletin in house.crier.sent}) == 1


def test_a_pass_tells_what_is_due_at_its_end(telling):
    """`once` waits for no window."""
    house = telling()
    rejected(house)
    house.drain()
    assert house.engine.tell() is True
    assert subjects(house) == ["Nothing was sent — refunds.csv"]
    assert house.engine.tell() is False


def test_the_report_stays_at_home_where_the_way_says_so(telling):
    """No attachment, and the text does not speak of one."""
    house = telling(way_attach=False)
    rejected(house)
    house.drain()
    house.engine.tell()
    (bulletin,) = house.crier.sent
    assert bulletin.report is None
    assert "attached" not in bulletin.text


def test_no_contents_of_rows_but_in_the_report(telling, said):
    """Neither subject, text, items, ledger nor log hold what stood in the file."""
    house = telling()
    canary = "CANARY-7731"
    house.taken("a.csv", source("A1", canary, bad=("A1",)).replace(b"BECAUSE", canary.encode()))
    house.drain()
    house.engine.tell()
    (bulletin,) = house.crier.sent
    assert canary.encode() in house.crier.reports[0]
    kept = [house.ledger.notice("recording", item.about) for item in bulletin.items]
    for text in (bulletin.subject, bulletin.text, str(bulletin.items), str(kept), str(said())):
        assert canary not in text
