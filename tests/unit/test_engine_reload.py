"""Settings that change while the engine works: what is under way ends as it began, the rest goes on anew."""

from __future__ import annotations

import pytest

from agent.settings.models import Destination, Retries
from agent.stages.deliver import start
from tests.house import feed, source
from tests.servers import wait_until

THERE = Destination(type="recorder")
OTHER = Destination(type="recorder", max_rows=5)


def change(house, **changes):
    """Take other settings over."""
    house.settings = house.settings.model_copy(update=changes)
    house.engine.take_over(house.settings)


@pytest.fixture
def working():
    """Start threads of engines; all are brought to rest at the end."""
    started = []

    def work(house, threads):
        started.extend((house.engine, thread) for thread in threads)
        for thread in threads:
            thread.start()
        return threads

    yield work
    for engine, _ in started:
        engine.stop()
    for _, thread in started:
        thread.join(10)
        assert not thread.is_alive()


def test_a_feeds_new_settings_count_for_the_next_file(house_of):
    """The file that was taken before and is prepared after goes where the settings say now."""
    house = house_of()
    house.taken("refunds.csv", source("A"))
    ways = {"there": THERE, "elsewhere": OTHER}
    change(house, destinations=ways, feeds={"shop": feed("shop", destination="elsewhere")})
    house.drain()
    assert [(batch.destination, batch.state) for batch in house.batches()] == [("elsewhere", "SENT")]


def test_what_waits_for_a_destination_that_is_gone_is_held(house_of):
    """With the reason, at once, and nothing is sent."""
    house = house_of()
    batch = house.batch()
    change(house, destinations={"elsewhere": OTHER})
    assert house.again(batch).state == "HELD"
    assert "no longer have the destination there" in house.again(batch).reason
    house.drain()
    assert house.far.asked == []


def test_a_file_that_is_prepared_while_its_destination_goes_is_held(house_of):
    """Its batches were made for a way that is gone when they are recorded."""
    house = house_of()
    house.taken("refunds.csv", source("A"))
    house.engine.progress = lambda *_: change(house, destinations={"elsewhere": OTHER})
    house.drain()
    assert [batch.state for batch in house.batches()] == ["HELD"]
    assert house.far.asked == []


def test_an_attempt_under_way_ends_as_it_began(house_of):
    """The destination goes while a batch is being published: it is SENT, and the one behind it is held."""
    house = house_of()
    first, second = house.batch("a"), house.batch("b")
    house.far.at_publishing = lambda _: change(house, destinations={})
    house.drain()
    assert [house.again(one).state for one in (first, second)] == ["SENT", "HELD"]
    assert house.far.published == [first.name]


def test_an_attempt_that_fails_when_its_destination_is_gone_is_held(house_of, working):
    """Deferred, for nobody any more: its thread holds it and ends."""
    house = house_of()
    batch = house.batch()
    house.far.sends.append("lost")
    house.far.looks.append("deaf")
    house.far.at_publishing = lambda _: change(house, destinations={})
    (thread,) = working(house, house.engine.crew.newcomers())
    thread.join(10)
    assert not thread.is_alive()
    assert house.again(batch).state in {"HELD", "IN_DOUBT"}
    assert not house.engine.context.stop.asked
    assert house.engine.failure is None


def test_a_batch_that_is_being_sent_is_not_held(house_of):
    """What the far side may have in hand is not taken out of it."""
    house = house_of()
    batch = house.batch()
    house.ledger.commit([start(house.context, batch.id)], at=house.now)
    change(house, destinations={})
    assert house.again(batch).state == "SENDING"


def test_a_destination_that_is_new_gets_a_thread_and_one_that_is_gone_loses_it(house_of, working):
    """Nobody else is disturbed; should one come back, it gets a thread again, and never two."""
    house = house_of()
    (first,) = working(house, house.engine.crew.newcomers())
    assert house.engine.crew.newcomers() == []
    change(house, destinations={"there": THERE, "elsewhere": OTHER})
    (second,) = working(house, house.engine.crew.newcomers())
    assert second.name == "deliver-elsewhere"
    change(house, destinations={"elsewhere": OTHER})
    first.join(10)
    assert (first.is_alive(), second.is_alive()) == (False, True)
    change(house, destinations={"there": THERE, "elsewhere": OTHER})
    (third,) = working(house, house.engine.crew.newcomers())
    assert third.name == "deliver-there"
    batch = house.batch()
    wait_until(lambda: house.again(batch).state == "SENT", "the batch to be sent", 10)


def test_a_channel_whose_settings_changed_is_opened_anew(house_of, working):
    """By its own thread, soon, whether there is anything to send or not; the others keep theirs."""
    house = house_of()
    opened = []
    house.engine.deliverer._open_channel = lambda options: opened.append(options) or house.far
    working(house, house.engine.crew.newcomers())
    house.batch("a")
    wait_until(lambda: house.far.published, "the first batch", 10)
    change(house, scan=1.0)
    house.batch("b")
    house.engine.ring()
    wait_until(lambda: len(house.far.published) == 2, "the second batch", 10)
    assert (opened, house.far.closed) == ([THERE], 0)
    change(house, destinations={"there": OTHER})
    wait_until(lambda: house.far.closed == 1, "the channel to be closed", 10)
    house.batch("c")
    house.engine.ring()
    wait_until(lambda: len(house.far.published) == 3, "the third batch", 10)
    assert opened == [THERE, OTHER]


def test_a_destination_whose_settings_are_mended_is_tried_at_once(house_of):
    """What it was left alone for may be over; batches that wait for their own time still do."""
    house = house_of(feed("shop"), feed("other"), retries=Retries(first=1000, at_most=1000))
    house.batch("a")
    house.far.sends.append("busy")
    house.engine.deliverer.deliver_due("there")
    house.batch("b", feed="other")
    assert not house.engine.deliverer.deliver_due("there")
    change(house, scan=2.0)
    assert house.engine.deliverer.deliver_due("there")
    assert house.far.published == ["other_b.csv"]
