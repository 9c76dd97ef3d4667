from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from agent.ledger.transition import Transition
from agent.stages.deliver import deliver, start
from agent.stages.due import FEW, Arrivals, Deliveries, is_owed, some, to_close, to_prepare
from tests.house import House, feed, source


@pytest.fixture
def house(memory_path, workers):
    """Make an agent's inside with two feeds to one destination."""
    made = House(memory_path, feed("shop"), feed("other"), workers=workers)
    yield made
    made.stop()


def due(house):
    """Return the names of the batches that may go now, in their order."""
    return [batch.name for batch in Deliveries(house.context).due("there")]


def attempt(house, batch, how):
    """Make one attempt that ends so, without anybody who remembers it."""
    house.far.sends.append(how)
    house.ledger.commit([start(house.context, batch.id)], at=house.now)
    house.ledger.commit([deliver(house.context, house.far, batch.id)], at=house.now)


def release(house, batch):
    """Let a held batch go."""
    house.now += 1
    house.ledger.commit([Transition(batch.id, "batch", "released")], at=house.now)


def test_batches_go_in_the_order_in_which_their_files_came(house):
    """However they were written."""
    for name, of in (("b", "shop"), ("a", "other"), ("c", "shop")):
        house.batch(name, feed=of)
    assert due(house) == ["shop_b.csv", "other_a.csv", "shop_c.csv"]


def test_one_that_waits_holds_back_the_later_ones_of_its_feed_only(house):
    """They may carry newer amounts of the same orders; those of other feeds, and earlier ones, go on."""
    earlier = house.batch("a")
    waiting = house.batch("b")
    house.batch("c")
    house.batch("d", feed="other")
    attempt(house, waiting, "busy")
    assert due(house) == ["shop_a.csv", "other_d.csv"]
    attempt(house, earlier, "ok")
    house.now = house.again(waiting).due_at
    assert due(house) == ["other_d.csv", "shop_b.csv", "shop_c.csv"]  # the feed in trouble comes last


def test_a_file_that_is_still_being_prepared_holds_back_the_later_ones_of_its_feed_only(house_of):
    """A large file takes longer than a small one that came behind it and says newer things of the same orders."""
    house = house_of(feed("shop"), feed("other"))
    house.batch("a")
    large = house.taken("large.csv", source("A"))
    house.batch("b")
    house.batch("c", feed="other")
    assert due(house) == ["shop_a.csv", "other_c.csv"]
    house.engine.advance(large.id)
    assert [batch.submission for batch in Deliveries(house.context).due("there")][1] == large.id
    assert len(due(house)) == 4


def test_a_batch_that_was_held_back_is_not_lost_in_a_crowd(house):
    """Hundreds of batches of a feed in trouble do not hide the one of another feed behind them."""
    waiting, first = house.batch("a"), house.batch("b")
    crowd = tuple(replace(first, id=f"crowd-{number:04}", number=number) for number in range(2, FEW + 5))
    more = Transition(first.submission, "submission", "resending", new_batches=crowd)
    house.ledger.commit([more], at=house.now)
    house.batch("z", feed="other")
    attempt(house, waiting, "busy")
    assert due(house) == ["other_z.csv"]


def test_a_destination_that_refused_is_left_alone_for_an_hour(house):
    """No other batch is burnt meanwhile; a restart changes nothing about that."""
    refused = house.batch("a")
    house.batch("b")
    house.batch("c", feed="other")
    attempt(house, refused, "no")
    assert due(house) == []
    assert Deliveries(house.context).next_try("there") == house.now + 3600
    house.stop()
    house.start()
    house.now += 3599
    assert due(house) == []
    house.now += 1
    assert due(house) == ["shop_b.csv", "other_c.csv"]


def test_a_batch_that_a_person_let_go_finds_out(house):
    """One of them, and only one that was let go after the last refusal; the others wait for what it finds."""
    refused = [house.batch(name) for name in "abc"]
    house.batch("d")
    for batch in refused:
        attempt(house, batch, "no")
    for batch in refused[:2]:
        release(house, batch)
    assert due(house) == ["shop_a.csv"]
    house.now += 1
    attempt(house, refused[0], "no")
    assert due(house) == []  # b was let go before that


def test_when_nothing_is_held_over_a_refusal_any_more_all_may_go(house):
    """The person has sent or given up what was refused."""
    refused = house.batch("a")
    house.batch("b")
    attempt(house, refused, "no")
    house.ledger.commit([Transition(refused.id, "batch", "cancelled")], at=house.now)
    assert due(house) == ["shop_b.csv"]


def test_what_a_feed_holds_for_a_person_pauses_nobody(house):
    """HELD by policy is no refusal."""
    house.batch("a", state="HELD")
    house.batch("b")
    assert due(house) == ["shop_b.csv"]


def test_after_a_passing_fault_a_destination_is_left_alone_until_the_next_attempt(house):
    """One server that is down must not be asked for each batch; the first success ends it."""
    waiting, other = house.batch("a"), house.batch("b", feed="other")
    deliveries = Deliveries(house.context)
    deliveries.heed("there", Transition(waiting.id, "batch", "deferred", due_at=house.now + 30))
    assert deliveries.due("there") == []
    assert deliveries.next_try("there") == house.now + 30
    deliveries.heed("there", Transition(other.id, "batch", "sent"))
    assert [batch.id for batch in deliveries.due("there")] == [waiting.id, other.id]


def test_a_clock_that_was_set_back_stops_nothing(house):
    """A batch due in a day, when no wait is longer than an hour, is due now."""
    waiting = house.batch()
    attempt(house, waiting, "busy")
    house.now -= 86_400
    assert due(house) == ["shop_a.csv"]


def test_a_clock_that_was_set_back_leaves_no_destination_alone(house):
    """What was learnt from a passing fault is forgotten with the time at which it was to end."""
    waiting = house.batch()
    deliveries = Deliveries(house.context)
    deliveries.heed("there", Transition(waiting.id, "batch", "deferred", due_at=house.now + 30))
    house.now -= 86_400
    assert [batch.id for batch in deliveries.due("there")] == [waiting.id]


def test_the_next_try_is_in_the_future(house):
    """What is due already is no reason to wait, and no reason to spin."""
    deliveries = Deliveries(house.context)
    assert deliveries.next_try("there") is None
    waiting = house.batch()
    attempt(house, waiting, "busy")
    assert deliveries.next_try("there") == house.again(waiting).due_at
    house.now = house.again(waiting).due_at
    assert deliveries.next_try("there") is None


def test_some_asks_for_more_only_when_all_have_to_wait():
    """One short question as a rule."""
    limits = []

    def ask(limit):
        limits.append(limit)
        return list(range(min(limit, 1000)))

    assert some(ask, lambda one: one % 2 == 0)[:2] == [0, 2]
    assert limits == [FEW]
    assert some(ask, lambda one: one == 900) == [900]
    assert some(ask, lambda _: False) == []
    assert some(lambda _: [], lambda _: True) == []


def test_what_is_received_is_due_to_be_prepared(house):
    """Of each feed the first; one that is being prepared, or rests, holds back those that came behind it."""
    first, _ = [house.taken(name, source(name)) for name in ("a.csv", "b.csv")]
    other, _ = [house.taken(name, source(name), feed="other") for name in ("c.csv", "d.csv")]
    assert to_prepare(house.context, lambda _: True) == [other.id, first.id]
    assert to_prepare(house.context, lambda one: one != first.id) == [other.id]
    assert to_close(house.context, lambda _: True) == []


def test_a_later_file_never_overtakes_an_earlier_one_of_its_feed(house):
    """However long that takes: what it says of the same orders is newer, and has to come last."""
    first = house.taken("a.csv", source(*map(str, range(20_000))))
    second = house.taken("b.csv", source("7"))
    with ThreadPoolExecutor(2) as threads:
        while house.ledger.next_received():
            list(threads.map(lambda _: [house.engine.step(one) for one in house.engine.to_prepare()], "12"))
    prepared = [event.subject for event in house.ledger.audit() if event.event == "prepared"]
    assert prepared == [first.id, second.id]


def test_the_folder_is_owed_a_word_about_ends_and_concerns(house):
    """A batch on its way is no news; one that waits for a person is, once; the end is."""
    batch = house.batch()
    submission = house.submission(batch.submission)
    assert (is_owed(house.context, submission), to_close(house.context, lambda _: True)) == (False, [])
    attempt(house, batch, "no")
    assert is_owed(house.context, submission)
    assert to_close(house.context, lambda _: True) == [submission.id]
    told = Transition(submission.id, "submission", "told", told_at=house.again(batch).updated_at)
    house.ledger.commit([told], at=house.now)
    submission = house.submission(submission.id)
    assert (is_owed(house.context, submission), to_close(house.context, lambda _: True)) == (False, [])
    release(house, batch)
    attempt(house, batch, "ok")
    assert is_owed(house.context, submission)
    assert to_close(house.context, lambda _: True) == [submission.id]


def test_what_a_person_ended_is_told_as_well(house):
    """CLOSED without a batch: the folder hears of it once."""
    taken = house.taken("a.csv", source("1"))
    house.ledger.commit([Transition(taken.id, "submission", "cancelled")], at=house.now)
    assert to_close(house.context, lambda _: True) == [taken.id]
    house.ledger.commit([Transition(taken.id, "submission", "told", told_at=house.now)], at=house.now)
    assert to_close(house.context, lambda _: True) == []


def test_nothing_is_told_between_the_record_and_the_move(house):
    """What the scan under way records may still lie in the drop folder; what came before does not."""
    before = house.taken("a.csv", source("1"))
    arrivals = Arrivals(began=0.0)
    assert arrivals.has_left(before)
    arrivals.begin("shop", house.now + 1)
    now = house.taken("b.csv", source("2"))
    assert (arrivals.has_left(before), arrivals.has_left(now)) == (True, False)
    arrivals.end("shop", more=True)
    assert arrivals.has_left(now)


def test_what_a_crash_left_unmoved_is_told_after_the_first_scan(house):
    """Recorded before this start: wait until nothing is to be taken at once any more."""
    before = house.taken("a.csv", source("1"))
    arrivals = Arrivals(began=house.now + 1)
    arrivals.expect("shop")
    assert not arrivals.has_left(before)
    arrivals.begin("shop", house.now + 2)
    arrivals.end("shop", more=True)
    assert not arrivals.has_left(before)
    arrivals.end("shop", more=False)
    assert arrivals.has_left(before)
