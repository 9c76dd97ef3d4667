from __future__ import annotations

import sqlite3
import time
from dataclasses import replace

import pytest

from agent.engine import Engine
from agent.errors import SpoolError
from agent.model import Level
from agent.settings.models import BadRows, Destination, Retries
from agent.spool import NoRoomError
from agent.stages.decide import Word, decide
from agent.stages.deliver import start
from tests.house import feed, source

TWO = {"there": Destination(type="recorder"), "elsewhere": Destination(type="recorder")}


def states(house):
    """Return the states of all submissions and of all batches."""
    owners = house.ledger.submissions(limit=1000)
    return [one.state for one in owners], [batch.state for batch in house.batches()]


def test_a_file_goes_the_whole_way(house_of):
    """Taken, prepared, delivered, told, archived; then nothing is due any more."""
    house = house_of()
    house.taken("refunds.csv", source("A"))
    house.drain()
    assert states(house) == (["CLOSED"], ["SENT"])
    assert house.engine.drain() is False


def test_advance_is_the_only_verb(house_of):
    """It moves whatever an id stands for one state on, and says whether it did."""
    house = house_of()
    submission = house.taken("refunds.csv", source("A"))
    assert house.engine.advance(submission.id)
    (batch,) = house.batches(submission)
    assert not house.engine.advance(submission.id)  # on its way: nothing to tell
    assert house.engine.advance(batch.id)
    assert not house.engine.advance(batch.id)
    assert house.engine.advance(submission.id)
    assert not house.engine.advance(submission.id)
    assert states(house) == (["CLOSED"], ["SENT"])
    with pytest.raises(LookupError):
        house.engine.advance("nobody")


def test_a_submission_on_its_way_is_not_told_of(house_of):
    """A thread with an old list that comes to it again must not write into the folder."""
    house = house_of()
    submission = house.taken("refunds.csv", source("A"))
    house.engine.advance(submission.id)
    house.engine.advance(submission.id)
    assert (house.told("attention"), house.told("done")) == ({}, {})
    assert house.submission(submission.id).told_at == 0


def test_the_end_of_an_attempt_and_the_begin_of_the_next_share_a_commit(house_of):
    """Three batches: begin, end and begin, end and begin, end: four commits, and three notes between."""
    house = house_of()
    for name in "abc":
        house.batch(name)
    with sqlite3.connect(house.ledger.path) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        versions = [before]
        house.far.at_publishing = lambda _: versions.append(other.execute("PRAGMA data_version").fetchone())
        assert house.engine.deliverer.deliver_due("there")
    other.close()
    events = [event for event in house.ledger.audit() if event.event in {"started", "sent"}]
    times = [event.at for event in events]
    assert [event.event for event in events] == ["started", "sent", "started", "sent", "started", "sent"]
    assert times[1] == times[2]
    assert times[3] == times[4]
    assert len(set(versions)) == 4


def test_a_transient_fault_leaves_the_destination_alone(house_of):
    """The other batches are not burnt on it: one attempt, then a pause for all; the success ends it."""
    house = house_of(feed("shop"), feed("other"))
    for name, of in (("a", "shop"), ("b", "shop"), ("c", "other")):
        house.batch(name, feed=of)
    house.far.sends.append("busy")
    house.engine.deliverer.deliver_due("there")
    assert [batch.state for batch in house.batches()] == ["DEFERRED", "READY", "READY"]
    assert not house.engine.deliverer.deliver_due("there")
    house.now += 30
    house.engine.deliverer.deliver_due("there")
    assert house.far.published == ["other_c.csv", "shop_a.csv", "shop_b.csv"]


def test_a_batch_that_always_fails_does_not_stop_other_feeds(house_of):
    """It comes behind them once it has failed; its own feed waits, for the order of amounts matters."""
    house = house_of(feed("shop"), feed("other"), retries=Retries(first=10, at_most=10))
    house.batch("a")
    house.far.sends.extend(["busy"])
    house.engine.deliverer.deliver_due("there")
    house.batch("b")
    for number in range(3):
        house.batch(f"c{number}", feed="other")
    house.now += 10
    house.far.sends.extend(["ok", "ok", "ok", "busy"])
    house.engine.deliverer.deliver_due("there")
    assert house.far.published == ["other_c0.csv", "other_c1.csv", "other_c2.csv"]
    assert [batch.state for batch in house.batches() if "shop" in batch.name] == ["DEFERRED", "READY"]


def test_a_wrong_password_burns_one_batch(house_of, said):
    """The first is held; the others wait READY, whatever is asked of the engine, and after a restart."""
    house = house_of()
    for name in "abc":
        house.batch(name)
    house.far.sends.extend(["no", "no", "no"])
    house.drain()
    house.stop()
    house.start()
    house.drain(60)
    assert [batch.state for batch in house.batches()] == ["HELD", "READY", "READY"]
    assert len(house.far.asked) == 1
    assert [line["reason"] for line in said("batch.held")] == ["the login was refused"]


def test_when_the_password_is_mended_one_release_sends_all(house_of):
    """The released one finds out; the others follow by themselves."""
    house = house_of()
    held, *_ = (house.batch(name) for name in "abc")
    house.far.sends.append("no")
    house.drain()
    word = Word("release", held.id, "mended", house.now + 1)
    house.now += 1
    house.ledger.commit(decide(house.ledger, house.settings, word).transitions, at=house.now)
    house.drain(1)
    assert [batch.state for batch in house.batches()] == ["SENT", "SENT", "SENT"]


@pytest.mark.parametrize("send", ["bug", "bug-late", "bug-after"])
def test_what_nobody_foresaw_holds_up_nobody_else(house_of, said, send):
    """It is logged with its place and without its words, tried again later, looked for first; others go on."""
    house = house_of(feed("shop"), feed("other"))
    strange = house.batch("a")
    house.batch("b", feed="other")
    house.far.sends.append(send)
    house.drain()
    assert [batch.state for batch in house.batches()] == ["DEFERRED", "SENT"]
    (line,) = said("step.failed")
    assert (line["kind"], line["subject"], line["reason"]) == ("RuntimeError", strange.id, "")
    assert "house.py:" in line["where"]
    house.engine._resting.clear()
    house.drain(30)
    assert house.far.published.count("shop_a.csv") == 1
    assert house.again(strange).state == "SENT"


def test_an_error_of_the_spools_disk_stops_the_agent(house_of):
    """Nothing can be trusted then; a restart is needed."""
    house = house_of()
    batch = house.batch()
    house.spool.path(batch.path).unlink()
    house.spool.path(batch.path).mkdir()
    with pytest.raises(SpoolError):
        house.engine.drain()


def test_a_drop_folder_that_cannot_be_written_stops_nothing(house_of, said):
    """It is said once; other feeds are told, batches go out; when the folder is back all is made good."""
    house = house_of(feed("shop"), feed("other"))
    (house.drop("shop") / "done").rmdir()
    (house.drop("shop") / "done").write_text("in the way")
    for number in range(3):
        house.taken(f"a{number}.csv", source(f"A{number}"))
    house.taken("b.csv", source("B"), "other")
    house.drain()
    house.drain()
    assert sorted(states(house)[0]) == ["CLOSED", "PREPARED", "PREPARED", "PREPARED"]
    assert set(states(house)[1]) == {"SENT"}
    assert [line["code"] for line in said("folder.troubled")] == ["E-FOLDER"]
    (house.drop("shop") / "done").unlink()
    house.engine._resting.clear()
    house.drain()
    assert set(states(house)[0]) == {"CLOSED"}


class FullDisk:
    """A spool whose disk is full while `full` is true."""

    def __init__(self, spool):
        self._spool, self.full = spool, True

    def __getattr__(self, name):
        return getattr(self._spool, name)

    def scratch(self):
        """Find no room."""
        if self.full:
            raise NoRoomError("cannot make a scratch folder: the disk is full; make room")
        return self._spool.scratch()


def test_a_full_disk_is_waited_out(house_of, said):
    """Nothing is lost or blamed, it is said once, and work goes on when there is room."""
    house = house_of()
    for number in range(3):
        house.taken(f"a{number}.csv", source(f"A{number}"))
    disk = FullDisk(house.spool)
    house.engine = Engine(replace(house.context, spool=disk), lambda _: house.far, lambda _: house.postbox)
    house.engine.drain()
    assert not house.engine.drain()
    house.engine._room_at = 0.0  # five seconds later
    house.engine.drain()
    assert set(states(house)[0]) == {"RECEIVED"}
    assert len(said("spool.full")) == 1
    disk.full = False
    house.engine._room_at = 0.0
    house.drain()
    assert set(states(house)[0]) == {"CLOSED"}


def test_a_person_who_is_faster_wins(house_of):
    """A batch that was cancelled between the question and the attempt is not sent; the next one is."""
    house = house_of()
    first, second, third = (house.batch(name) for name in "abc")

    def cancel_the_second(name):
        if name == "shop_a.csv":
            word = Word("cancel", second.id, "no", house.now)
            house.ledger.commit(decide(house.ledger, house.settings, word).transitions, at=house.now)

    house.far.at_publishing = cancel_the_second
    assert house.engine.deliverer.deliver_due("there")
    assert [house.again(one).state for one in (first, second, third)] == ["SENT", "CANCELLED", "SENT"]


def test_a_conflict_does_not_spin(house_of, said):
    """Somebody else moved it meanwhile: it rests a moment, and nothing is said of it."""
    house = house_of()
    submission = house.taken("refunds.csv", source("A"))

    def move_it(*_):
        word = Word("cancel", submission.id, "no", house.now)
        house.ledger.commit(decide(house.ledger, house.settings, word).transitions, at=house.now)

    house.engine.progress = move_it
    before = time.monotonic()
    house.engine.drain()
    assert house.submission(submission.id).state == "CLOSED"
    assert house.engine._resting[submission.id] > before
    assert said("step.failed") == []
    house.engine._resting.clear()
    house.drain()
    assert set(house.told("done")) == {"refunds.csv"}


def test_a_restart_takes_up_what_was_being_sent(house_of):
    """SENDING becomes DEFERRED, is due at once, and is looked for if it may have arrived."""
    house = house_of()
    batch = house.batch()
    house.far.sends.append("lost")
    house.far.looks.append("deaf")
    house.engine.deliverer.deliver_due("there")
    house.ledger.commit([start(house.context, batch.id)], at=house.now)
    house.stop()
    house.start()
    house.engine.recover()
    assert house.again(batch).state == "DEFERRED"
    house.drain()
    assert house.again(batch).state == "SENT"
    assert house.far.published == ["shop_a.csv"]


def test_a_batch_whose_destination_is_gone_is_held_at_the_start(house_of):
    """And goes out when the settings are mended and a person lets it go."""
    house = house_of()
    batch = house.batch()
    house.set(destinations={"elsewhere": TWO["elsewhere"]})
    house.engine.recover()
    assert house.again(batch).state == "HELD"
    house.drain()
    assert "no longer have the destination there" in str(house.told("attention"))


def test_every_level_and_policy_ends(house_of):
    """Whatever a feed asks for, a file comes to an end or waits for a person, and the folder says so."""
    policies = [BadRows(policy="split", at_most=0.5), BadRows(policy="hold"), BadRows(policy="refuse-file")]
    feeds = [feed(f"feed-{number}", bad_rows=policy) for number, policy in enumerate(policies)]
    house = house_of(*feeds, feed("orders", level=Level.ORDER, template="impact-orders.csv.j2"))
    for each in feeds:
        house.taken("refunds.csv", source("A", "B", bad=("B",)), each.name)
    house.taken("refunds.csv", b"ActionTrackerID,Oid,Amount,Reason\n1,A,0,OTHER\n", "orders")
    house.drain()
    assert states(house) == (["CLOSED", "PREPARED", "REJECTED", "CLOSED"], ["SENT", "HELD", "SENT"])
    assert [bool(house.told("attention", each)) for each in house.settings.feeds] == [True, True, True, False]
