"""What was sent of each order: it counts as far as the batch went, and only where it went."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b

import pytest

from agent.ledger.ledger import Ledger
from agent.ledger.transition import Transition
from agent.model import Answer, Attempt, Precedent, Standing
from agent.preparing.marks import parts
from agent.states import Phase
from tests.unit.ledger.made import NOON, acknowledgement, batch, fetched, of_shape, submission

MARK, OTHER = b"order A".ljust(16), b"order B".ljust(16)
KEPT = acknowledgement()
SAID = b"itemvalue."
WAYS = {  # what happened to a batch: the events, and how it stands; None: it counts no more
    "ready": ([], "coming"),
    "sent": (["started", "sent"], "arrived"),
    "taken": (["started", "sent", "taken"], "arrived"),
    "processed": (["started", "sent", "taken", "processed 0"], "arrived"),
    "partly": (["started", "sent", "processed 2"], "unclear"),
    "overdue": (["started", "sent", "overdue"], "unclear"),
    "settled": (["started", "sent", "overdue", "settled"], "arrived"),
    "in doubt": (["started", "in-doubt"], "waiting"),
    "found": (["started", "in-doubt", "found"], "arrived"),
    "bounced": (["started", "sent", "bounced"], None),
    "held": (["held"], "waiting"),
    "cancelled": (["cancelled"], None),
    "resent": (["cancelled", "resent"], "coming"),
}


def sent(ledger, name="a", events=("started", "sent"), at=NOON, said=SAID, received_at=NOON, **other):
    """Have a batch remembered and written, and let things happen to it."""
    owner = submission(name, received_at=received_at)
    made = batch(owner, **other)
    ledger.remember("item", [made.path], [(0, MARK, said)])
    prepared = Transition(owner.id, "submission", "prepared", new_batches=(made,))
    ledger.commit([Transition(owner.id, "submission", "taken", new_submission=owner), prepared], at=at)
    for event in events:
        ledger.commit([moved(made, event)], at=at)
    return made


def moved(made, event):
    """Give the transition of an event."""
    name, _, refused = event.partition(" ")
    answer = (
        Answer(KEPT.id, made.id, "processed", NOON, name, None, int(refused), "")
        if name == "processed"
        else None
    )
    awaited = {"sent": True, "settled": False}.get(name)
    return Transition(made.id, "batch", name, answer=answer, awaited=awaited)


def known(ledger, *marks, destination="impact-sftp"):
    """Ask about some orders."""
    return dict(ledger.precedents(destination, marks or (MARK,)))


@pytest.mark.parametrize("way", WAYS)
def test_it_counts_as_far_as_the_batch_went(ledger, way):
    """What has arrived and was not refused, nor is overdue, is sure; what will never arrive does not count."""
    events, standing = WAYS[way]
    if "processed" in "".join(events):
        ledger.commit([fetched(KEPT)], at=NOON)
    made = sent(ledger, events=events)
    expected = standing and {
        MARK: (Precedent(SAID, "item", Standing(standing), NOON, made.submission, NOON),)
    }
    assert known(ledger) == (expected or {})


@pytest.mark.parametrize(
    ("phase", "outcome", "events", "standing"),
    [
        (Phase.WILL_PUBLISH, "unknown", ["in-doubt", "cancelled"], "unclear"),
        (Phase.WILL_PUBLISH, "unknown", ["recovered", "cancelled"], "unclear"),
        (Phase.WILL_PUBLISH, "overruled", ["failed"], "unclear"),
        (Phase.WILL_PUBLISH, "deferred", ["deferred", "cancelled"], None),
        (Phase.STARTED, "held", ["held", "cancelled"], None),
        (Phase.WILL_PUBLISH, "assumed", ["sent"], "unclear"),
        (Phase.WILL_PUBLISH, "assumed", ["sent", "taken"], "arrived"),
        (Phase.PUBLISHED, "sent", ["sent"], "arrived"),
    ],
)
def test_what_was_given_up_or_only_assumed_may_have_arrived(ledger, phase, outcome, events, standing):
    """By its attempts: a batch that is cancelled in doubt may have taken effect before that."""
    made = sent(ledger, events=["started"])
    attempt = Attempt(made.id, 1, NOON + 3, phase, NOON + 4, outcome)
    first, *others = events
    ledger.commit([replace(moved(made, first), attempt=attempt)], at=NOON + 5)
    for event in others:
        ledger.commit([moved(made, event)], at=NOON + 6)
    assert [one.standing for one in known(ledger).get(MARK, ())] == ([standing] if standing else [])


def test_the_oldest_comes_first_and_what_is_on_its_way_last(ledger):
    """That will take effect after what has arrived, in the order of the files; what waits has its own place."""
    ledger.commit([fetched(KEPT)], at=NOON)
    sent(ledger, "a", events=(), created_at=NOON + 20, received_at=NOON + 1)
    sent(ledger, "b", events=(), created_at=NOON + 19, received_at=NOON + 2)
    sent(ledger, "c", at=NOON + 9)
    sent(ledger, "d", at=NOON + 5, events=["started", "sent", "processed 1"])
    sent(ledger, "e", events=["held"], created_at=NOON + 7)
    assert [one.submission[9:] for one in known(ledger)[MARK]] == ["d", "e", "c", "a", "b"]


def test_another_destination_is_another_matter(ledger):
    """What went to a test account says nothing about the real one."""
    sent(ledger, destination="test")
    assert known(ledger) == {}
    assert set(known(ledger, destination="test")) == {MARK}


def test_what_no_batch_was_made_of_does_not_count(ledger):
    """The agent may have died between the two; it remembers the same again."""
    ledger.remember("item", ["spool/out/never"], [(0, MARK, SAID)])
    assert known(ledger) == {}


def test_what_is_noted_again_after_a_crash_takes_the_place_of_the_first(ledger):
    """An order may have been left out since, because another file has brought it."""
    owner = submission("a")
    path = batch(owner).path
    ledger.remember("item", [path], [(0, MARK, SAID), (0, OTHER, SAID)])
    made = sent(ledger)
    assert set(known(ledger, MARK, OTHER)) == {MARK}
    ledger.remember("item", [made.path], [(0, MARK, SAID)])
    assert [set(parts(one.said)) for one in known(ledger)[MARK]] == [set(parts(SAID))]


def test_the_batches_of_a_file_are_told_of_together(ledger):
    """The orders come by their mark, from whichever batch they are in."""
    owner = submission("a")
    first, second = (batch(owner, number=number, path=f"spool/out/{number}") for number in (1, 2))
    told = [(1, MARK, SAID), (0, OTHER, SAID[:10])]
    ledger.remember("item", [first.path, second.path], told)
    prepared = Transition(owner.id, "submission", "prepared", new_batches=(first,))
    ledger.commit([Transition(owner.id, "submission", "taken", new_submission=owner), prepared], at=NOON)
    assert {mark: [one.said for one in found] for mark, found in known(ledger, MARK, OTHER).items()} == {
        OTHER: [SAID[:10]]
    }


def test_a_batch_that_is_sent_again_counts_again(ledger):
    """Under its new name it has the same bytes."""
    made = sent(ledger)
    owner = submission("a")
    again = batch(owner, number=2, path=made.path)
    ledger.commit([Transition(owner.id, "submission", "resending", new_batches=(again,))], at=NOON + 1)
    assert [one.standing for one in known(ledger)[MARK]] == ["arrived", "coming"]


def test_many_orders_are_asked_about_in_pieces(ledger):
    """Only those that were sent come back, in the order asked."""
    made = sent(ledger)
    marks = [blake2b(str(number).encode(), digest_size=16).digest() for number in range(12_000)]
    ledger.remember("item", [made.path], ((0, mark, SAID) for mark in marks))
    found = list(known(ledger, *marks, OTHER))
    assert found == marks


def test_a_ledger_made_before_has_a_memory_from_now_on(path):
    """Nothing is known of what it sent before; nothing is lost of what it has."""
    with of_shape(path, 3):
        pass
    with Ledger.open(path, must_exist=True) as ledger:
        assert known(ledger) == {}
        sent(ledger)
        assert set(known(ledger)) == {MARK}
