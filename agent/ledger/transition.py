"""What a stage hands back: one change of one submission or batch, checked when built.

A `Transition` is a wish. The ledger grants it in one transaction with its audit line if the state machine has
the edge from where the subject stands *then*; else nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from agent.model import Acknowledgement, Answer, Attempt, Batch, Counts, FindingGroup, Paper, Submission

Kind = Literal["submission", "batch", "acknowledgement"]

_ONLY = {
    "submission": ("due_at", "attempt", "awaited", "answer", "acknowledgement"),
    "batch": (
        "new_submission",
        "first_of_its_bytes",
        "new_batches",
        "generation",
        "counts",
        "groups",
        "told_at",
        "acknowledgement",
    ),
}
_ONLY["acknowledgement"] = (
    *_ONLY["submission"][:-1],
    *_ONLY["batch"][:-1],
    "tries",
    "papers",
)  # by kind: the fields it may not have


@dataclass(frozen=True, slots=True)
class Transition:
    """One event and what it brings along; None (or empty) keeps what the ledger has, unless said otherwise.

    `reason` replaces the subject's, also when empty, if the state changes; if the state stays, an empty one
    keeps it. `note` goes to the audit only. Neither may hold contents of rows.
    """

    subject: str
    kind: Kind
    event: str
    reason: str = ""
    note: str = ""
    new_submission: Submission | None = None  # with an event that makes one; its `state` is not looked at
    first_of_its_bytes: bool | None = (
        None  # with new_submission: refused where its feed has these bytes already
    )
    new_batches: tuple[Batch, ...] = ()  # each with the event `held` where its state is HELD, else `written`
    due_at: float | None = None  # of a batch; None means 0 (now) if the state changes
    tries: int | None = None
    generation: int | None = None
    counts: Counts | None = None
    groups: tuple[FindingGroup, ...] | None = (
        None  # replaces the submission's; found values and examples stay out
    )
    papers: tuple[
        Paper, ...
    ] = ()  # added to the submission's, by path; a batch's papers go to its submission
    told_at: float | None = (
        None  # with `told`: the `updated_at` that was told; with another event: it was told too
    )
    attempt: Attempt | None = None  # inserted, or replaces the one of this number; a phase never goes back

    awaited: bool | None = None  # of a batch: whether an answer of impact.com is awaited from here on
    answer: Answer | None = None  # what one said about the batch; kept beside it
    acknowledgement: Acknowledgement | None = None  # with `fetched`; its `state` is not looked at

    def __post_init__(self) -> None:
        if not self.subject or not self.event or "\n" in self.subject + self.event:
            raise ValueError("a transition needs a subject and an event, each on one line")
        wrong = [name for name in _ONLY[self.kind] if getattr(self, name) not in (None, ())]
        if wrong:
            raise ValueError(f"a transition of a {self.kind} cannot have {', '.join(wrong)}")
        self._check_subject()
        for path in (*(batch.path for batch in self.new_batches), *(paper.path for paper in self.papers)):
            _check_relative(path)

    def _check_subject(self) -> None:
        named = [batch.submission for batch in self.new_batches]
        if self.new_submission is not None:
            named.append(self.new_submission.id)
        if self.attempt is not None:
            named.append(self.attempt.batch)
        if self.answer is not None:
            named.append(self.answer.batch)
        if self.acknowledgement is not None:
            named.append(self.acknowledgement.id)
        if any(name != self.subject for name in named):
            raise ValueError(f"a transition of {self.subject} cannot bring along what belongs to another")


def _check_relative(path: str) -> None:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts:
        raise ValueError(f"{path!r} is not a path relative to the state folder")
