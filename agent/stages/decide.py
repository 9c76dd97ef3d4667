"""A person decides: release, resend, cancel. What may be decided is an edge in the transition table.

Each decision is one set of transitions, committed together and recorded with who decided and why. A word
about a submission is a word about all of its batches that it can mean; where it would mean different things
for different batches, it is not guessed: the batch has to be named.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from agent.errors import AgentError
from agent.feedback.wording import count
from agent.impact.batchfile import batch_name
from agent.ledger.ids import BatchOrigin, batch_id
from agent.ledger.transition import Transition
from agent.model import Fault
from agent.states import ARRIVED, BATCH, OVERRULED, SUBMISSION, BatchState, SubmissionState, doubtful

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.ledger.ledger import Ledger
    from agent.model import Attempt, Batch, Submission
    from agent.settings.models import Settings

Verb = Literal["release", "resend", "cancel"]

_SUBMISSION = {"release": "released", "cancel": "cancelled", "resend": ""}
_BATCH = {"release": ("released", "found", "settled"), "cancel": ("cancelled",), "resend": ("resent",)}
_REASONS = {
    "cancelled": "a person gave it up",
    "found": "a person found it at the other end",
    "settled": "a person has looked what became of it",
}
_LATER = 1000  # later submissions of a feed that are looked at for a warning


class CannotDecideError(AgentError):
    """There is nothing of that kind to decide about this subject."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What will be committed, and what a person should know about it."""

    transitions: tuple[Transition, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said, when, and about what."""

    verb: Verb
    subject: str  # the full id of a submission or batch
    why: str
    at: float  # UTC epoch seconds


def decide(ledger: Ledger, settings: Settings, word: Word) -> Decision:
    """Turn a person's word about a submission or batch into transitions.

    Raises:
        CannotDecideError: nothing there can be released, sent again or cancelled.

    """
    submission = ledger.submission(word.subject)
    batch = ledger.batch(word.subject) if submission is None else None
    owner = submission or (ledger.submission(batch.submission) if batch else None)
    if owner is None:
        raise CannotDecideError(f"the ledger knows no {word.subject}")
    if submission is not None and (change := _about_submission(submission, word)):
        return Decision((change,), _newer(ledger, owner) if change.event == "released" else ())
    concerned = _concerned(word, owner, (batch,) if batch else ledger.batches_of(owner.id))
    if word.verb == "resend" and concerned[0].state in ARRIVED:
        return Decision((_once_more(ledger, settings, owner, concerned, word),), _newer(ledger, owner))
    changes = [_about_batch(ledger, settings, one, word) for one in concerned]
    if owner.state == SubmissionState.CLOSED:
        changes.insert(0, Transition(owner.id, "submission", "reopened", note=word.why, reason=owner.reason))
    return Decision(tuple(changes), _warnings(ledger, word, owner, changes[-1].event))


def _warnings(ledger: Ledger, word: Word, owner: Submission, event: str) -> tuple[str, ...]:
    if event == "cancelled":
        return _being_sent(ledger, word)
    return () if event in {"found", "settled"} else _newer(ledger, owner)


def _about_submission(submission: Submission, word: Word) -> Transition | None:
    event = _SUBMISSION[word.verb]
    if (submission.state, event) not in SUBMISSION:
        return None
    if event == "released" and not submission.sha256:
        words = "its bytes were never read; mend the file and drop it again, or cancel it here"
        raise CannotDecideError(f"{submission.id} cannot be released: {words}")
    generation = submission.generation + 1 if event == "released" else None
    return Transition(
        submission.id,
        "submission",
        event,
        reason=_REASONS.get(event, ""),
        note=word.why,
        tries=0,
        generation=generation,
    )


def _concerned(word: Word, owner: Submission, batches: Sequence[Batch]) -> list[Batch]:
    """Return the batches that the word is about; at least one, and it means the same for each."""
    meant = [one for one in batches if _event(word.verb, one)]
    if not meant:
        states = " and ".join(sorted({one.state for one in batches})) or owner.state
        raise CannotDecideError(f"there is nothing to {word.verb}: {word.subject} is {states}")
    if word.verb != "cancel" and len({_meaning(word.verb, one) for one in meant}) > 1:
        named = ", ".join(f"{one.id} ({one.state})" for one in meant)
        raise CannotDecideError(f"say which batch to {word.verb}, for they are in different states: {named}")
    return meant


def _meaning(verb: Verb, batch: Batch) -> tuple[str, bool]:
    """Tell what a word is to a batch: to send again what was processed is another thing than what may be lost."""
    return _event(verb, batch), batch.state == BatchState.PROCESSED


def _event(verb: Verb, batch: Batch) -> str:
    """Return what a word makes happen to a batch, "" for nothing."""
    if verb == "resend" and batch.state in ARRIVED:
        return "resending"
    event = next((event for event in _BATCH[verb] if (batch.state, event) in BATCH), "")
    return "" if event == "settled" and not batch.awaited else event


def _about_batch(ledger: Ledger, settings: Settings, batch: Batch, word: Word) -> Transition:
    event = _event(word.verb, batch)
    overruled = _overruled(ledger.attempts(batch.id)) if event == "resent" else None
    reason = _REASONS.get(event, "")
    awaited = {"found": settings.awaits(batch.destination), "settled": False}.get(event)
    return Transition(
        batch.id,
        "batch",
        event,
        reason=reason,
        note=word.why,
        tries=0,
        attempt=overruled,
        awaited=awaited,
    )


def _overruled(attempts: Sequence[Attempt]) -> Attempt | None:
    """Note with the last attempt that may have arrived that a person says it did not."""
    doubts = doubtful(attempts)
    return replace(doubts[-1], outcome=OVERRULED) if doubts else None


def _once_more(
    ledger: Ledger, settings: Settings, owner: Submission, batches: Sequence[Batch], word: Word
) -> Transition:
    """Send delivered batches again as new ones with names of their own: the old may be refused or ignored."""
    last = max(one.number for one in ledger.batches_of(owner.id))
    again = tuple(
        _copy_of(settings, owner, batch, last + place, word.at)
        for place, batch in enumerate(batches, start=1)
    )
    event = "reopened" if owner.state == SubmissionState.CLOSED else "resending"
    counts = replace(owner.counts, rows=owner.counts.rows + sum(batch.rows for batch in again))
    return Transition(
        owner.id, "submission", event, note=word.why, reason=owner.reason, new_batches=again, counts=counts
    )


def _copy_of(settings: Settings, owner: Submission, batch: Batch, number: int, at: float) -> Batch:
    identity = batch_id(BatchOrigin(owner.feed, batch.destination, batch.id, "sent again", "", 0, number))
    destination = settings.destinations.get(batch.destination)
    if destination is None:
        raise CannotDecideError(f"the settings no longer have the destination {batch.destination}")
    extension = batch.name.rpartition(".")[2]
    day = datetime.fromtimestamp(owner.received_at, UTC).date()
    name = batch_name(owner.feed, day, identity, extension, destination.file_pattern)
    if isinstance(name, Fault):
        raise CannotDecideError(name.words)
    state = BatchState.READY
    return replace(
        batch,
        id=identity,
        number=number,
        name=name,
        state=state,
        reason="",
        due_at=0.0,
        tries=0,
        created_at=at,
        updated_at=at,
        sent_at=0.0,
        taken_at=0.0,
        processed_at=0.0,
        awaited=False,
        overdue_at=0.0,
        refused=None,
    )


def _being_sent(ledger: Ledger, word: Word) -> tuple[str, ...]:
    """Say which batches of a submission that is given up are on the wire, and are not called back."""
    sending = [one.id for one in ledger.batches_of(word.subject) if one.state == BatchState.SENDING]
    return tuple(f"{one} is being sent just now and is not cancelled" for one in sending)


def _newer(ledger: Ledger, owner: Submission) -> tuple[str, ...]:
    """Say when later files of the same feed were sent: what goes out now may put older amounts back."""
    latest = ledger.submissions(None, owner.feed, limit=_LATER, newest_first=True)
    later = [one.id for one in latest if one.received_at > owner.received_at]
    batches = [batch for one in later for batch in ledger.batches_of(one)]
    sent = sum(batch.state in ARRIVED for batch in batches)
    if not sent:
        return ()
    many = count(sent, "batch", "batches")
    words = "where they name the same orders, what goes out now puts older values back"
    return (f"later files of this feed were sent already ({many}); {words}",)
