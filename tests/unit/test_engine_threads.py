from __future__ import annotations

import threading
import time

import pytest

from agent.errors import LedgerError
from agent.ledger.ledger import Ledger
from agent.settings.models import Destination
from agent.stages.decide import Word, decide
from agent.states import BatchState
from tests.house import feed, source
from tests.servers import wait_until

TWO = {"there": Destination(type="recorder"), "elsewhere": Destination(type="recorder")}


def states(house):
    """Return the states of all submissions and of all batches."""
    owners = house.ledger.submissions(limit=1000)
    return [one.state for one in owners], [batch.state for batch in house.batches()]


@pytest.fixture
def working():
    """Let the engines of houses work in threads; all are brought to rest at the end."""
    engines = []

    def work(house):
        threads = house.engine.crew.threads()
        engines.append((house.engine, threads))
        for thread in threads:
            thread.start()
        return threads

    yield work
    for engine, threads in engines:
        engine.stop()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)


def test_an_error_of_the_ledger_stops_the_agent(house_of, working):
    """Its thread ends, takes the others along, and says why."""
    house = house_of()
    house.batch()
    house.ledger.close()
    threads = working(house)
    for thread in threads:
        thread.join(5)
    assert not any(thread.is_alive() for thread in threads)
    assert isinstance(house.engine.failure, LedgerError)


def test_two_threads_never_work_on_one_subject(house_of, working):
    """Twenty files, two preparing threads: each file is prepared once."""
    house = house_of()
    for number in range(20):
        house.put(f"a{number}.csv", source(f"A{number}"))
    house.take()
    threads = working(house)
    wait_until(lambda: set(states(house)[0]) == {"CLOSED"}, "all files to be closed", 30)
    events = [event.event for event in house.ledger.audit(limit=10_000)]
    assert events.count("prepared") == 20
    assert events.count("closed") == 20
    assert len(house.far.published) == 20
    assert house.engine.failure is None
    assert all(thread.is_alive() for thread in threads)


def test_what_one_thread_is_at_no_other_takes(house_of):
    """Whoever comes to it meanwhile is turned away at once."""
    house = house_of()
    submission = house.taken("refunds.csv", source("A"))
    answers = []
    house.engine.progress = lambda *_: answers.append(house.engine.step(submission.id))
    house.drain()
    assert set(answers) == {False}
    assert house.submission(submission.id).state == "CLOSED"


def test_idle_it_costs_next_to_nothing(house_of, working):
    """No busy loop: with a batch deferred, another destination idle and one batch held."""
    house = house_of(feed("shop"), feed("other", destination="elsewhere"))
    house.set(destinations=TWO)
    house.batch("a")
    house.far.sends.append("busy")
    house.engine.deliverer.deliver_due("there")
    house.batch("b", state="HELD")
    house.now += 15  # the deferred one is due in 15 s of a clock that stands still
    working(house)
    time.sleep(0.5)
    begun, used = time.monotonic(), time.process_time()
    time.sleep(3)
    share = (time.process_time() - used) / (time.monotonic() - begun)
    assert share < 0.03  # in a process of its own it is a tenth of that


def test_what_another_process_decides_is_seen_within_seconds(house_of, working):
    """A person releases a held batch while the agent runs; nobody rings."""
    house = house_of()
    batch = house.batch("a", state="HELD")
    working(house)
    time.sleep(0.3)
    with Ledger.open(house.ledger.path, must_exist=True, thorough=False) as other:
        word = Word("release", batch.id, "go", house.now)
        other.commit(decide(other, house.settings, word).transitions, at=house.now, actor="anna")
    wait_until(lambda: house.again(batch).state == BatchState.SENT, "the batch to be sent", 4)


def test_asked_to_stop_it_begins_nothing_new(house_of):
    """Neither an attempt nor a preparing."""
    house = house_of()
    house.batch("a")
    house.taken("refunds.csv", source("A"))
    house.engine.stop()
    assert not house.engine.drain()
    assert house.far.asked == []


def test_a_worker_that_we_ended_ourselves_is_not_held_against_the_file(house_of, workers):
    """Stopped while a file is being prepared: it is prepared anew at the next start."""
    house = house_of()
    submission = house.taken("refunds.csv", source(*map(str, range(100_000))))

    def stop(_submission, _records):
        house.engine.stop()
        workers.kill()

    house.engine.progress = stop
    house.engine.survive(submission.id, lambda: house.engine.advance(submission.id))
    assert (house.submission(submission.id).state, house.submission(submission.id).tries) == ("RECEIVED", 0)
    house.stop()
    house.start()
    house.drain()
    assert house.submission(submission.id).state == "CLOSED"


def test_cut_short_an_attempt_is_taken_up_as_interrupted(house_of):
    """The line was cut by ourselves: the reason says so, not that the far side failed."""
    house = house_of()
    batch = house.batch()
    house.far.sends.append("lost")
    house.far.at_publishing = lambda _: (house.engine.stop(), house.engine.cut())
    house.engine.advance(batch.id)
    assert house.outcomes(batch) == [("WILL_PUBLISH", "interrupted")]
    assert "the agent was stopped while sending" in house.again(batch).reason
    assert house.far.closed == 1


def test_a_thread_that_dies_takes_the_agent_along(house_of, working):
    """Nobody is left half alive: an error that nobody foresaw outside of a step is a failure, too."""
    house = house_of()

    def die():
        raise KeyError("strange")

    errors = []
    before, threading.excepthook = threading.excepthook, errors.append
    try:
        thread = house.engine.crew.guarded("strange", die)
        thread.start()
        thread.join(5)
    finally:
        threading.excepthook = before
    assert len(errors) == 1
    assert "the thread 'strange' ended in a way nobody foresaw" in str(house.engine.failure)
    assert house.context.stop.asked
