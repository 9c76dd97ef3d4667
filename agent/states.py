"""The three state machines, each one table: `after(state, event)` or it raises.

What is absent from a table cannot happen. Nothing goes back a stage on its own; a person's `release`,
`resend` and `cancel` are edges here like any other.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from agent.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from agent.model import Attempt, Batch


class SubmissionState(StrEnum):
    """Where a dropped file is."""

    RECEIVED = "RECEIVED"  # its bytes are in the spool
    PREPARED = "PREPARED"  # its batches are written (or none was needed)
    CLOSED = "CLOSED"  # every batch ended; reported and archived
    REJECTED = "REJECTED"  # nothing in it could be sent; the sender must mend it
    QUARANTINED = "QUARANTINED"  # unsafe, or it broke the agent twice
    DUPLICATE = "DUPLICATE"  # the same bytes came before in this feed


class BatchState(StrEnum):
    """Where a batch is."""

    READY = "READY"
    SENDING = "SENDING"
    SENT = "SENT"  # delivered; its end where nobody is asked for an answer
    TAKEN = "TAKEN"  # impact.com has said that it has the file
    PROCESSED = "PROCESSED"  # impact.com has said what became of its rows; not all need be well
    HELD = "HELD"  # waits for a person, with the reason
    DEFERRED = "DEFERRED"  # a transient fault; next attempt when due
    IN_DOUBT = "IN_DOUBT"  # it may have become visible at the other end
    FAILED = "FAILED"  # permanent
    CANCELLED = "CANCELLED"


class AnswerState(StrEnum):
    """Where an acknowledgement is that was fetched."""

    KEPT = "KEPT"  # its bytes are in the archive, nobody has read them yet
    EARLY = "EARLY"  # it speaks of a batch that is being sent just now
    APPLIED = "APPLIED"  # the batches it speaks of know of it
    UNMATCHED = "UNMATCHED"  # it speaks of no batch of ours, as far as can be told


class Phase(StrEnum):
    """How far one attempt got; from WILL_PUBLISH on the batch may be visible at the other end."""

    STARTED = "STARTED"
    WILL_PUBLISH = "WILL_PUBLISH"
    PUBLISHED = "PUBLISHED"


_ONLY_HEARD = ("heard", "contradicted")
OVERRULED = "overruled"  # the outcome of an attempt about which a person has decided
ASSUMED = "assumed"  # the outcome of an attempt of which the settings say that it is to be taken for sent
LEFT_NOTHING = frozenset(
    {"deferred", "failed", "held", "bounced"}
)  # outcomes of attempts of which surely nothing arrived


class UnknownTransitionError(AgentError):
    """The table has no such edge."""

    def __init__(self, state: str, event: str) -> None:
        self.state, self.event = state, event
        super().__init__(f"{event!r} cannot happen to something that is {state or 'not there yet'}")


_S, _B, _A = SubmissionState, BatchState, AnswerState

SUBMISSION: dict[tuple[str, str], SubmissionState] = {
    ("", "taken"): _S.RECEIVED,
    ("", "refused-unread"): _S.REJECTED,
    ("", "quarantined"): _S.QUARANTINED,
    ("", "repeated"): _S.DUPLICATE,
    (_S.RECEIVED, "prepared"): _S.PREPARED,
    (_S.RECEIVED, "unpacked"): _S.PREPARED,  # each file inside it is a submission of its own now
    (_S.RECEIVED, "rejected"): _S.REJECTED,
    (_S.RECEIVED, "broke"): _S.RECEIVED,
    (_S.RECEIVED, "quarantined"): _S.QUARANTINED,
    (_S.RECEIVED, "cancelled"): _S.CLOSED,
    (_S.PREPARED, "closed"): _S.CLOSED,
    (_S.PREPARED, "resending"): _S.PREPARED,  # a person has a delivered batch sent again, as a new one
    (_S.CLOSED, "reopened"): _S.PREPARED,  # the same, after all had ended
    (_S.PREPARED, "told"): _S.PREPARED,
    (_S.DUPLICATE, "told"): _S.DUPLICATE,
    (_S.REJECTED, "told"): _S.REJECTED,
    (_S.QUARANTINED, "told"): _S.QUARANTINED,
    (_S.CLOSED, "told"): _S.CLOSED,  # a person ended it without a batch; the folder has to hear of it
    (_S.DUPLICATE, "released"): _S.RECEIVED,
    (_S.DUPLICATE, "cancelled"): _S.CLOSED,
    (_S.REJECTED, "released"): _S.RECEIVED,
    (_S.REJECTED, "cancelled"): _S.CLOSED,
    (_S.QUARANTINED, "released"): _S.RECEIVED,
    (_S.QUARANTINED, "cancelled"): _S.CLOSED,
}

BATCH: dict[tuple[str, str], BatchState] = {
    ("", "written"): _B.READY,
    ("", "held"): _B.HELD,
    (_B.READY, "started"): _B.SENDING,
    (_B.DEFERRED, "started"): _B.SENDING,
    (_B.SENDING, "sent"): _B.SENT,
    (_B.SENDING, "deferred"): _B.DEFERRED,
    (_B.SENDING, "in-doubt"): _B.IN_DOUBT,
    (_B.SENDING, "failed"): _B.FAILED,
    (_B.SENDING, "held"): _B.HELD,
    (_B.SENDING, "recovered"): _B.DEFERRED,  # the agent died while sending; the next attempt looks first
    (_B.READY, "held"): _B.HELD,
    (_B.DEFERRED, "held"): _B.HELD,
    (_B.HELD, "released"): _B.READY,
    (_B.IN_DOUBT, "resent"): _B.READY,
    (_B.IN_DOUBT, "found"): _B.SENT,  # a person or a later look found it at the other end
    (_B.FAILED, "resent"): _B.READY,
    (_B.CANCELLED, "resent"): _B.READY,
    (_B.READY, "cancelled"): _B.CANCELLED,
    (_B.HELD, "cancelled"): _B.CANCELLED,
    (_B.DEFERRED, "cancelled"): _B.CANCELLED,
    (_B.IN_DOUBT, "cancelled"): _B.CANCELLED,
    (_B.FAILED, "cancelled"): _B.CANCELLED,
    (_B.SENT, "taken"): _B.TAKEN,
    (_B.SENT, "processed"): _B.PROCESSED,
    (_B.TAKEN, "processed"): _B.PROCESSED,
    (_B.SENT, "bounced"): _B.FAILED,  # the mail that carried it came back
    (_B.IN_DOUBT, "bounced"): _B.FAILED,
    (_B.SENT, "unclear"): _B.SENT,  # an answer came that nobody can read
    (_B.TAKEN, "unclear"): _B.TAKEN,
    (_B.SENT, "overdue"): _B.SENT,
    (_B.TAKEN, "overdue"): _B.TAKEN,
    (_B.SENT, "settled"): _B.SENT,  # no answer is awaited any more
    (_B.TAKEN, "settled"): _B.TAKEN,
    # An answer proves that it arrived, whatever we knew of it; also where it waits to be sent once more.
    **{(state, "taken"): _B.TAKEN for state in (_B.IN_DOUBT, _B.DEFERRED, _B.HELD, _B.READY)},
    **{(state, "processed"): _B.PROCESSED for state in (_B.IN_DOUBT, _B.DEFERRED, _B.HELD, _B.READY)},
    **{(state, "heard"): state for state in _B},  # an answer that says nothing new
    **{(state, "contradicted"): state for state in _B},  # one that cannot be true with what we know
}

ANSWER: dict[tuple[str, str], AnswerState] = {
    ("", "fetched"): _A.KEPT,
    (_A.KEPT, "applied"): _A.APPLIED,
    (_A.KEPT, "came-early"): _A.EARLY,
    (_A.KEPT, "unmatched"): _A.UNMATCHED,
    (_A.EARLY, "applied"): _A.APPLIED,
    (_A.EARLY, "unmatched"): _A.UNMATCHED,
}

_ENDED = frozenset({_B.PROCESSED, _B.CANCELLED})
_ENDED_UNASKED = frozenset({_B.SENT, _B.TAKEN})
ARRIVED = frozenset({_B.SENT, _B.TAKEN, _B.PROCESSED})  # states in which a batch was delivered
CONCERNS = frozenset({_B.HELD, _B.IN_DOUBT, _B.FAILED})  # states in which a batch waits for a person
# Events of which the folder hears though nobody need do anything, or the state stays.
NEWS = frozenset({"sent", "found", "taken", "processed", "unclear", "overdue", "settled", "contradicted"})


def has_ended(state: str, *, awaited: bool) -> bool:
    """Whether nothing more will happen to a batch by itself; `awaited`: an answer of impact.com is."""
    return state in _ENDED or (state in _ENDED_UNASKED and not awaited)


def ended(batch: Batch) -> bool:
    """Whether nothing more will happen to a batch by itself."""
    return has_ended(batch.state, awaited=batch.awaited)


def doubtful(attempts: Iterable[Attempt]) -> list[Attempt]:
    """Return the attempts that may have left something at the other end."""
    return [one for one in attempts if one.phase != Phase.STARTED and one.outcome not in LEFT_NOTHING]


def after(state: str, event: str) -> str:
    """Return the state that follows; `state` is "" for something new.

    Works for all machines: their states share no name, and new things share no event but `held` and
    `cancelled`, which new submissions never have.

    Raises:
        UnknownTransitionError: the tables have no such edge.

    """
    edge = (state, event)
    following = SUBMISSION.get(edge) or BATCH.get(edge) or ANSWER.get(edge)
    if following is None:
        raise UnknownTransitionError(state, event)
    return following


def picture() -> str:
    """Return the machines as Mermaid diagrams; a test holds the README to it.

    What only says that something was heard of a batch, and changes nothing, is left out.
    """
    batch = {edge: following for edge, following in BATCH.items() if edge[1] not in _ONLY_HEARD}
    drawn = (("A submission", SUBMISSION), ("A batch", batch), ("An acknowledgement", ANSWER))
    return "\n\n".join(f"{title}:\n\n{_diagram(table)}" for title, table in drawn) + "\n"


def _diagram(table: Mapping[tuple[str, str], str]) -> str:
    events: dict[tuple[str, str], list[str]] = {}
    for (before, event), following in table.items():
        events.setdefault((before or "[*]", following), []).append(event)
    edges = [
        f"    {before} --> {following}: {' / '.join(names)}" for (before, following), names in events.items()
    ]
    return "\n".join(("```mermaid", "stateDiagram-v2", *edges, "```"))
