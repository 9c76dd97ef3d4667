"""A way that fails hinders nobody: tried again with growing pauses, said once, and nothing is lost."""

from __future__ import annotations

from itertools import pairwise

from agent.settings.models import Destination
from tests.house import Recording, feed, source
from tests.unit.notices.conftest import PEOPLE


def rejected(house, name="a.csv", feed="shop"):
    """Drop a file of which nothing can be sent, and do all that is due."""
    house.taken(name, source("A1", bad=("A1",)) + name.encode(), feed)
    house.drain()


def tell(house, later=0.0):
    """Make a round of telling, so many seconds later."""
    house.now += later
    house.engine.tell_by("recording")


def test_a_way_that_fails_is_tried_again_later_and_later(telling, said):
    """After one minute, two, four, at most an hour; in the log it stands once, and once that it worked."""
    house = telling(way_wait=0.0)
    house.crier.fails = "there is no way to the server"
    rejected(house)
    tries = []
    for _ in range(900):
        before = house.crier.tried
        tell(house, later=20)
        if house.crier.tried > before:
            tries.append(house.now)
    pauses = [round(later - earlier) for earlier, later in pairwise(tries)]
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    (line,) = said("notice.failed")
    assert (line["way"], line["reason"]) == ("recording", "there is no way to the server")
    house.crier.fails = ""
    tell(house, later=3600)
    assert [bulletin.subject for bulletin in house.crier.sent] == ["Nothing was sent — a.csv"]
    (line,) = said("notice.sent")
    assert (line["files"], line["faults"]) == (1, 0)
    assert "step.failed" not in str(said())


def test_one_address_that_is_refused_keeps_no_other_from_hearing(telling):
    """Feeds have their own people: a mail that is refused is not everybody's trouble."""
    house = telling(feed(notify=PEOPLE), feed("store", notify=("bob@example.net",)), way_wait=0.0)
    rejected(house)
    house.crier.fails = "the recipient is unknown"
    tell(house)
    house.crier.fails = ""
    rejected(house, "b.csv", "store")
    tell(house)
    assert [bulletin.addressees for bulletin in house.crier.sent] == [("bob@example.net",)]


def test_what_may_have_been_sent_is_sent_again_under_the_same_name(telling):
    """Rather twice than not at all."""
    house = telling(way_wait=0.0)
    rejected(house)
    house.crier.lost = "the answer was lost"
    tell(house)
    house.crier.lost = ""
    tell(house, later=61)
    first, second = house.crier.sent
    assert first.id == second.id


def test_a_way_that_breaks_in_an_unforeseen_manner_is_logged_and_rests(telling, said):
    """The agent goes on; the log says where."""
    house = telling(way_wait=0.0)
    rejected(house)
    house.crier.send = None
    tell(house)
    (line,) = said("step.failed")
    assert (line["subject"], line["kind"]) == ("notices by recording", "TypeError")
    house.drain()


def test_two_ways_tell_of_each_other_s_making_nothing(house_of):
    """Each has its own memory: what one has told the other still owes."""
    ways = (Recording(name="first", wait=0.0), Recording(name="second", wait=0.0, tells="faults"))
    house = house_of(feed(notify=PEOPLE), ways=ways)
    house.far.sends.append("no")
    house.taken("a.csv", source("A1"))
    house.drain()
    house.engine.tell_by("first")
    first = len(house.crier.sent)
    house.engine.tell_by("second")
    kinds = [item.about.partition(":")[0] for bulletin in house.crier.sent for item in bulletin.items]
    assert sorted(kinds[:first]) == ["destination", "file"]
    assert kinds[first:] == ["destination"]


def test_ways_come_and_go_with_the_settings(telling):
    """A new way begins with what happens from then on; a way that is gone is closed and told nothing."""
    house = telling(way_wait=0.0)
    rejected(house)
    tell(house)
    house.engine.take_over(house.settings.model_copy(update={"notices": ()}))
    rejected(house, "b.csv")
    tell(house)
    assert (len(house.crier.sent), house.crier.closed) == (1, 1)
    later = Recording(name="later", wait=0.0)
    house.engine.take_over(house.settings.model_copy(update={"notices": (later,)}))
    rejected(house, "c.csv")
    house.engine.tell_by("later")
    assert house.crier.sent[-1].subject == "Nothing was sent — c.csv"


def test_a_thread_for_each_way_tells_and_comes_to_rest(telling):
    """The crew has it, and it ends when the agent is asked to stop."""
    house = telling(way_wait=0.0)
    assert isinstance(house.settings.destinations["there"], Destination)
    rejected(house)
    (thread,) = [one for one in house.engine.crew.threads() if one.name == "tell-recording"]
    thread.start()
    thread.join(0.2)
    house.engine.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert [bulletin.subject for bulletin in house.crier.sent] == ["Nothing was sent — a.csv"]
