"""Everything a report about one submission needs, as frozen values, and the sums that follow from them.

Nothing here decides what it means (verdict.py) or how it looks (report.py). Paths of one host never show:
people see names only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.feedback.wording import added, decimals
from agent.model import Answer, Attempt, Batch, Counts, FindingGroup, Submission, Total
from agent.readers.detected import UNSEEN, Detected
from agent.states import BatchState, doubtful

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal
    from pathlib import Path


class Fate(StrEnum):
    """What became of a batch, for whoever answers for the money."""

    DELIVERED = "Delivered"
    DOUBT = "May have arrived"
    WAITING = "Not sent yet"
    NOT_SENT = "Not sent"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One batch with all its attempts, and what impact.com answered, each oldest first."""

    batch: Batch
    attempts: tuple[Attempt, ...] = ()
    answers: tuple[Answer, ...] = ()
    refusals: tuple[Path, ...] = ()  # absolute: JSON lines, one refused row each

    @property
    def maybe_there(self) -> bool:
        """Whether some attempt may have left the batch at the other end."""
        return bool(doubtful(self.attempts))

    @property
    def fate(self) -> Fate:
        """What became of the batch."""
        match self.batch.state:
            case BatchState.SENT | BatchState.TAKEN | BatchState.PROCESSED:
                return Fate.DELIVERED
            case BatchState.IN_DOUBT:
                return Fate.DOUBT
            case BatchState.FAILED | BatchState.CANCELLED:
                return Fate.DOUBT if self.maybe_there else Fate.NOT_SENT
            case _:
                return Fate.WAITING


@dataclass(frozen=True, slots=True)
class Inside:
    """One file inside an archive; `stands` says how it stands now, where that is asked for: reports do not change."""

    submission: Submission
    stands: str = ""


@dataclass(frozen=True, slots=True)
class Files:
    """Names of what people find in the feed's folder; empty where there is none."""

    folder: str = ""  # below the feed's: "done/…" or "attention/…"
    original: str = ""
    rejects: str = ""
    report: str = ""  # the HTML report, named in the text one
    findings: str = ""  # the list of all findings


@dataclass(frozen=True, slots=True)
class Story:
    """One submission with everything that is told about it."""

    submission: Submission
    deliveries: tuple[Delivery, ...] = ()
    groups: tuple[FindingGroup, ...] = ()
    findings: Path | None = None  # absolute: JSON lines, one Finding each, ordered by record
    files: Files = Files()
    first: Submission | None = None  # of a duplicate: the submission that had the same bytes before
    archive: Submission | None = None  # of a file that was inside one
    inside: tuple[Inside, ...] = ()  # of an archive whose files are submissions of their own
    told_at: float = 0.0  # when this story is told
    zone: tzinfo | None = UTC  # of the times shown beside UTC; None: the machine's own

    @property
    def counts(self) -> Counts:
        """How the records ended."""
        return self.submission.counts

    @property
    def arrived(self) -> tuple[Delivery, ...]:
        """The deliveries that surely reached the other end."""
        return tuple(delivery for delivery in self.deliveries if delivery.fate is Fate.DELIVERED)

    @property
    def asked(self) -> bool:
        """Whether somebody asks impact.com, or has asked, what became of all that was delivered."""
        return all(one.batch.awaited or one.batch.state == BatchState.PROCESSED for one in self.arrived)

    def in_state(self, *states: str) -> tuple[Delivery, ...]:
        """Return the deliveries whose batch is in one of the states."""
        return tuple(delivery for delivery in self.deliveries if delivery.batch.state in states)

    def totals(self, *fates: Fate) -> tuple[Total, ...]:
        """Return the control totals over the batches of these fates (none named: all), ordered."""
        chosen = (delivery.batch for delivery in self.deliveries if not fates or delivery.fate in fates)
        return merged(total for batch in chosen for total in batch.totals)


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of a file, told before anything is sent."""

    feed: str
    name: str
    destination: str
    counts: Counts
    refused: str = ""  # why nothing would be sent; "" when something would
    totals: tuple[Total, ...] = ()
    groups: tuple[FindingGroup, ...] = ()
    findings: Path | None = None  # as in Story
    batches: tuple[tuple[str, int, int], ...] = ()  # name, rows, size in bytes
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()  # the first few as they would be sent
    detected: Detected = UNSEEN  # what the file is read as
    columns: tuple[str, ...] = ()  # of the file
    unused: tuple[str, ...] = ()  # those that the template does not use


@dataclass(frozen=True, slots=True)
class Sum:
    """The totals of one currency with their sums; its amounts are shown with `places` decimals."""

    currency: str
    totals: tuple[Total, ...]
    rows: int
    amount: Decimal | None
    places: int


def merged(totals: Iterable[Total]) -> tuple[Total, ...]:
    """Add up totals of the same currency, reason and change; ordered by these."""
    alike: dict[tuple[str, str, str], list[Total]] = {}
    for total in totals:
        alike.setdefault((total.currency, total.reason, total.change), []).append(total)
    return tuple(
        Total(
            currency=some[0].currency,
            reason=some[0].reason,
            change=some[0].change,
            rows=sum(total.rows for total in some),
            amount=added(total.amount for total in some),
        )
        for _, some in sorted(alike.items())
    )


def by_currency(totals: Iterable[Total]) -> tuple[Sum, ...]:
    """Group merged totals by their currency and sum each; ordered by currency, the unnamed one first."""
    alike: dict[str, list[Total]] = {}
    for total in merged(totals):
        alike.setdefault(total.currency, []).append(total)
    return tuple(
        Sum(
            currency=currency,
            totals=tuple(some),
            rows=sum(total.rows for total in some),
            amount=added(total.amount for total in some),
            places=_places(some),
        )
        for currency, some in alike.items()
    )


def _places(totals: Iterable[Total]) -> int:
    """Return the decimals amounts of one currency are shown with; one decimal alone looks like a slip."""
    places = max(decimals(total.amount) for total in totals)
    return 2 if places == 1 else places
