"""Decide what a file that was read, or refused unread, becomes in the ledger.

It is something new, a repetition, or what it was recorded as before a crash. Asks the ledger and changes
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from agent.codes import counted_once
from agent.feedback.repeated import repeated
from agent.ledger.ids import submission_id
from agent.ledger.transition import Transition
from agent.model import Submission
from agent.settle import shown_name
from agent.states import SubmissionState, after

if TYPE_CHECKING:
    from agent.ledger.ledger import Ledger
    from agent.model import Fault, Paper
    from agent.settings.models import Feed
    from agent.settle import Look
    from agent.stages.intake.reading import Copied, Refused

_TICK = 1e-6  # seconds between two files of one moment, so that the ledger keeps their order


@dataclass(frozen=True, slots=True)
class Claim:
    """One file that may be recorded and moved."""

    look: Look
    submission: Submission
    change: Transition | None  # None: the ledger has it from before a crash


class Claimer:
    """Claims files of one feed, a group at a time; `now` is the wall clock."""

    def __init__(self, feed: Feed, ledger: Ledger) -> None:
        self._feed, self._ledger = feed, ledger
        self._latest = 0.0
        self._group: set[str] = set()  # ids claimed, but not in the ledger yet
        self._first: dict[str, Submission] = {}  # by digest: the first with the bytes of a file of the group

    def begin(self) -> None:
        """Begin a group: what was claimed before is in the ledger now, or never will be."""
        self._group.clear()
        self._first.clear()

    def copied(self, file: Copied, *, now: float, twin: Fault | None) -> Claim:
        """Claim a file whose bytes are in the spool; `twin` is a warning to keep with it."""
        look, paper = file.look, file.paper
        if known := self._recorded(look, paper.sha256):
            return known
        first = None
        if not self._feed.allow_duplicates:
            first = self._first.get(paper.sha256) or self._ledger.same_bytes(self._feed.name, paper.sha256)
        event = "repeated" if first else "taken"
        made = self._made(look, event, now, paper, first)
        self._first.setdefault(paper.sha256, first or made)
        fault = twin if first is None else repeated(first, self._first_batch(first))
        change = _change(made, event, fault, paper)
        if first is None and not self._feed.allow_duplicates:
            change = replace(change, first_of_its_bytes=True)
        return Claim(look, made, change)

    def refused(self, file: Refused, *, now: float) -> Claim:
        """Claim a file that goes aside unread."""
        look = file.look
        if known := self._recorded(look, ""):
            return known
        made = self._made(look, file.event, now, None, None)
        return Claim(look, made, _change(made, file.event, file.fault, None))

    def _recorded(self, look: Look, sha256: str) -> Claim | None:
        """Know a file again that was recorded before a crash, and of which only the move is missing."""
        found = self._ledger.by_fingerprint(self._feed.name, look.fingerprint, sha256)
        if found is None or found.name != shown_name(look.name):
            return None
        if found.told_at > 0 or found.state == SubmissionState.CLOSED:
            return None  # it was moved on long ago: somebody has dropped it once more
        return Claim(look, found, None)

    def _made(
        self, look: Look, event: str, now: float, paper: Paper | None, first: Submission | None
    ) -> Submission:
        received = self._received_at(now)
        sha256 = paper.sha256 if paper else ""
        return Submission(
            id=self._new_id(received, sha256, look.fingerprint),
            feed=self._feed.name,
            name=shown_name(look.name),
            state=after("", event),
            reason="",
            received_at=received,
            updated_at=now,
            sha256=sha256,
            size=look.size,
            fingerprint=look.fingerprint,
            duplicate_of=first.id if first else "",
        )

    def _received_at(self, now: float) -> float:
        """Return a time that keeps the files of one moment in order."""
        following = self._latest + _TICK
        self._latest = following if now <= following < now + 1 else now
        return self._latest

    def _new_id(self, received: float, sha256: str, fingerprint: str) -> str:
        day = datetime.fromtimestamp(received, UTC).date()
        ids = (submission_id(day, self._feed.name, sha256, fingerprint, again) for again in count())
        made = next(one for one in ids if one not in self._group and self._ledger.submission(one) is None)
        self._group.add(made)
        return made

    def _first_batch(self, first: Submission) -> str:
        batches = self._ledger.batches_of(first.id)
        return batches[0].id if batches else ""


def _change(made: Submission, event: str, fault: Fault | None, paper: Paper | None) -> Transition:
    return Transition(
        made.id,
        "submission",
        event,
        reason="" if fault is None or event == "taken" else fault.words,
        note=fault.code if fault else "",
        new_submission=made,
        groups=(counted_once(fault),) if fault else None,
        papers=(paper,) if paper else (),
    )
