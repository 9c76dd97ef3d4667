"""A person decides: release, resend, cancel. What may be decided is an edge in the transition table like any other.

Each decision is one set of transitions, committed together and recorded with who decided and why.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from agent.errors import AgentError
from agent.impact.batchfile import batch_name
from agent.ledger.ids import BatchOrigin, batch_id
from agent.ledger.transition import Transition
from agent.model import Fault
from agent.states import BATCH, OVERRULED, SUBMISSION, BatchState, SubmissionState

if TYPE_CHECKING:
    from agent.ledger.ledger import Ledger
    from agent.model import Batch, Submission
    from agent.settings.models import Settings

Verb = Literal["release", "resend", "cancel"]

_SUBMISSION = {"release": ("released",), "cancel": ("cancelled",), "resend": ()}
_BATCH = {"release": ("released", "found"), "cancel": ("cancelled",), "resend": ("resent",)}


class CannotDecideError(AgentError):
    """There is nothing of that kind to decide about this subject."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What will be committed, and what a person should know before or after."""

    transitions: tuple[Transition, ...]
    warnings: tuple[str, ...] = ()


def decide(ledger: Ledger, settings: Settings, verb: Verb, subject: str, why: str) -> Decision:
    """Turn a person's word about a submission or batch into transitions.

    Raises:
        CannotDecideError: nothing there can be released, sent again or cancelled.
    """
    submission = ledger.submission(subject)
    batch = ledger.batch(subject) if submission is None else None
    owner = submission or (ledger.submission(batch.submission) if batch else None)
    if owner is None:
        raise CannotDecideError(f"the ledger knows no {subject}")
    if submission is not None and (change := _about_submission(submission, verb, why)):
        return Decision((change,))
    concerned = (batch,) if batch else ledger.batches_of(owner.id)
    changes = [change for one in concerned for change in _about_batch(ledger, settings, owner, one, verb, why)]
    if not changes:
        states = ", ".join(sorted({one.state for one in concerned})) or owner.state
        raise CannotDecideError(f"there is nothing to {verb}: {subject} is {states}")
    if owner.state == SubmissionState.CLOSED and all(change.kind == "batch" for change in changes):
        changes.insert(0, Transition(owner.id, "submission", "reopened", note=why))
    return Decision(tuple(changes), _newer(ledger, concerned) if verb != "cancel" else ())


def _about_submission(submission: Submission, verb: Verb, why: str) -> Transition | None:
    for event in _SUBMISSION[verb]:
        if (submission.state, event) not in SUBMISSION:
            continue
        if event == "released" and not submission.sha256:
            words = "its bytes were never read; mend the file and drop it again, or cancel it here"
            raise CannotDecideError(f"{submission.id} cannot be released: {words}")
        generation = submission.generation + 1 if event == "released" else None
        return Transition(submission.id, "submission", event, note=why, tries=0, generation=generation)
    return None


def _about_batch(
    ledger: Ledger, settings: Settings, owner: Submission, batch: Batch, verb: Verb, why: str
) -> list[Transition]:
    if verb == "resend" and batch.state == BatchState.SENT:
        return [_once_more(ledger, settings, owner, batch, why)]
    for event in _BATCH[verb]:
        if (batch.state, event) not in BATCH:
            continue
        attempts = ledger.attempts(batch.id)
        overruled = replace(attempts[-1], outcome=OVERRULED) if attempts and event == "resent" else None
        return [Transition(batch.id, "batch", event, note=why, tries=0, attempt=overruled)]
    return []


def _once_more(ledger: Ledger, settings: Settings, owner: Submission, batch: Batch, why: str) -> Transition:
    """A delivered batch goes again as a new batch with a name of its own: the old name may be refused or ignored."""
    number = max(one.number for one in ledger.batches_of(owner.id)) + 1
    identity = batch_id(BatchOrigin(owner.feed, batch.destination, batch.id, "sent again", "", 0, number))
    destination = settings.destinations.get(batch.destination)
    if destination is None:
        raise CannotDecideError(f"the settings no longer have the destination {batch.destination}")
    extension = batch.name.rpartition(".")[2]
    day = datetime.fromtimestamp(owner.received_at, UTC).date()
    name = batch_name(owner.feed, day, identity, extension, destination.file_pattern)
    if isinstance(name, Fault):
        raise CannotDecideError(name.words)
    again = replace(
        batch, id=identity, number=number, name=name, state=BatchState.READY, reason="", due_at=0.0, tries=0
    )
    event = "reopened" if owner.state == SubmissionState.CLOSED else "resending"
    return Transition(owner.id, "submission", event, note=why, new_batches=(again,))


def _newer(ledger: Ledger, batches: tuple[Batch, ...]) -> tuple[str, ...]:
    """Say when later batches of the same feed went out: these older ones may put an old amount back."""
    said: list[str] = []
    for batch in batches:
        owner = ledger.submission(batch.submission)
        sent = ledger.batches([BatchState.SENT], batch.destination, limit=100_000)
        later = [
            one
            for one in sent
            if one.created_at > batch.created_at
            and owner is not None
            and (other := ledger.submission(one.submission)) is not None
            and other.feed == owner.feed
        ]
        if later:
            said.append(
                f"{batch.id} is older than {len(later)} batches of this feed that were sent already;"
                " where they name the same orders it puts older values back"
            )
    return tuple(said)
