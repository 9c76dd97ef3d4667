"""What was sent of each order: it counts as far as the batch went, and only where it went."""

from __future__ import annotations

from hashlib import blake2b

import pytest

from agent.ledger.ledger import Ledger
from agent.ledger.transition import Transition
from agent.model import Answer, Precedent
from agent.preparing.marks import parts
from tests.unit.ledger.made import NOON, acknowledgement, batch, fetched, of_shape, submission

MARK, OTHER = b"order A".ljust(16), b"order B".ljust(16)
KEPT = acknowledgement()
SAID = b"itemvalue."
WAYS = {  # what happened to a batch: the events, and whether it is certain that it arrived; None: it counts no more
    "ready": ([], False),
    "sent": (["started", "sent"], True),
    "taken": (["started", "sent", "taken"], True),
    "processed": (["started", "sent", "taken", "processed 0"], True),
    "partly": (["started", "sent", "processed 2"], False),
    "overdue": (["started", "sent", "overdue"], False),
    "settled": (["started", "sent", "overdue", "settled"], True),
    "in doubt": (["started", "in-doubt"], False),
    "found": (["started", "in-doubt", "found"], True),
    "bounced": (["started", "sent", "bounced"], None),
    "cancelled": (["cancelled"], None),
    "resent": (["cancelled", "resent"], False),
}


def sent(ledger, name="a", events=("started", "sent"), at=NOON, said=SAID, **other):
    """Have a batch remembered and written, and let things happen to it."""
    owner = submission(name)
    made = batch(owner, **other)
    ledger.remember(made.path, "item", [(MARK, said)])
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
    """Certain is what has arrived and was not refused, nor is overdue; what will never arrive does not count."""
    events, certain = WAYS[way]
    if "processed" in "".join(events):
        ledger.commit([fetched(KEPT)], at=NOON)
    made = sent(ledger, events=events)
    expected = {MARK: (Precedent(SAID, "item", bool(certain), NOON, made.submission),)}
    assert known(ledger) == ({} if certain is None else expected)


def test_the_oldest_comes_first_and_what_is_not_sent_yet_last(ledger):
    """What is on its way will take effect after what has arrived, whenever it was made."""
    sent(ledger, "a", events=(), at=NOON)
    sent(ledger, "b", at=NOON + 9, said=SAID[::-1])
    sent(ledger, "c", at=NOON + 5)
    assert [one.submission[9:] for one in known(ledger)[MARK]] == ["c", "b", "a"]


def test_another_destination_is_another_matter(ledger):
    """What went to a test account says nothing about the real one."""
    sent(ledger, destination="test")
    assert known(ledger) == {}
    assert set(known(ledger, destination="test")) == {MARK}


def test_what_no_batch_was_made_of_does_not_count(ledger):
    """The agent may have died between the two; it remembers the same again."""
    ledger.remember("spool/out/never", "item", [(MARK, SAID)])
    assert known(ledger) == {}
    made = sent(ledger)
    ledger.remember(made.path, "item", [(MARK, SAID)])
    assert [set(parts(one.said)) for one in known(ledger)[MARK]] == [set(parts(SAID))]


def test_a_batch_that_is_sent_again_counts_again(ledger):
    """Under its new name it has the same bytes."""
    made = sent(ledger)
    owner = submission("a")
    again = batch(owner, number=2, path=made.path)
    ledger.commit([Transition(owner.id, "submission", "resending", new_batches=(again,))], at=NOON + 1)
    assert [one.certain for one in known(ledger)[MARK]] == [True, False]


def test_many_orders_are_asked_about_in_pieces(ledger):
    """Only those that were sent come back, in the order asked."""
    made = sent(ledger)
    marks = [blake2b(str(number).encode(), digest_size=16).digest() for number in range(12_000)]
    ledger.remember(made.path, "item", ((mark, SAID) for mark in marks))
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
