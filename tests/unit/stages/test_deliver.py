from __future__ import annotations

import pytest

from agent.errors import SpoolError
from agent.feedback.story import Delivery
from agent.stages.decide import Word, decide
from agent.stages.deliver import broke, deliver, recover, start
from agent.states import UnknownTransitionError
from tests.house import House

FIRST = 30.0


@pytest.fixture
def house(memory_path):
    """Make an agent's inside whose destination holds what is in doubt."""
    made = House(memory_path)
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


@pytest.mark.parametrize(("send", "phase"), [("busy", "STARTED"), ("busy-late", "WILL_PUBLISH")])
def test_what_may_work_later_is_tried_again_later(house, send, phase):
    """DEFERRED with the reason, due after the first delay; nothing arrived, so nothing is looked for next."""
    batch = attempt(house, house.batch(), send)
    assert (batch.state, batch.reason) == ("DEFERRED", "try again later")
    assert batch.due_at == house.now + FIRST
    assert house.outcomes(batch) == [(phase, "deferred")]
    assert attempt(house, batch).state == "SENT"
    assert house.far.asked == ["send shop_a.csv", "send shop_a.csv"]


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


def test_what_surely_did_not_arrive_is_sent_again_without_a_look(house):
    """Looked for at once and not there: the attempt left nothing."""
    batch = attempt(house, house.batch(), "vanished")
    assert (batch.state, batch.due_at) == ("DEFERRED", house.now + FIRST)
    assert not Delivery(batch, house.ledger.attempts(batch.id)).maybe_there
    assert attempt(house, batch).state == "SENT"
    assert house.far.asked == ["send shop_a.csv", "look shop_a.csv", "send shop_a.csv"]


def test_with_resend_it_goes_again_but_not_at_once(memory_path):
    """A far side that loses every answer is not flooded: each further attempt waits its time."""
    house = House(memory_path, in_doubt="resend")
    batch = attempt(house, house.batch(), "lost", look="blind")
    assert (batch.state, batch.due_at) == ("DEFERRED", house.now + FIRST)
    house.far.looks.append("blind")
    batch = attempt(house, batch, "lost", look="blind")
    assert (batch.state, batch.due_at) == ("DEFERRED", house.now + 2 * FIRST)
    assert house.far.published == ["shop_a.csv", "shop_a.csv"]
    house.stop()


def test_a_batch_in_doubt_stays_so_until_somebody_looks(house):
    """An attempt that only looked, and could not tell, changes nothing; a person may overrule."""
    batch = interrupted(house, house.batch())
    batch = attempt(house, batch, look="blind")
    assert (batch.state, house.outcomes(batch)[-1]) == ("IN_DOUBT", ("STARTED", "looked"))
    batch = attempt(house, say(house, "resend", batch), look="blind")
    assert batch.state == "SENT"
    assert [outcome for _, outcome in house.outcomes(batch)] == ["overruled", "looked", "sent"]


def test_what_the_ledger_gave_up_meanwhile_publishes_nothing(house):
    """A thread that was left behind at a stop can make nothing visible any more."""
    batch = house.batch()
    house.ledger.commit([start(house.context, batch.id)], at=house.now)
    house.ledger.commit([recover(house.context, batch.id)], at=house.now)
    with pytest.raises(UnknownTransitionError):
        deliver(house.context, house.far, batch.id)
    assert house.far.files == {}


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


SENDS = ("ok", "busy", "busy-late", "no", "no-late", "lost", "vanished")


@pytest.mark.parametrize("in_doubt", ["hold", "resend", "assume-sent"])
@pytest.mark.parametrize("look", ["see", "blind", "deaf"])
@pytest.mark.parametrize("send", SENDS)
def test_nothing_that_arrived_is_ever_called_surely_not_there(memory_path, send, look, in_doubt):
    """Whatever happens: what is at the far side is SENT, or the attempts say that it may be there."""
    house = House(memory_path, in_doubt=in_doubt)
    batch = attempt(house, house.batch(), send, look)
    delivery = Delivery(batch, house.ledger.attempts(batch.id))
    if house.far.files:
        assert batch.state == "SENT" or delivery.maybe_there
    if batch.state == "SENT" and in_doubt != "assume-sent":
        assert house.far.files
    house.stop()
