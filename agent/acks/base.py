"""What a source of acknowledgements promises, and what an answer says once it is read.

A source is one module in this folder with two names: `Options` (an `AckOptions` with the source's own fields
and a `type` literal) and `Source`. It is found by its module name. A source only fetches; what the bytes say
`reading.read` tells, without knowing where they came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Kind = Literal["file", "mail"]


class Stage(StrEnum):
    """How far an answer says a batch has come."""

    TAKEN = "taken"  # received, queued or in progress
    PROCESSED = "processed"  # done, and the answer tells how many rows were refused
    BOUNCED = "bounced"  # our mail could not be delivered
    DELAYED = "delayed"  # our mail is not delivered yet; the mail server goes on trying
    UNCLEAR = "unclear"  # a person must read it


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer as it was found: a file, or a whole mail."""

    key: str  # unique and stable at this source, also after a restart
    name: str  # the file's name, or the mail's subject; printable
    content: bytes  # verbatim: the file, or the whole RFC 5322 message
    written_at: float | None  # UTC epoch seconds, as the source says


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that impact.com did not take, as its answer names it. Holds order numbers: never for a log."""

    line: int | None  # in the batch file as the far side counts
    order: str
    sku: str
    code: str  # such as ACTION_REF_NOT_FOUND; any code may come, several are parted by a space
    status: str  # "Validation", "Contract Error" or ""
    words: str  # text as received, where it is more than the code


@dataclass(frozen=True, slots=True)
class Answer:
    """What one answer says about one batch.

    `names` may lead to several batches when an answer contradicts itself: its file's name speaks of one, its
    text of another. Who matches must not choose then.
    """

    stage: Stage
    names: tuple[str, ...] = ()  # file names it speaks of, the answer's own without receipt_ or result_
    message_ids: tuple[str, ...] = ()  # of mails it answers, with their angle brackets
    records: int | None = None
    refused: int | None = None  # the true number, also where `refusals` names fewer; PROCESSED always has it
    refusals: tuple[Refusal, ...] = ()  # at most 100,000
    remark: str = ""  # plain words: how it was understood, or why not; no row contents


class Source(Protocol):
    """One configured place where answers are found; used by one thread only."""

    kind: Kind

    def fetch(self, known: Callable[[str], bool]) -> Iterator[Fetched]:
        """Yield what is new, oldest first; it may be left early without harm, and comes again until it is known.

        One answer that cannot be had keeps back no other: it is told by the error raised after the last.

        Raises:
            Transient: the source cannot be asked now, or what is new could not be fetched.
            Permanent: a person must change something.
        """

    def kept(self, fetched: Fetched) -> None:
        """Tidy up at the source, where settings say so: the answer is safe on our disk and in the ledger.

        Raises:
            ChannelError: it could not be tidied; it is tried again with the next `fetch`.
        """

    def close(self) -> None:
        """Let go of the connection; never raises, safe to call twice."""
