"""What an answer means for a batch: one table over what is known and what is said."""

from __future__ import annotations

import pytest

from agent.acks.base import Answer, Stage
from agent.stages.acknowledge.consequence import consequence
from agent.states import BATCH, BatchState, Phase
from tests.unit.ledger.made import attempt, batch, submission

A = submission("a")
PUBLISHED = (attempt(batch(A), phase=Phase.PUBLISHED, outcome="sent"),)
DOUBT = (attempt(batch(A), phase=Phase.WILL_PUBLISH, outcome="unknown"),)
NEVER = (attempt(batch(A), phase=Phase.STARTED, outcome="deferred"),)


def event(state, stage, attempts=PUBLISHED, *, records=None, refused=None, before=None):
    """Return what happens to a batch of six rows that has this state; None where it is to be heard later."""
    found = consequence(
        batch(A, state=state, refused=before), attempts, Answer(stage, records=records, refused=refused)
    )
    return found and found.event


@pytest.mark.parametrize(
    ("state", "stage", "expected"),
    [
        ("SENT", Stage.TAKEN, "taken"),
        ("TAKEN", Stage.TAKEN, "heard"),
        ("PROCESSED", Stage.TAKEN, "heard"),  # the receipt came after the result
        ("CANCELLED", Stage.TAKEN, "contradicted"),
        ("FAILED", Stage.TAKEN, "contradicted"),
        ("SENT", Stage.BOUNCED, "bounced"),
        ("IN_DOUBT", Stage.BOUNCED, "bounced"),
        ("TAKEN", Stage.BOUNCED, "contradicted"),
        ("PROCESSED", Stage.BOUNCED, "contradicted"),
        ("DEFERRED", Stage.BOUNCED, "heard"),
        ("SENT", Stage.DELAYED, "heard"),
        ("SENT", Stage.UNCLEAR, "unclear"),
        ("TAKEN", Stage.UNCLEAR, "unclear"),
        ("PROCESSED", Stage.UNCLEAR, "heard"),
    ],
)
def test_what_follows(state, stage, expected):
    """Each stage of an answer, in each state in which it means something of its own."""
    assert event(state, stage) == expected


@pytest.mark.parametrize("state", ["SENT", "TAKEN"])
@pytest.mark.parametrize("refused", [0, 2, 6])
def test_a_result_ends_it(state, refused):
    """However many rows were refused: impact.com has said what became of them."""
    assert event(state, Stage.PROCESSED, refused=refused) == "processed"


@pytest.mark.parametrize("state", ["IN_DOUBT", "DEFERRED", "HELD", "READY"])
def test_an_answer_ends_a_doubt(state):
    """What impact.com has taken or processed has arrived; the attempt in doubt is known to have worked."""
    for stage, expected in ((Stage.TAKEN, "taken"), (Stage.PROCESSED, "processed")):
        found = consequence(batch(A, state=state), DOUBT, Answer(stage, refused=0))
        assert (found.event, found.attempt.phase, found.attempt.outcome) == (
            expected,
            "PUBLISHED",
            "answered",
        )


@pytest.mark.parametrize("state", ["READY", "DEFERRED", "HELD", "FAILED", "CANCELLED"])
@pytest.mark.parametrize("stage", list(Stage))
def test_an_answer_to_what_was_never_sent_is_said(state, stage):
    """It changes nothing, for it cannot be true; a person hears of it."""
    assert event(state, stage, NEVER, refused=0) == "contradicted"


@pytest.mark.parametrize("stage", list(Stage))
def test_while_it_is_being_sent_nothing_is_heard(stage):
    """The answer was faster than our own note: it is heard once the attempt has ended."""
    assert event("SENDING", stage, DOUBT, refused=0) is None


def test_two_results_must_agree():
    """The same again says nothing new, another number is a contradiction."""
    assert event("PROCESSED", Stage.PROCESSED, refused=2, before=2) == "heard"
    assert event("PROCESSED", Stage.PROCESSED, refused=0, before=2) == "contradicted"


@pytest.mark.parametrize("refused", [None, 7])
def test_a_result_that_cannot_be_is_unclear(refused):
    """Without a number of refused rows, or with more of them than were sent, a person has to read it."""
    assert event("SENT", Stage.PROCESSED, refused=refused) == "unclear"


def test_another_count_of_rows_is_said():
    """Nobody knows what impact.com counts: it is processed, but the reason keeps it from being green."""
    found = consequence(batch(A, state="SENT"), PUBLISHED, Answer(Stage.PROCESSED, records=5, refused=0))
    assert found.event == "processed"
    assert found.reason == "impact.com counted 5 records, the batch has 6 rows: have a look there"
    agreed = consequence(batch(A, state="SENT"), PUBLISHED, Answer(Stage.PROCESSED, records=6, refused=0))
    assert agreed.reason == ""


def test_a_mail_that_came_back_left_nothing():
    """The attempt is known to have left nothing: the batch can be sent again without a doubt."""
    found = consequence(
        batch(A, state="SENT"), PUBLISHED, Answer(Stage.BOUNCED, remark="the mail came back: no such user")
    )
    assert found.attempt.outcome == "bounced"
    assert found.reason == "the mail came back: no such user"


@pytest.mark.parametrize("state", list(BatchState))
@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("attempts", [PUBLISHED, DOUBT, NEVER], ids=["sent", "doubt", "never"])
def test_whatever_follows_may_happen(state, stage, attempts):
    """No answer leads to an event that the batch's machine has no edge for."""
    for refused in (None, 0, 2, 99):
        found = event(state, stage, attempts, refused=refused)
        assert found is None or (state, found) in BATCH
