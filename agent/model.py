"""The values that cross rooms: frozen, checked when built, free of disk, network and clock.

Words are those of the glossary in the README. Times are UTC epoch seconds (float). Paths are relative to the
state folder unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"  # the record (or the file) is not sent
    WARNING = "warning"  # sent, but a person should look
    NOTE = "note"  # said for the record


class Change(StrEnum):
    """What one row does to an action."""

    MODIFICATION = "modification"
    REVERSAL = "reversal"
    RESET = "reset"
    APPROVAL = "approval"


class Level(StrEnum):
    """Which columns a batch has. Mobile and reset files are smaller variants (domain page 1.6)."""

    ORDER = "order"
    ITEM = "item"
    MOBILE = "mobile"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one value or one row, before its place in the source is known.

    `found` may hold customer data: it goes to reports only, never to logs or the ledger.
    """

    code: str
    words: str
    mend: str = ""
    found: str = ""
    field: str = ""  # the batch column concerned, canonical spelling; empty when it concerns the row

    def __post_init__(self) -> None:
        if not self.code or not self.words:
            raise ValueError("a fault needs a code and words")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong or remarkable about a file or one of its records, with its place and how to mend it."""

    code: str
    severity: Severity
    words: str
    mend: str = ""
    found: str = ""
    field: str = ""  # column: the source's where one is to blame, else the batch's
    record: int | None = None  # 1-based, header not counted; None: the whole file
    place: str = ""  # "line 7", or sheet and cell

    def __post_init__(self) -> None:
        if not self.code or not self.words:
            raise ValueError("a finding needs a code and words")


@dataclass(frozen=True, slots=True)
class Total:
    """A control total of one batch or submission: rows and amount per currency, reason and change."""

    currency: str  # ISO 4217, or "" where the rows name none and the feed neither
    reason: str
    change: Change
    rows: int
    amount: Decimal | None  # sum of Amount; None where the level has no Amount or no row named one


@dataclass(frozen=True, slots=True)
class Paper:
    """A file kept in the spool or archive for a submission: what it is, where, and its digest."""

    kind: str  # original, batch, findings, rejects, report, receipt
    path: str  # relative to the state folder
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How the records of one file ended; they must balance: records = sent + kept_back + repeated + skipped."""

    records: int = 0
    sent: int = 0  # records of which at least one row is in a batch
    kept_back: int = 0  # records with an error, or held back with their order
    repeated: int = 0  # records whose every row stands in the batch already, from an earlier record
    skipped: int = 0  # records the template passed over
    rows: int = 0  # rows in the batches
    orders: int = 0  # orders seen
    bad_orders: int = 0  # orders kept back

    @property
    def balanced(self) -> bool:
        """Whether every record ended in exactly one way."""
        return self.records == self.sent + self.kept_back + self.repeated + self.skipped


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings of one code and column, counted; `examples` are the first few."""

    code: str
    severity: Severity
    field: str
    count: int
    words: str
    mend: str
    examples: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """One dropped file on its way, as the ledger has it."""

    id: str
    feed: str
    name: str  # the dropped file's name, printable form
    state: str
    reason: str  # why it is where it is, plain words; "" when all is well
    received_at: float
    updated_at: float
    sha256: str  # "" where the file was never read (quarantined by name)
    size: int
    fingerprint: str  # dev:ino:size:mtime_ns of the file taken, a hint only; zeros where it was in an archive
    tries: int = 0  # preparing tries that broke the worker
    generation: int = 0  # goes up each time a person releases it anew
    duplicate_of: str = ""
    told_at: float = 0.0  # when the folder was last told; older than updated_at: owed
    counts: Counts = field(default_factory=Counts)
    concern_at: float = field(default=0.0, compare=False)  # when a batch last had news; kept by the ledger
    archive: str = ""  # the submission of the archive it was inside; "" where it was dropped itself
    member: str = ""  # its name inside that archive with folders, printable form


@dataclass(frozen=True, slots=True)
class Batch:
    """The exact bytes impact.com gets, as the ledger has them."""

    id: str
    submission: str
    destination: str
    number: int  # 1-based within its submission
    name: str  # file name at the other end
    path: str  # bytes, relative to the state folder
    sha256: str
    size: int
    rows: int
    totals: tuple[Total, ...]
    state: str
    reason: str
    due_at: float  # next attempt not before; 0 = now
    tries: int
    created_at: float
    updated_at: float
    sent_at: float = 0.0  # when it was delivered, as far as we know; 0: it was not
    taken_at: float = 0.0  # when impact.com's word came that it has the file
    processed_at: float = 0.0  # when impact.com's word came what became of the rows
    awaited: bool = False  # an answer of impact.com is awaited
    overdue_at: float = 0.0  # when the answer awaited now was found to be overdue; 0: it was not
    refused: int | None = None  # rows that impact.com did not accept; None: it has not said


class Standing(StrEnum):
    """How far an earlier batch went."""

    ARRIVED = "arrived"  # and no row of it is known to be refused, nor its answer overdue
    UNCLEAR = "unclear"  # it was delivered, or may have been, and may not have taken effect
    WAITING = "waiting"  # a person may yet have it sent; or it has arrived, and nobody knows
    COMING = "coming"  # it will be sent


@dataclass(frozen=True, slots=True)
class Precedent:
    """What an earlier batch says of an order, in marks: no contents of rows."""

    said: bytes  # of each item what the batch says, as `agent.preparing.marks` packs it
    level: str
    standing: Standing
    at: float  # when it was delivered, or may have been; when it was made where it was not
    submission: str
    came: float  # when the file of that was received


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Something that came back from impact.com, as the ledger has it; its bytes are kept verbatim."""

    id: str
    source: str  # the name of the source in the settings
    key: str  # what names it at the source, for good
    name: str  # file name, or subject of a mail, printable form
    path: str  # its bytes, relative to the state folder
    sha256: str
    size: int
    fetched_at: float
    updated_at: float
    state: str
    remark: str = ""  # plain words: how it was understood, or why not


@dataclass(frozen=True, slots=True)
class Answer:
    """What one acknowledgement says about one batch."""

    acknowledgement: str
    batch: str
    stage: str  # taken, processed, bounced, delayed or unclear
    at: float  # when it was read
    event: str  # what it did to the batch
    records: int | None  # rows that impact.com counted; None: not said
    refused: int | None  # rows that it did not accept; None: not said
    remark: str
    paper: str = ""  # the list of refused rows, relative to the state folder; "" where there is none
    name: str = ""  # what its acknowledgement is called


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver one batch; its phase says how far it may have got."""

    batch: str
    number: int
    started_at: float
    phase: str  # see agent.states.Phase
    ended_at: float | None = None
    outcome: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One line of the audit: written in the transaction that changed the state."""

    seq: int
    at: float
    actor: str  # "agent", or the person's login
    subject: str  # submission or batch id
    event: str
    before: str
    after: str
    note: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that people are told of by one way, as the ledger has it."""

    way: str
    about: str  # file:SUBMISSION, destination:NAME, …
    words: str
    sign: str  # what of it is news when it changes
    since: float
    owed_at: float = 0.0  # from when on it is to be told; 0: it is not
    told_at: float = 0.0  # when it was last told; 0: never
    told: str = ""  # the sign that was told
    over_at: float = 0.0  # when it was found to be over; 0: it lasts
