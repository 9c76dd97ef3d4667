"""What the ledger keeps of answers, and what an awaited answer does to the end of a submission."""

from __future__ import annotations

import pytest

from agent.errors import LedgerError
from agent.ledger.ledger import Ledger
from agent.model import Answer
from agent.states import UnknownTransitionError
from tests.unit.ledger.made import (
    NOON,
    acknowledgement,
    batch,
    fetched,
    moved,
    of_shape,
    prepared,
    submission,
    taken,
)

A = submission("a")
B = batch(A)


@pytest.fixture
def sent(ledger):
    """A ledger with one delivered batch whose answer is awaited."""
    ledger.commit([taken(A), prepared(A, B)], at=NOON)
    ledger.commit([moved(B, "started")], at=NOON + 1)
    ledger.commit([moved(B, "sent", awaited=True)], at=NOON + 2)
    return ledger


def answer(event: str, refused: int | None = None, of: str = "ack-a") -> Answer:
    """Make what an acknowledgement said about the batch."""
    return Answer(of, B.id, "processed", NOON, event, 6, refused, "")


def test_an_awaited_answer_keeps_a_submission_open(sent):
    """It is neither closed nor found among what can be closed once the folder has been told."""
    assert [one.id for one in sent.to_tell()] == [A.id]  # of the delivery
    sent.commit([moved(A, "told", told_at=NOON + 2)], at=NOON + 3)
    assert sent.to_tell() == ()
    with pytest.raises(UnknownTransitionError):
        sent.commit([moved(A, "closed")], at=NOON + 3)
    sent.commit([moved(B, "processed", awaited=False)], at=NOON + 4)
    sent.commit([moved(A, "closed")], at=NOON + 5)


def test_a_batch_knows_when_what_happened(sent):
    """Sent, taken, processed: each has its time, and the number of refused rows comes with the result."""
    sent.commit([fetched(acknowledgement())], at=NOON + 3)
    sent.commit([moved(B, "taken", awaited=True)], at=NOON + 4)
    sent.commit([moved(B, "processed", awaited=False, answer=answer("processed", 2))], at=NOON + 5)
    found = sent.batch(B.id)
    assert (found.sent_at, found.taken_at, found.processed_at) == (NOON + 2, NOON + 4, NOON + 5)
    assert (found.refused, found.awaited, found.state) == (2, False, "PROCESSED")
    (kept,) = sent.answers(B.id)
    assert (kept.event, kept.refused, kept.name) == ("processed", 2, "result_a.csv")


def test_what_came_back_and_was_sent_again_is_waited_for_from_then_on(sent):
    """The time of the first delivery, which was none, would make the answer overdue at once."""
    sent.commit([moved(B, "bounced", awaited=False)], at=NOON + 3)
    sent.commit([moved(B, "resent")], at=NOON + 4)
    sent.commit([moved(B, "started")], at=NOON + 5)
    sent.commit([moved(B, "sent", awaited=True)], at=NOON + 6)
    assert sent.batch(B.id).sent_at == NOON + 6
    sent.commit([moved(B, "taken", awaited=True)], at=NOON + 7)
    assert sent.batch(B.id).sent_at == NOON + 6


def test_an_answer_that_says_nothing_new_leaves_the_batch_as_it_was(sent):
    """It is noted and audited; since when the batch stands where it stands does not change."""
    sent.commit([fetched(acknowledgement())], at=NOON + 3)
    sent.commit([moved(B, "processed", awaited=False, answer=answer("processed", 0))], at=NOON + 4)
    sent.commit([fetched(acknowledgement("b"))], at=NOON + 8)
    sent.commit([moved(B, "heard", answer=answer("heard", 0, of="ack-b"))], at=NOON + 9)
    assert sent.batch(B.id).updated_at == NOON + 4
    assert [one.event for one in sent.answers(B.id)] == ["processed", "heard"]


def test_an_alarm_is_forgotten_when_the_batch_moves_on(sent):
    """What was overdue has come; what is awaited next is not overdue yet."""
    sent.commit([moved(B, "overdue", reason="late")], at=NOON + 9)
    assert (sent.batch(B.id).overdue_at, sent.batch(B.id).reason) == (NOON + 9, "late")
    sent.commit([moved(B, "taken")], at=NOON + 10)
    assert (sent.batch(B.id).overdue_at, sent.batch(B.id).reason) == (0.0, "")


def test_who_is_waited_for_is_found(sent):
    """Only delivered batches whose answer is awaited."""
    assert [one.id for one in sent.awaited()] == [B.id]
    sent.commit([moved(B, "settled", awaited=False)], at=NOON + 3)
    assert sent.awaited() == ()


def test_the_same_thing_is_kept_once(ledger):
    """By id and by where it came from; a source's key is known afterwards."""
    one = acknowledgement()
    assert not ledger.has_fetched(one.source, one.key)
    ledger.commit([fetched(one)], at=NOON)
    assert ledger.has_fetched(one.source, one.key)
    with pytest.raises(UnknownTransitionError):
        ledger.commit([fetched(one)], at=NOON)
    with pytest.raises(LedgerError, match="contradicts"):
        ledger.commit([fetched(acknowledgement("b", key=one.key))], at=NOON)


def test_an_acknowledgement_is_audited_and_its_path_known(ledger):
    """The chain has it, and its bytes are no orphan."""
    one = acknowledgement()
    ledger.commit([fetched(one)], at=NOON)
    ledger.commit([moved(one, "unmatched", reason="names nothing")], at=NOON + 1)
    assert [(event.event, event.after) for event in ledger.audit([one.id])] == [
        ("fetched", "KEPT"),
        ("unmatched", "UNMATCHED"),
    ]
    assert one.path in ledger.known_paths()
    assert ledger.verify_audit() == []
    assert ledger.acknowledgement(one.id).remark == "names nothing"


def test_a_batch_is_found_by_its_name(sent):
    """Names are ours and unique, so there is one."""
    assert [one.id for one in sent.batches_named(B.name)] == [B.id]
    assert sent.batches_named("another.csv") == ()


def test_a_ledger_of_the_first_shape_is_taken_over(path):
    """What was delivered before nobody was asked about: it has ended, and its time is kept."""
    with of_shape(path, 1) as old:
        old.execute(
            "INSERT INTO submission VALUES ('20261121-a','refunds','a.csv','PREPARED','',1,1,'',0,'',0,0,'',0,'{}',0,0)"
        )
        old.execute(
            "INSERT INTO batch VALUES"
            " ('b1-a','20261121-a','there',1,'n.csv','spool/out/x',?,1,1,'[]','SENT','',0,1,1,7)",
            ("0" * 64,),
        )
    with Ledger.open(path, must_exist=True) as ledger:
        found = ledger.batch("b1-a")
        assert (found.sent_at, found.awaited, found.refused) == (7.0, False, None)
        assert [one.id for one in ledger.to_tell()] == ["20261121-a"]
