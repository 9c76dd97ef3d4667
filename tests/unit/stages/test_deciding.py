"""What a person may decide about what, and what follows; what cannot be decided is refused in plain words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.ledger.transition import Transition
from agent.model import Counts
from agent.stages.decide import CannotDecideError, Word, decide
from tests.staging import NOON

WAYS = {
    "READY": (),
    "SENDING": ("started",),
    "SENT": ("started", "sent"),
    "HELD": ("held",),
    "DEFERRED": ("started", "deferred"),
    "IN_DOUBT": ("started", "in-doubt"),
    "FAILED": ("started", "failed"),
    "CANCELLED": ("cancelled",),
}  # how a batch comes into each state
BATCH = {
    ("release", "HELD"): "READY",
    ("release", "IN_DOUBT"): "SENT",
    ("resend", "IN_DOUBT"): "READY",
    ("resend", "FAILED"): "READY",
    ("resend", "CANCELLED"): "READY",
    ("cancel", "READY"): "CANCELLED",
    ("cancel", "HELD"): "CANCELLED",
    ("cancel", "DEFERRED"): "CANCELLED",
    ("cancel", "IN_DOUBT"): "CANCELLED",
    ("cancel", "FAILED"): "CANCELLED",
}  # what becomes of a batch in place; SENT ones sent again have tests of their own
SUBMISSION = {
    ("release", "DUPLICATE"): "RECEIVED",
    ("release", "REJECTED"): "RECEIVED",
    ("release", "QUARANTINED"): "RECEIVED",
    ("cancel", "RECEIVED"): "CLOSED",
    ("cancel", "DUPLICATE"): "CLOSED",
    ("cancel", "REJECTED"): "CLOSED",
    ("cancel", "QUARANTINED"): "CLOSED",
}
VERBS = ("release", "resend", "cancel")
NOT_TABLED = [(verb, state) for verb in VERBS for state in WAYS if (verb, state) not in BATCH]


def word(stages, verb, subject):
    """Say something, a little later."""
    stages.later()
    return Word(verb, subject, "the shop called", stages.now)


def decided(stages, verb, subject):
    """Have a person decide; return what they are warned of."""
    decision = decide(stages.ledger, stages.settings, word(stages, verb, subject))
    stages.commit(*decision.transitions)
    return decision.warnings


def refusal(stages, verb, subject):
    """Return the words with which a decision is refused."""
    with pytest.raises(CannotDecideError) as caught:
        decide(stages.ledger, stages.settings, word(stages, verb, subject))
    return str(caught.value)


def in_state(stages, state, name="a.csv", **more):
    """Make a submission with one batch in a state."""
    submission, (batch,) = stages.prepared(name, **more)
    stages.move(batch.id, *WAYS[state], tries=5)
    return submission, stages.batch(batch.id)


def closed(stages, *states):
    """Make a closed submission with batches that ended so."""
    submission, batches = stages.prepared(batches=len(states), counts=Counts(records=2, sent=2, rows=2))
    for batch, state in zip(batches, states, strict=True):
        stages.move(batch.id, *WAYS[state])
    stages.later()
    stages.move(submission.id, "closed", told_at=stages.now)
    return submission, batches


def new_in_state(stages, state):
    """Make a submission without batches in a state."""
    submission = stages.drop()
    changes = {"REJECTED": ["rejected"], "QUARANTINED": ["quarantined"], "RECEIVED": []}
    if state == "DUPLICATE":
        twin = replace(submission, id=f"{submission.id}x", fingerprint="", duplicate_of=submission.id)
        stages.commit(Transition(twin.id, "submission", "repeated", new_submission=twin))
        return stages.submission(twin.id)
    stages.move(submission.id, *changes[state])
    return stages.submission(submission.id)


class TestBatches:
    @pytest.mark.parametrize("by", ["batch", "submission"])
    @pytest.mark.parametrize(("verb", "state"), BATCH)
    def test_what_may_be_decided(self, stages, verb, state, by):
        """The word works on the batch, named itself or by its file, starts its tries anew, and is on record."""
        submission, batch = in_state(stages, state)
        decided(stages, verb, batch.id if by == "batch" else submission.id)
        found = stages.batch(batch.id)
        assert (found.state, found.tries, found.due_at) == (BATCH[verb, state], 0, 0.0)
        assert stages.ledger.audit([batch.id])[-1].note.endswith("the shop called")
        assert stages.submission(submission.id).state == "PREPARED"

    @pytest.mark.parametrize("by", ["batch", "submission"])
    @pytest.mark.parametrize(("verb", "state"), [one for one in NOT_TABLED if one != ("resend", "SENT")])
    def test_what_may_not(self, stages, verb, state, by):
        """The refusal names what was asked, about what, and how it stands."""
        submission, batch = in_state(stages, state)
        subject = batch.id if by == "batch" else submission.id
        assert refusal(stages, verb, subject) == f"there is nothing to {verb}: {subject} is {state}"

    def test_a_word_about_a_file_means_all_its_batches(self, stages):
        """All that are held are let go; one that was delivered is left alone."""
        submission, batches = stages.prepared(batches=3)
        for batch, state in zip(batches, ("HELD", "SENT", "HELD"), strict=True):
            stages.move(batch.id, *WAYS[state])
        decided(stages, "release", submission.id)
        assert [stages.batch(one.id).state for one in batches] == ["READY", "SENT", "READY"]

    def test_different_meanings_are_not_guessed(self, stages):
        """Where one is held and one in doubt, the batch has to be named; both are shown, nothing changes."""
        submission, batches = stages.prepared(batches=2)
        for batch, state in zip(batches, ("HELD", "IN_DOUBT"), strict=True):
            stages.move(batch.id, *WAYS[state])
        words = refusal(stages, "release", submission.id)
        assert all(
            f"{one.id} ({state})" in words for one, state in zip(batches, ("HELD", "IN_DOUBT"), strict=True)
        )
        decided(stages, "release", batches[1].id)
        assert [stages.batch(one.id).state for one in batches] == ["HELD", "SENT"]

    def test_cancel_takes_all_that_can_be(self, stages):
        """What is on the wire is not called back, and that is said."""
        submission, batches = stages.prepared(batches=3)
        for batch, state in zip(batches, ("HELD", "SENDING", "FAILED"), strict=True):
            stages.move(batch.id, *WAYS[state])
        warnings = decided(stages, "cancel", submission.id)
        assert [stages.batch(one.id).state for one in batches] == ["CANCELLED", "SENDING", "CANCELLED"]
        assert warnings == (f"{batches[1].id} is being sent just now and is not cancelled",)

    def test_resent_is_noted_with_the_doubtful_attempt(self, stages):
        """It stays on record that a person decided about the attempt nobody could tell about."""
        batch = stages.ready()
        stages.move(batch.id, "started")
        stages.ledger.note_phase(batch.id, 1, "WILL_PUBLISH", at=stages.now)
        stages.move(batch.id, "in-doubt")
        decided(stages, "resend", batch.id)
        (attempt,) = stages.ledger.attempts(batch.id)
        assert (attempt.phase, attempt.outcome) == ("WILL_PUBLISH", "overruled")


class TestDelivered:
    """What was delivered is sent again as a new batch: the far side may ignore a name it knows."""

    def test_while_the_file_is_open(self, stages):
        """The copy has the bytes, but a name and an identity of its own; the delivered one stays."""
        submission, batch = in_state(stages, "SENT", counts=Counts(records=1, sent=1, rows=1))
        decided(stages, "resend", batch.id)
        first, second = stages.ledger.batches_of(submission.id)
        assert (first.state, second.state, second.number, second.tries) == ("SENT", "READY", 2, 0)
        assert (second.path, second.sha256, second.rows) == (first.path, first.sha256, first.rows)
        assert second.id != first.id
        assert second.id in second.name
        assert stages.submission(submission.id).counts.rows == 2

    def test_after_it_was_closed(self, stages):
        """The file is open again until the copies have ended."""
        submission, _ = closed(stages, "SENT", "SENT")
        decided(stages, "resend", submission.id)
        states = [one.state for one in stages.ledger.batches_of(submission.id)]
        assert (stages.submission(submission.id).state, states) == (
            "PREPARED",
            ["SENT", "SENT", "READY", "READY"],
        )
        assert stages.submission(submission.id).counts.rows == 4
        assert [one.number for one in stages.ledger.batches_of(submission.id)] == [1, 2, 3, 4]

    def test_twice(self, stages):
        """Each copy is another one, though the clock stands still."""
        submission, batch = in_state(stages, "SENT")
        for _ in range(2):
            one = Word("resend", batch.id, "again", stages.now)
            stages.commit(*decide(stages.ledger, stages.settings, one).transitions)
        names = {one.name for one in stages.ledger.batches_of(submission.id)}
        assert len(names) == 3

    def test_the_destination_is_gone(self, stages):
        """Without its destination it cannot be named, and is refused."""
        _, batch = in_state(stages, "SENT")
        settings = stages.settings.model_copy(update={"destinations": {}})
        with pytest.raises(CannotDecideError, match="no longer have the destination there"):
            decide(stages.ledger, settings, word(stages, "resend", batch.id))

    @pytest.mark.parametrize("by", ["batch", "submission"])
    def test_a_cancelled_batch_of_a_closed_file(self, stages, by):
        """It goes after all, under its own name, and its file is open again."""
        submission, (batch,) = closed(stages, "CANCELLED")
        decided(stages, "resend", batch.id if by == "batch" else submission.id)
        assert stages.submission(submission.id).state == "PREPARED"
        assert [one.state for one in stages.ledger.batches_of(submission.id)] == ["READY"]
        assert [one.event for one in stages.ledger.audit([submission.id])][-1] == "reopened"

    def test_some_sent_some_cancelled(self, stages):
        """To resend means different things for them, so the batch has to be named."""
        submission, batches = closed(stages, "SENT", "CANCELLED")
        words = refusal(stages, "resend", submission.id)
        assert f"{batches[0].id} (SENT), {batches[1].id} (CANCELLED)" in words

    def test_some_processed_some_without_an_answer(self, stages):
        """One that impact.com has processed must not go out again along with one whose answer is overdue."""
        submission, batches = closed(stages, "SENT", "SENT")
        stages.move(batches[0].id, "processed")
        words = refusal(stages, "resend", submission.id)
        assert f"{batches[0].id} (PROCESSED), {batches[1].id} (SENT)" in words


class TestSubmissions:
    @pytest.mark.parametrize(("verb", "state"), SUBMISSION)
    def test_what_may_be_decided(self, stages, verb, state):
        """A release begins a new generation with fresh tries; a cancelled file is closed, with the reason."""
        submission = new_in_state(stages, state)
        decided(stages, verb, submission.id)
        found = stages.submission(submission.id)
        released = verb == "release"
        assert (found.state, found.generation) == (SUBMISSION[verb, state], 1 if released else 0)
        assert found.reason == ("" if released else "a person gave it up")
        assert stages.ledger.audit([submission.id])[-1].note.endswith("the shop called")

    @pytest.mark.parametrize(
        ("verb", "state"),
        [
            (verb, state)
            for verb in VERBS
            for state in ("RECEIVED", "DUPLICATE", "REJECTED", "QUARANTINED")
            if (verb, state) not in SUBMISSION
        ],
    )
    def test_what_may_not(self, stages, verb, state):
        """What has no batches yet has nothing that could be sent again."""
        submission = new_in_state(stages, state)
        assert (
            refusal(stages, verb, submission.id) == f"there is nothing to {verb}: {submission.id} is {state}"
        )

    @pytest.mark.parametrize("verb", VERBS)
    def test_closed_without_batches(self, stages, verb):
        """A file that was given up is not taken up again: it has to be dropped anew."""
        submission = new_in_state(stages, "RECEIVED")
        decided(stages, "cancel", submission.id)
        assert (
            refusal(stages, verb, submission.id) == f"there is nothing to {verb}: {submission.id} is CLOSED"
        )

    @pytest.mark.parametrize("event", ["quarantined", "refused-unread"])
    def test_what_was_never_read(self, stages, event):
        """There are no bytes that could be released; it may be cancelled."""
        unread = replace(stages.drop(), id="20270115-unread", sha256="", fingerprint="")
        stages.commit(Transition(unread.id, "submission", event, new_submission=unread))
        assert "its bytes were never read" in refusal(stages, "release", unread.id)
        decided(stages, "cancel", unread.id)
        assert stages.submission(unread.id).state == "CLOSED"

    @pytest.mark.parametrize("verb", VERBS)
    def test_what_nobody_knows(self, stages, verb):
        """The refusal repeats the id."""
        assert refusal(stages, verb, "20270115-nothing") == "the ledger knows no 20270115-nothing"


class TestWarnings:
    """Who lets an older file go after a newer one was sent may put older amounts back, and is told so."""

    @pytest.fixture
    def pair(self, make_stages):
        """Make an older batch in a state and a newer one, delivered."""

        def make(state, feed="shop", newer="SENT"):
            stages = make_stages("shop", "other")
            _, older = in_state(stages, state)
            in_state(stages, newer, "b.csv", feed=feed)
            return stages, older

        return make

    @pytest.mark.parametrize(
        ("verb", "state"),
        [
            ("release", "HELD"),
            ("resend", "IN_DOUBT"),
            ("resend", "FAILED"),
            ("resend", "CANCELLED"),
            ("resend", "SENT"),
        ],
    )
    def test_what_goes_out(self, pair, verb, state):
        """It is said how many went since."""
        stages, older = pair(state)
        (warning,) = decided(stages, verb, older.id)
        assert "later files of this feed were sent already (1 batch)" in warning

    @pytest.mark.parametrize(("verb", "state"), [("release", "IN_DOUBT"), ("cancel", "HELD")])
    def test_what_does_not(self, pair, verb, state):
        """Nothing goes out, nothing is said."""
        stages, older = pair(state)
        assert decided(stages, verb, older.id) == ()

    @pytest.mark.parametrize("others", [{"feed": "other"}, {"newer": "HELD"}])
    def test_what_does_not_matter(self, pair, others):
        """Other feeds have other orders, and what was not sent has changed nothing."""
        stages, older = pair("HELD", **others)
        assert decided(stages, "release", older.id) == ()

    def test_older_ones(self, stages):
        """What was sent before is as it should be."""
        in_state(stages, "SENT")
        _, newer = in_state(stages, "HELD", "b.csv")
        assert decided(stages, "release", newer.id) == ()

    def test_a_rejected_file(self, stages):
        """A file that is prepared again goes out, too."""
        older = new_in_state(stages, "REJECTED")
        in_state(stages, "SENT", "b.csv")
        assert len(decided(stages, "release", older.id)) == 1


def test_a_decision_changes_nothing_by_itself(stages):
    """It is a wish until it is committed."""
    submission, batch = in_state(stages, "HELD")
    before = stages.ledger.audit(None)
    decision = decide(stages.ledger, stages.settings, Word("cancel", batch.id, "", NOON))
    assert [(one.subject, one.event) for one in decision.transitions] == [(batch.id, "cancelled")]
    assert stages.ledger.audit(None) == before
    assert stages.submission(submission.id).state == "PREPARED"
