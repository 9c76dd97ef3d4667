"""The two state machines, each one table: `after(state, event)` or it raises.

What is absent from a table cannot happen. Nothing goes back a stage on its own; a person's `release`,
`resend` and `cancel` are edges here like any other.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from agent.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Mapping


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
    SENT = "SENT"
    HELD = "HELD"  # waits for a person, with the reason
    DEFERRED = "DEFERRED"  # a transient fault; next attempt when due
    IN_DOUBT = "IN_DOUBT"  # it may have become visible at the other end
    FAILED = "FAILED"  # permanent
    CANCELLED = "CANCELLED"


class Phase(StrEnum):
    """How far one attempt got; from WILL_PUBLISH on the batch may be visible at the other end."""

    STARTED = "STARTED"
    WILL_PUBLISH = "WILL_PUBLISH"
    PUBLISHED = "PUBLISHED"


OVERRULED = "overruled"  # the outcome of an attempt about which a person has decided
LEFT_NOTHING = frozenset(
    {"deferred", "failed", "held"}
)  # outcomes of attempts of which surely nothing arrived


class UnknownTransitionError(AgentError):
    """The table has no such edge."""

    def __init__(self, state: str, event: str) -> None:
        self.state, self.event = state, event
        super().__init__(f"{event!r} cannot happen to something that is {state or 'not there yet'}")


_S, _B = SubmissionState, BatchState

SUBMISSION: dict[tuple[str, str], SubmissionState] = {
    ("", "taken"): _S.RECEIVED,
    ("", "refused-unread"): _S.REJECTED,
    ("", "quarantined"): _S.QUARANTINED,
    ("", "repeated"): _S.DUPLICATE,
    (_S.RECEIVED, "prepared"): _S.PREPARED,
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
}

ENDED = frozenset({_B.SENT, _B.CANCELLED})


def after(state: str, event: str) -> str:
    """Return the state that follows; `state` is "" for something new.

    Works for both machines: their states share no name, and new things share no event but `held` and
    `cancelled`, which new submissions never have.

    Raises:
        UnknownTransitionError: the tables have no such edge.

    """
    following = SUBMISSION.get((state, event)) or BATCH.get((state, event))
    if following is None:
        raise UnknownTransitionError(state, event)
    return following


def picture() -> str:
    """Return both machines as Mermaid diagrams; a test holds the README to it."""
    return f"A submission:\n\n{_diagram(SUBMISSION)}\n\nA batch:\n\n{_diagram(BATCH)}\n"


def _diagram(table: Mapping[tuple[str, str], str]) -> str:
    events: dict[tuple[str, str], list[str]] = {}
    for (before, event), following in table.items():
        events.setdefault((before or "[*]", following), []).append(event)
    edges = [
        f"    {before} --> {following}: {' / '.join(names)}" for (before, following), names in events.items()
    ]
    return "\n".join(("```mermaid", "stateDiagram-v2", *edges, "```"))
