"""The shape of the settings: frozen models, every field with its meaning and its safe default.

Texts stay text (the loader hands every scalar over as written); the types in `forms.py` do the reading.
Nothing here opens a file except through `Secret`, which the secrets module resolves. The comment behind a
field is what people read about it: the JSON Schema takes it over.
"""

from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from agent.model import Change, Level  # noqa: TC001 - pydantic reads annotations at run time
from agent.settings.forms import (
    Address,
    Bytes,
    Codecs,
    Count,
    Currency,
    Delimiter,
    Ending,
    Extension,
    FilePattern,
    Format,
    Limit,
    Listen,
    Name,
    Rows,
    Seconds,
    Share,
    TemplateName,
    Term,
    User,
    Wildcards,
    listening,
)
from agent.settings.frozen import Model
from agent.settings.written import Dates, FixedColumn, Numbers

__all__ = [
    "AckOptions",
    "BadRows",
    "Bytes",
    "Dates",
    "Destination",
    "Feed",
    "FixedColumn",
    "Limits",
    "Model",
    "Monitor",
    "Name",
    "Numbers",
    "Retries",
    "Seconds",
    "Secret",
    "Settings",
    "Share",
    "Term",
    "WayOptions",
]


class Secret(Model):
    """Where a secret is kept; exactly one of the three. Never the secret itself."""

    credential: str | None = None  # a systemd credential: $CREDENTIALS_DIRECTORY/NAME
    file: Path | None = None  # a file only its owner may read; relative: to the folder of agent.yaml
    env: str | None = None  # an environment variable


class BadRows(Model):
    """What to do when some orders of a file are bad."""

    policy: Literal["split", "hold", "refuse-file"] = "split"  # split: the good go, the bad come back
    at_most: Share = 0.10  # split: above this share of bad orders nothing is sent


class Feed(Model):
    """One drop folder with everything that belongs to it (feeds/NAME.yaml)."""

    name: Name  # also the name of its folder below `drop`
    pattern: Wildcards = ("*",)  # file names taken (shell wildcards); one or several
    level: Level  # which columns its batches have
    template: TemplateName  # a file in templates/ beside agent.yaml, or one of the shipped ones
    variables: dict[str, str] = Field(default_factory=dict)  # what the template finds as feed.NAME
    tables: dict[str, TemplateName] = Field(
        default_factory=dict
    )  # for lookup: name → .csv or .yaml in templates/
    destination: Name  # one of those in agent.yaml
    reasons: dict[str, str] = Field(default_factory=dict)  # source text → code; key "default" for the rest
    codes: dict[str, Change | None] = Field(
        default_factory=dict
    )  # the event type's own; a list is understood
    bad_rows: BadRows = BadRows()  # what to do when some orders of a file are bad
    archive: Literal["one", "each"] = "one"  # of a .zip: it holds one file; or each in it is for itself
    owners: tuple[User, ...] = ()  # users, by name or number, whose files are taken; none: anybody's
    world_writable: Literal["take", "refuse"] = "take"  # files that everybody on the machine may write to
    settle: Seconds = 10.0  # a file is finished when it has been still for so long
    ready_marker: Ending = ""  # e.g. ".done": FILE is finished when FILE.done is there
    format: Format = "auto"  # by content; or csv, xlsx, xls, xlsb, ods, xml2003, json, ndjson, xml, fixed
    sheet: str = ""  # of a workbook, by name or number; needed where several have anything in them
    header_row: Count = (
        0  # of text or a sheet, from 1; 0: the first line, or row not empty. fixed: lines left out at the top
    )
    hidden_rows: Literal["refuse", "read", "skip"] = "refuse"  # of a sheet: their records
    totals: Literal["refuse", "skip"] = "refuse"  # a last record of a word for a total, numbers and gaps
    records: str = ""  # where the records of a JSON or XML file are: names parted by dots, e.g. result.orders
    lists: tuple[str, ...] = ()  # columns of an XML file that hold several values, though a file may have one
    columns: tuple[FixedColumn, ...] = ()  # format: fixed
    personal: tuple[
        str, ...
    ] = ()  # batch columns that may hold e-mail addresses and what looks like card numbers
    id_lengths: dict[str, Rows] = Field(default_factory=dict)  # source column → characters its ids must have
    encoding: Codecs = ("utf-8",)  # one or several, tried in order over the whole file
    delimiter: Delimiter = "auto"  # between cells: auto, comma, semicolon, tab, pipe or the sign itself
    headers: Literal["as-written", "impact"] = "as-written"  # impact: any spelling of impact.com's columns
    fill_down: tuple[str, ...] = ()  # columns that, all blank, stand as in the record before
    numbers: Numbers = Numbers()  # how numbers are written in the source
    dates: Dates = Dates()  # how dates are written in the source
    currency: Currency = ""  # the account's currency (ISO 4217); sets the decimals where a row names none
    max_amount: Limit = Decimal("999999.99")  # Decimal(8,2), the size on the reference pages
    max_rows: Rows = 100_000  # rows of one batch; impact.com states no limit
    identifiers: Literal["repeat", "once"] = "repeat"  # once: on the first row of an order only
    layout: str = ""  # a text template over the checked rows, for another form than CSV
    extension: Extension = "csv"  # of the batch's file name; csv or xml are what impact.com takes
    max_size: Bytes = 2 * 2**30  # largest file taken
    allow_duplicates: bool = False  # take the same bytes again without asking a person
    sent_before: Literal["leave-out", "send", "refuse"] = (
        "leave-out"  # orders sent before with the same values
    )
    notify: tuple[Address, ...] = Field(default=(), max_length=20)  # who drops files here and is told
    tell_success: bool = False  # tell them of files that end well, too

    @model_validator(mode="after")
    def _fixed_has_columns(self) -> Self:
        if (self.format == "fixed") != bool(self.columns):
            raise ValueError(
                "has `columns:` without `format: fixed`, or the other way round; they go together"
            )
        return self

    @model_validator(mode="after")
    def _takes_what_is_inside(self) -> Self:
        if self.archive == "each" and all(one.lower().endswith(".zip") for one in self.pattern):
            words = "has `archive: each`, and its pattern takes none of the files inside; add theirs,"
            raise ValueError(f'{words} such as ["*.zip", "*.csv"]')
        return self


class Retries(Model):
    """When a deferred batch is tried again: first, then doubling up to `at_most`, each jittered."""

    first: Seconds = 30.0  # before the first retry
    at_most: Seconds = 900.0  # between two retries
    hold_after: Seconds = 86400.0  # with no success for so long a person is asked (the batch is held)


class Destination(Model):
    """What every destination has, whatever its channel; a channel module adds its own fields."""

    type: str  # how batches travel
    in_doubt: Literal["hold", "resend", "assume-sent"] = "hold"  # when nobody can tell if a batch arrived
    file_pattern: FilePattern = ""  # impact.com's pattern for this connection: * any run, ? one character
    max_rows: Rows | None = None  # rows of one batch, where it takes fewer than the feed allows
    max_size: Bytes | None = None  # bytes of one batch file, where it takes no larger ones
    retries: Retries = Retries()  # when a deferred batch is tried again


class AckOptions(Model):
    """What every source of acknowledgements has; a module in agent/acks adds its own fields."""

    model_config = ConfigDict(populate_by_name=True)

    type: str  # where answers are found
    destinations: tuple[Name, ...] = Field(default=(), alias="for")  # whose answers come here; none: all
    poll: Seconds = Field(default=60.0, gt=0)  # between two looks
    taken_within: Term = 3600.0  # a batch not taken for so long after it was sent is overdue; or none
    processed_within: Term = 26 * 3600.0  # and one not processed for so long; or none

    @property
    def place(self) -> str:
        """What names this source for good, in the ledger and the log: where it is, whatever else is set."""
        return self.type

    def covers(self, destination: str) -> bool:
        """Whether answers to what this destination gets come here."""
        return not self.destinations or destination in self.destinations


class WayOptions(Model):
    """What every way to tell people has; a module in agent/ways adds its own fields."""

    type: str  # how notices travel
    name: Name = ""  # needed where there are several ways of one type
    tells: Literal["both", "files", "faults"] = "both"  # files: that need a person; faults: for operators
    wait: Seconds = 300.0  # what happens within so long comes in one notice
    repeat: Seconds = Field(default=86400.0, gt=0)  # a fault that lasts is told again after so long

    @property
    def place(self) -> str:
        """What names this way for good, in the ledger and the log."""
        return self.name or self.type

    def addressees(self, feed: Feed | None) -> tuple[str, ...] | None:  # noqa: ARG002 - others look at the feed
        """Return who is told of a feed's files (None: of faults); None where nobody is."""
        return ()

    @property
    def with_report(self) -> bool:
        """Whether the report of a file goes along."""
        return False


class Limits(Model):
    """What the preparing process may use."""

    memory: Bytes = 512 * 2**20  # address space of the process
    processor_time: Seconds = 600.0  # CPU time for one file
    time: Seconds = 1800.0  # for one file, by the clock
    output: Bytes = 4 * 2**30  # written for one file


class Monitor(Model):
    """Where metrics and health can be asked for over HTTP. Whoever reaches it may ask."""

    listen: Listen  # address and port, e.g. 127.0.0.1:9187
    allow_any_address: bool = False  # also one that others than this machine can reach

    @model_validator(mode="after")
    def _at_home(self) -> Self:
        if not (self.allow_any_address or ip_address(listening(self.listen)[0]).is_loopback):
            words = "can be reached from other machines; write 127.0.0.1, or add allow_any_address: true"
            raise ValueError(words)
        return self


class Settings(Model):
    """agent.yaml with its feeds, all checked against each other."""

    version: Literal[1] = 1  # of the form these settings have
    drop: Path  # one folder per feed below it; relative: to the folder of agent.yaml
    state: Path  # ledger, spool, archive; relative: to the folder of agent.yaml
    scan: Seconds = 5.0  # between two looks into the drop folders
    destinations: dict[Name, Destination]  # where batches go, by a name that feeds use
    acknowledgements: tuple[AckOptions, ...] = ()  # where answers are found; none: nobody asks for any
    notices: tuple[WayOptions, ...] = ()  # how people are told what needs them; none: by folders and log only
    feeds: dict[Name, Feed] = Field(default_factory=dict)  # from feeds/*.yaml, never from agent.yaml
    monitor: Monitor | None = None  # where metrics and health can be asked for; off unless set
    limits: Limits = Limits()  # of the preparing process
    folder: Path = Path()  # where agent.yaml is; set by the loader
    digest: str = ""  # SHA-256 over all settings files read; set by the loader
    # Templates by name, as they were when these settings were found usable; those not here are read when needed.
    texts: dict[str, str] = Field(default_factory=dict, repr=False)

    def awaits(self, destination: str) -> bool:
        """Whether an answer of impact.com is awaited to what a destination gets."""
        return any(source.covers(destination) for source in self.acknowledgements)
