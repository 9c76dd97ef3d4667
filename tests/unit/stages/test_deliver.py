from __future__ import annotations

import pytest

from agent.errors import SpoolError
from agent.feedback.story import Delivery
from agent.settings.models import Retries
from agent.stages.decide import Word, decide
from agent.stages.deliver import broke, delay, deliver, hold_stranded, recover, start
from agent.states import UnknownTransitionError
from tests.house import House

FIRST = 30.0
HOUR = 3600.0


@pytest.fixture
def house(tmp_path):
    """Make an agent's inside whose destination holds what is in doubt."""
    made = House(tmp_path)
    yield made
    made.stop()


def attempt(house, batch, send="ok", look=""):
    """Make one attempt with a far side that behaves so; return the batch as it is then."""
    house.far.sends.append(send)
    house.far.looks.extend([look] if look else [])
    house.ledger.commit([start(house.context, batch.id)], at=house.now)
    house.now += 1
    house.ledger.commit([deliver(house.context, house.far, batch.id)], at=house.now)
    house.far.sends.clear()
    house.far.looks.clear()
    return house.again(batch)


def interrupted(house, batch, send="ok"):
    """Begin an attempt and die before its end is recorded; take it up again."""
    house.far.sends.append(send)
    house.ledger.commit([start(house.context, batch.id)], at=house.now)
    if send != "never":
        deliver(house.context, house.far, batch.id)
    house.stop()
    house.start()
    house.ledger.commit([recover(house.context, batch.id)], at=house.now)
    return house.again(batch)


def say(house, verb, batch):
    """Have a person decide."""
    decision = decide(house.ledger, house.settings, Word(verb, batch.id, "looked", house.now))
    house.ledger.commit(decision.transitions, at=house.now, actor="anna")
    return house.again(batch)


def test_a_batch_arrives_with_its_bytes_under_its_name(house):
    """One attempt, its end recorded with the receipt; nothing was looked for."""
    batch = attempt(house, house.batch("a", b"Oid\r\n7\r\n"))
    assert (batch.state, batch.reason, batch.tries) == ("SENT", "", 1)
    assert house.far.files == {"shop_a.csv": b"Oid\r\n7\r\n"}
    assert house.far.asked == ["send shop_a.csv"]
    (made,) = house.ledger.attempts(batch.id)
    assert (made.phase, made.outcome, made.ended_at) == ("PUBLISHED", "sent", house.now)
    assert made.evidence == "verified: seen under its name"


def test_the_ledger_knows_before_anything_is_visible(house):
    """When something becomes visible, WILL_PUBLISH is on disk: another connection sees it."""
    batch = house.batch()
    seen = []

    def look_from_elsewhere(_name):
        from agent.ledger.ledger import Ledger  # noqa: PLC0415 - as another process would

        with Ledger.open(house.ledger.path, must_exist=True) as other:
            seen.append([one.phase for one in other.attempts(batch.id)])

    house.far.at_publishing = look_from_elsewhere
    attempt(house, batch)
    assert seen == [["WILL_PUBLISH"]]


@pytest.mark.parametrize(("send", "phase"), [("busy", "STARTED"), ("busy-late", "WILL_PUBLISH")])
def test_what_may_work_later_is_tried_again_later(house, send, phase):
    """DEFERRED with the reason, due after the first delay; nothing arrived, so nothing is looked for next."""
    batch = attempt(house, house.batch(), send)
    assert (batch.state, batch.reason) == ("DEFERRED", "try again later")
    assert batch.due_at == house.now + FIRST
    assert house.outcomes(batch) == [(phase, "deferred")]
    assert attempt(house, batch).state == "SENT"
    assert house.far.asked == ["send shop_a.csv", "send shop_a.csv"]


@pytest.mark.parametrize(
    ("number", "dice", "seconds"),
    [(1, 1.0, 30), (1, 0.0, 15), (2, 1.0, 60), (3, 1.0, 120), (5, 0.5, 360), (6, 1.0, 900), (99, 0.0, 450)],
)
def test_delays_grow_and_are_jittered(number, dice, seconds):
    """Doubled from `first` up to `at_most`, and between a half and the whole of that."""
    assert delay(number, Retries(), dice) == seconds


def test_without_success_for_too_long_a_person_is_asked(tmp_path):
    """After `hold_after` the batch is held with the time and the last fault; let go, it begins anew."""
    house = House(tmp_path, retries=Retries(hold_after=10_000))
    batch = house.batch()
    for _ in range(3):
        batch = attempt(house, batch, "busy")
        house.now += 3000
    assert batch.state == "DEFERRED"
    house.now += 3000
    batch = attempt(house, batch, "busy")
    assert (batch.state, batch.reason) == (
        "HELD",
        "no attempt has worked for 3 hours; the last one: try again later",
    )
    batch = attempt(house, say(house, "release", batch), "busy")
    assert (batch.state, batch.tries, batch.due_at) == ("DEFERRED", 1, house.now + FIRST)
    house.stop()


def test_what_cannot_work_waits_for_a_person(house):
    """HELD with the far side's words; the destination is left alone for an hour."""
    batch = attempt(house, house.batch(), "no")
    assert (batch.state, batch.reason) == ("HELD", "the login was refused")
    assert batch.due_at == house.now + HOUR
    assert house.outcomes(batch) == [("STARTED", "held")]
    assert house.ledger.attempts(batch.id)[0].evidence == "no"


@pytest.mark.parametrize("harm", ["altered", "gone"])
def test_bytes_that_are_not_those_prepared_are_never_sent(house, harm):
    """FAILED, and the far side was not even asked."""
    batch = house.batch()
    path = house.spool.path(batch.path)
    path.chmod(0o600)
    path.write_bytes(b"other") if harm == "altered" else path.unlink()
    batch = attempt(house, batch)
    assert batch.state == "FAILED"
    assert batch.reason.startswith("nothing was sent: ")
    assert house.far.asked == []
    assert not Delivery(batch, house.ledger.attempts(batch.id)).maybe_there


def test_a_disk_that_cannot_be_read_fails_no_batch(house):
    """It is the agent's disk that is in trouble: the error goes to the engine."""
    batch = house.batch()
    path = house.spool.path(batch.path)
    path.unlink()
    path.mkdir()
    with pytest.raises(SpoolError):
        attempt(house, batch)
    assert house.again(batch).state == "SENDING"
    assert house.far.asked == []


def test_an_answer_that_is_lost_is_looked_for_at_once(house):
    """The file is there: SENT, in one attempt."""
    batch = attempt(house, house.batch(), "lost")
    assert batch.state == "SENT"
    assert house.far.asked == ["send shop_a.csv", "look shop_a.csv"]
    assert house.ledger.attempts(batch.id)[0].evidence == "found at the other end: looked into the folder"


def test_what_surely_did_not_arrive_is_sent_again_without_a_look(house):
    """Looked for at once and not there: the attempt left nothing."""
    batch = attempt(house, house.batch(), "vanished")
    assert (batch.state, batch.due_at) == ("DEFERRED", house.now + FIRST)
    assert not Delivery(batch, house.ledger.attempts(batch.id)).maybe_there
    assert attempt(house, batch).state == "SENT"
    assert house.far.asked == ["send shop_a.csv", "look shop_a.csv", "send shop_a.csv"]


@pytest.mark.parametrize(("send", "again"), [("lost", 0), ("vanished", 1)])
def test_what_could_not_be_looked_for_is_looked_for_before_it_is_sent_again(house, send, again):
    """The look failed: DEFERRED, maybe there; the next attempt looks and only then sends."""
    batch = attempt(house, house.batch(), send, look="deaf")
    assert (batch.state, batch.due_at) == ("DEFERRED", house.now + FIRST)
    assert Delivery(batch, house.ledger.attempts(batch.id)).maybe_there
    asked = len(house.far.asked)
    assert attempt(house, batch).state == "SENT"
    assert house.far.asked[asked:] == ["look shop_a.csv", *["send shop_a.csv"] * again]
    assert house.far.published == ["shop_a.csv"]


def test_what_nobody_can_tell_is_in_doubt(house):
    """With `hold` a person decides; the reason says why nobody knows."""
    batch = attempt(house, house.batch(), "lost", look="blind")
    assert batch.state == "IN_DOUBT"
    assert "nobody can tell: it may have been taken already" in batch.reason
    assert Delivery(batch, house.ledger.attempts(batch.id)).maybe_there


def test_with_resend_it_goes_again_but_not_at_once(tmp_path):
    """A far side that loses every answer is not flooded: each further attempt waits its time."""
    house = House(tmp_path, in_doubt="resend")
    batch = attempt(house, house.batch(), "lost", look="blind")
    assert (batch.state, batch.due_at) == ("DEFERRED", house.now + FIRST)
    house.far.looks.append("blind")
    batch = attempt(house, batch, "lost", look="blind")
    assert (batch.state, batch.due_at) == ("DEFERRED", house.now + 2 * FIRST)
    assert house.far.published == ["shop_a.csv", "shop_a.csv"]
    house.stop()


def test_with_assume_sent_it_counts_as_sent(tmp_path):
    """And the attempt says that this is an assumption."""
    house = House(tmp_path, in_doubt="assume-sent")
    batch = attempt(house, house.batch(), "lost", look="blind")
    assert batch.state == "SENT"
    assert house.ledger.attempts(batch.id)[0].evidence.startswith("assumed to be sent, as the settings say")
    house.stop()


def test_killed_after_it_became_visible_it_is_found_and_not_sent_again(house):
    """The interrupted attempt had reached WILL_PUBLISH: the next one looks first."""
    batch = interrupted(house, house.batch())
    assert house.outcomes(batch) == [("WILL_PUBLISH", "interrupted")]
    batch = attempt(house, batch)
    assert batch.state == "SENT"
    assert house.far.published == ["shop_a.csv"]


def test_killed_before_anything_could_be_visible_it_is_sent_without_a_look(house):
    """The interrupted attempt had only begun."""
    batch = interrupted(house, house.batch(), "never")
    assert batch.state == "DEFERRED"
    house.far.sends.clear()
    assert attempt(house, batch).state == "SENT"
    assert house.far.asked == ["send shop_a.csv"]


@pytest.mark.parametrize(("look", "asked", "times"), [("blind", 1, 2), ("see", 0, 1)])
def test_a_person_who_has_it_sent_again_is_believed(house, look, asked, times):
    """After `resend` a look that cannot tell no longer stops it; one that finds it does."""
    batch = attempt(house, house.batch(), "lost", look="blind")
    batch = attempt(house, say(house, "resend", batch), look=look)
    assert batch.state == "SENT"
    assert house.far.asked[2:] == ["look shop_a.csv", *["send shop_a.csv"] * asked]
    assert len(house.far.published) == times


def test_a_person_is_believed_about_the_past_only(house):
    """What is lost again after the person's word is in doubt again."""
    batch = attempt(house, house.batch(), "lost", look="blind")
    house.far.looks.append("blind")
    batch = attempt(house, say(house, "resend", batch), "vanished", look="blind")
    assert batch.state == "IN_DOUBT"
    assert [outcome for _, outcome in house.outcomes(batch)] == ["overruled", "unknown"]


def test_a_batch_in_doubt_stays_so_until_somebody_looks(house):
    """An attempt that only looked, and could not tell, changes nothing; a person may overrule."""
    batch = interrupted(house, house.batch())
    batch = attempt(house, batch, look="blind")
    assert (batch.state, house.outcomes(batch)[-1]) == ("IN_DOUBT", ("STARTED", "looked"))
    batch = attempt(house, say(house, "resend", batch), look="blind")
    assert batch.state == "SENT"
    assert [outcome for _, outcome in house.outcomes(batch)] == ["overruled", "looked", "sent"]


def test_asked_to_stop_it_does_not_look_any_more(house):
    """The next start looks; the stop is not held up by a server that does not answer."""
    house.context.stop.ask()
    batch = attempt(house, house.batch(), "lost")
    assert (batch.state, house.outcomes(batch)) == ("DEFERRED", [("WILL_PUBLISH", "unknown")])
    assert house.far.asked == ["send shop_a.csv"]


def test_what_the_ledger_gave_up_meanwhile_publishes_nothing(house):
    """A thread that was left behind at a stop can make nothing visible any more."""
    batch = house.batch()
    house.ledger.commit([start(house.context, batch.id)], at=house.now)
    house.ledger.commit([recover(house.context, batch.id)], at=house.now)
    with pytest.raises(UnknownTransitionError):
        deliver(house.context, house.far, batch.id)
    assert house.far.files == {}


def test_what_fails_unforeseen_is_tried_three_times(house):
    """Then a person is asked; each time it may be there, so each time it is looked for."""
    batch = house.batch()
    for _ in range(3):
        house.ledger.commit([start(house.context, batch.id)], at=house.now)
        house.ledger.commit([broke(house.context, batch.id, house.now + 30)], at=house.now)
    batch = house.again(batch)
    assert (batch.state, batch.tries) == ("HELD", 3)
    assert "3 times in a row" in batch.reason


def test_an_ordinary_fault_in_between_begins_the_count_anew(house):
    """Only the same trouble over and over is given up."""
    batch = house.batch()
    for send in ("broke", "broke", "busy", "broke"):
        if send == "busy":
            attempt(house, batch, "busy")
            continue
        house.ledger.commit([start(house.context, batch.id)], at=house.now)
        house.ledger.commit([broke(house.context, batch.id, house.now + 30)], at=house.now)
    batch = house.again(batch)
    assert (batch.state, batch.due_at) == ("DEFERRED", house.now + 30)


def test_a_batch_without_a_destination_is_held(house):
    """The settings were changed under it: it is said, and can be released when they are mended."""
    batch = house.batch()
    house.ledger.commit([hold_stranded(house.context, batch.id)], at=house.now)
    assert house.again(batch).reason == (
        "the settings no longer have the destination there; add it again and release this batch"
    )


SENDS = ("ok", "busy", "busy-late", "no", "no-late", "lost", "vanished")


@pytest.mark.parametrize("in_doubt", ["hold", "resend", "assume-sent"])
@pytest.mark.parametrize("look", ["see", "blind", "deaf"])
@pytest.mark.parametrize("send", SENDS)
def test_nothing_that_arrived_is_ever_called_surely_not_there(tmp_path, send, look, in_doubt):
    """Whatever happens: what is at the far side is SENT, or the attempts say that it may be there."""
    house = House(tmp_path, in_doubt=in_doubt)
    batch = attempt(house, house.batch(), send, look)
    delivery = Delivery(batch, house.ledger.attempts(batch.id))
    if house.far.files:
        assert batch.state == "SENT" or delivery.maybe_there
    if batch.state == "SENT" and in_doubt != "assume-sent":
        assert house.far.files
    house.stop()
