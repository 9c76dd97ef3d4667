from __future__ import annotations

from dataclasses import replace

import pytest

from agent.errors import LedgerError
from agent.states import UnknownTransitionError
from tests.unit.ledger.made import (
    CANARY,
    COUNTS,
    NOON,
    TOTALS,
    attempt,
    batch,
    digest,
    group,
    moved,
    original,
    prepared,
    submission,
    taken,
)

A = submission("a")
B1, B2 = batch(A, 1), batch(A, 2, state="HELD", reason="above the share of bad orders")


@pytest.fixture
def sending(ledger):
    """Make a ledger with one submission, its first batch being sent for the first time."""
    started = moved(B1, "started", attempt=attempt(B1), tries=1)
    ledger.commit([taken(A), prepared(A, B1, B2), started], at=NOON)
    return ledger


def events(ledger, *subjects):
    """Return what the audit tells of these."""
    return [(line.event, line.before, line.after) for line in ledger.audit(subjects)]


def test_a_taken_file_is_kept_as_it_was_told(ledger):
    """Every field of a new submission comes back; its state is what the table says, its change is now."""
    ledger.commit([taken(replace(A, state="CLOSED"), papers=(original(A),))], at=NOON + 5)
    assert replace(A, state="RECEIVED", updated_at=NOON + 5) == ledger.submission(A.id)
    assert (original(A),) == ledger.papers(A.id)


def test_batches_come_with_what_prepared_them(ledger):
    """Batches are inserted with the transition that made them, READY or HELD, totals exact."""
    ledger.commit([taken(A), prepared(A, B1, B2, counts=COUNTS, groups=(group(),))], at=NOON)
    assert ledger.batches_of(A.id) == (B1, B2)
    assert ledger.batch(B1.id).totals == TOTALS
    assert str(TOTALS[0].amount) == str(ledger.batch(B1.id).totals[0].amount)
    assert events(ledger, A.id, B1.id, B2.id) == [
        ("taken", "", "RECEIVED"),
        ("prepared", "RECEIVED", "PREPARED"),
        ("written", "", "READY"),
        ("held", "", "HELD"),
    ]


def test_groups_are_kept_without_what_was_found(ledger, path):
    """Findings are counted in the ledger; the values found, and the examples, never reach its file."""
    ledger.commit([taken(A), moved(A, "rejected", groups=(group(),), reason="no order is sound")], at=NOON)
    assert (replace(group(), examples=()),) == ledger.groups(A.id)
    ledger.close()
    assert [file.name for file in path.parent.iterdir() if CANARY.encode() in file.read_bytes()] == []


def test_groups_are_replaced_not_added(ledger):
    """A second judgement of a file takes the place of the first."""
    ledger.commit([taken(A), moved(A, "rejected", groups=(group(), group()))], at=NOON)
    ledger.commit([moved(A, "released", generation=1, groups=())], at=NOON)
    assert ledger.groups(A.id) == ()
    assert ledger.submission(A.id).generation == 1


def test_several_transitions_are_one_transaction(ledger):
    """If the last of several is no edge, none of them was."""
    with pytest.raises(UnknownTransitionError):
        ledger.commit([taken(A), prepared(A, B1), moved(B1, "sent")], at=NOON)
    assert ledger.submission(A.id) is None
    assert ledger.audit() == ()


def test_an_edge_that_is_gone_changes_nothing(sending):
    """Who comes second is refused, and the ledger stays as the first one left it."""
    sending.commit([moved(B1, "failed", reason="the folder is gone")], at=NOON + 1)
    left = (sending.batch(B1.id), sending.audit())
    with pytest.raises(UnknownTransitionError, match="FAILED"):
        sending.commit([moved(B1, "sent", reason="late")], at=NOON + 2)
    assert left == (sending.batch(B1.id), sending.audit())


@pytest.mark.parametrize("event", ["taken", "prepared", "held", "written", "unheard-of"])
def test_nothing_happens_to_what_is_not_there(ledger, event):
    """A submission or batch the ledger does not know has no edges but those that make it."""
    for subject in (A, B1):
        with pytest.raises(UnknownTransitionError):
            ledger.commit([moved(subject, event)], at=NOON)


@pytest.mark.parametrize("event", ["held", "written", "closed"])
def test_only_a_submissions_events_make_one(ledger, event):
    """A new submission cannot begin its life in a batch's state."""
    with pytest.raises(UnknownTransitionError):
        ledger.commit([taken(A, event)], at=NOON)


def test_the_same_submission_or_batch_is_not_made_twice(sending):
    """An id that is taken is refused, whatever state its owner is in."""
    other = submission("c")
    with pytest.raises(UnknownTransitionError):
        sending.commit([taken(A)], at=NOON)
    with pytest.raises(UnknownTransitionError):
        sending.commit([taken(other), prepared(other, replace(B2, submission=other.id))], at=NOON)
    assert sending.submission(other.id) is None


def test_a_batch_needs_its_submission(ledger):
    """What the rows say about each other holds in the database too, and the ledger goes on afterwards."""
    bad = replace(A, sha256="short")
    with pytest.raises(LedgerError, match="contradicts"):
        ledger.commit([taken(bad)], at=NOON)
    ledger.commit([taken(A)], at=NOON)
    assert ledger.submission(A.id).state == "RECEIVED"


def test_a_submission_is_not_closed_under_a_batch_on_its_way(sending):
    """A batch that a person had sent again while its submission was being closed keeps it open."""
    sending.commit([moved(B1, "sent"), moved(B2, "cancelled")], at=NOON)
    sending.commit([moved(B2, "resent")], at=NOON)
    with pytest.raises(UnknownTransitionError, match="READY"):
        sending.commit([moved(A, "closed")], at=NOON)
    sending.commit([moved(B2, "cancelled"), moved(A, "closed")], at=NOON)
    assert sending.submission(A.id).state == "CLOSED"


def test_reasons_follow_the_state(ledger):
    """A new state brings its own reason or none; a told folder does not wipe it."""
    ledger.commit([taken(A), moved(A, "rejected", reason="no order is sound")], at=NOON)
    ledger.commit([moved(A, "told", told_at=NOON)], at=NOON + 9)
    assert ledger.submission(A.id).reason == "no order is sound"
    ledger.commit([moved(A, "released")], at=NOON)
    assert ledger.submission(A.id).reason == ""


def test_telling_is_owed_until_this_state_was_told(ledger):
    """A folder told of an older state is still owed the newer one, also when clocks jump."""
    ledger.commit([taken(A), moved(A, "rejected")], at=NOON)
    assert [A.id] == [one.id for one in ledger.owed(["REJECTED"])]
    ledger.commit([moved(A, "told", told_at=NOON)], at=NOON - 3600)
    assert ledger.owed(["REJECTED"]) == ()
    ledger.commit([moved(A, "released"), moved(A, "rejected")], at=NOON + 60)
    ledger.commit([moved(A, "told", told_at=NOON)], at=NOON + 61)
    assert [A.id] == [one.id for one in ledger.owed(["REJECTED", "PREPARED"])]


def test_what_was_told_while_closing_is_not_owed(sending):
    """A transition that tells on its way owes nothing, however long it took."""
    sending.commit([moved(B1, "sent"), moved(B2, "cancelled"), moved(A, "closed", told_at=NOON)], at=NOON + 7)
    assert sending.owed(["CLOSED"]) == ()


def test_a_deferred_batch_waits_and_a_released_one_does_not(sending):
    """A new state is due now unless it says when."""
    sending.commit([moved(B1, "deferred", due_at=NOON + 300, tries=2, reason="refused")], at=NOON)
    assert (
        sending.batch(B1.id).due_at,
        sending.batch(B1.id).tries,
        sending.batch(B1.id).reason,
    ) == (NOON + 300, 2, "refused")
    sending.commit([moved(B1, "held"), moved(B1, "released")], at=NOON)
    assert sending.batch(B1.id).due_at == 0.0


def test_an_ended_attempt_replaces_the_running_one(sending):
    """One row per try, with how it ended; a second try stands beside it."""
    ended = attempt(B1, phase="PUBLISHED", ended_at=NOON + 2, outcome="sent", evidence="250 ok")
    sending.commit([moved(B1, "deferred", attempt=ended)], at=NOON + 2)
    sending.commit([moved(B1, "started", attempt=attempt(B1, 2))], at=NOON + 3)
    assert (ended, attempt(B1, 2)) == sending.attempts(B1.id)


def test_a_phase_is_noted_with_its_audit_line(sending):
    """How far a try got is in the ledger and its audit, and the batch stays where it is."""
    sending.note_phase(B1.id, 1, "WILL_PUBLISH", at=NOON + 1, evidence="80 bytes")
    assert (attempt(B1, phase="WILL_PUBLISH", evidence="80 bytes"),) == sending.attempts(B1.id)
    last = sending.audit([B1.id])[-1]
    assert (last.event, last.before, last.after, last.note) == (
        "will-publish",
        "SENDING",
        "SENDING",
        "attempt 1; 80 bytes",
    )


def test_a_phase_never_goes_back(sending):
    """What may be visible at the other end stays so, also when an older copy of the attempt is written."""
    sending.note_phase(B1.id, 1, "WILL_PUBLISH", at=NOON)
    for phase in ("STARTED", "WILL_PUBLISH"):
        with pytest.raises(UnknownTransitionError):
            sending.note_phase(B1.id, 1, phase, at=NOON)
    sending.commit([moved(B1, "deferred", attempt=attempt(B1, ended_at=NOON))], at=NOON)
    assert sending.attempts(B1.id)[0].phase == "WILL_PUBLISH"


def test_a_phase_belongs_to_a_running_attempt(sending):
    """No phase for an attempt that was never started, has ended, or whose batch is not being sent."""
    with pytest.raises(LedgerError, match="no attempt 2"):
        sending.note_phase(B1.id, 2, "WILL_PUBLISH", at=NOON)
    sending.commit([moved(B1, "deferred", attempt=attempt(B1, ended_at=NOON))], at=NOON)
    with pytest.raises(UnknownTransitionError):
        sending.note_phase(B1.id, 1, "WILL_PUBLISH", at=NOON)
    sending.commit([moved(B1, "started", attempt=attempt(B1, 2))], at=NOON)
    with pytest.raises(UnknownTransitionError):
        sending.note_phase(B1.id, 1, "WILL_PUBLISH", at=NOON)
    assert len(sending.audit([B1.id])) == 4


def test_a_batchs_papers_are_its_submissions(sending):
    """A receipt is kept with the submission; the same paper again is the newer one."""
    paper = original(A)
    sending.commit([moved(B1, "failed", papers=(replace(paper, kind="receipt"),))], at=NOON)
    newer = replace(paper, kind="receipt", sha256=digest("newer"), size=1)
    sending.commit([moved(B1, "resent", papers=(newer,))], at=NOON)
    assert (newer,) == sending.papers(A.id)


def test_reasons_and_notes_are_in_the_audit_with_who_did_it(sending):
    """A person's decision is on record with who, why and when."""
    sending.commit(
        [moved(B2, "cancelled", reason="wrong month", note="asked by Ann")], at=NOON + 3, actor="ann"
    )
    last = sending.audit([B2.id])[-1]
    assert (last.actor, last.at, last.note) == ("ann", NOON + 3, "wrong month; asked by Ann")
    assert f"sha256 {B2.sha256}" in sending.audit([B2.id])[0].note


def test_no_transitions_are_no_transaction(ledger):
    """Nothing to do leaves nothing behind."""
    ledger.commit([], at=NOON)
    assert ledger.audit() == ()


def test_an_actor_is_named(ledger):
    """A line of the audit without an actor, or with a newline in it, cannot be written."""
    for actor in ("", "a\nb"):
        with pytest.raises(ValueError, match="actor"):
            ledger.commit([taken(A)], at=NOON, actor=actor)
    ledger.commit([taken(A)], at=NOON)
    assert len(ledger.audit()) == 1
