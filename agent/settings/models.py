"""The shape of the settings: frozen models, every field with its meaning and its safe default.

Texts stay text (the loader hands every scalar over as written); the types in `forms.py` do the reading.
Nothing here opens a file except through `Secret`, which the secrets module resolves. The comment behind a
field is what people read about it: the JSON Schema takes it over.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.model import Change, Level  # noqa: TC001 - pydantic reads annotations at run time
from agent.settings.forms import (
    Bytes,
    Codecs,
    Count,
    Currency,
    DateForms,
    Delimiter,
    Ending,
    Extension,
    FilePattern,
    Format,
    Limit,
    Minuses,
    Name,
    Rows,
    Seconds,
    Share,
    Signs,
    TemplateName,
    Text,
    Wildcards,
)
from agent.settings.presets import (
    DatePreset,
    NumberPreset,
    Zone,
    date_presets,
    filled,
    number_presets,
)

__all__ = [
    "BadRows",
    "Bytes",
    "Dates",
    "Destination",
    "Feed",
    "FixedColumn",
    "Limits",
    "Model",
    "Name",
    "Numbers",
    "Retries",
    "Seconds",
    "Secret",
    "Settings",
    "Share",
]


class Model(BaseModel):
    """Base of all settings: frozen, unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)


class Secret(Model):
    """Where a secret is kept; exactly one of the three. Never the secret itself."""

    credential: str | None = None  # a systemd credential: $CREDENTIALS_DIRECTORY/NAME
    file: Path | None = None  # a file only its owner may read; relative: to the folder of agent.yaml
    env: str | None = None  # an environment variable


class BadRows(Model):
    """What to do when some orders of a file are bad."""

    policy: Literal["split", "hold", "refuse-file"] = "split"  # split: the good go, the bad come back
    at_most: Share = 0.10  # split: above this share of bad orders nothing is sent


class Numbers(Model):
    """How numbers are written in the source. Only what is declared is understood."""

    preset: NumberPreset = ""  # a language or country, e.g. de, en-US; `numbers: de` is short for it
    decimal: Literal[".", ","] = "."  # the sign before the decimals
    thousands: Literal["", ",", ".", " ", "'", "\u2019", "\u00a0", "\u202f"] = ""  # the sign between groups
    currency_signs: Signs = ()  # signs or codes that may stand before or behind, e.g. "€", "EUR"
    negative: Literal["refuse", "absolute"] = "refuse"  # what the amount filter does with a minus sign
    minus: Minuses = ("before",)  # where a minus sign may stand: before, behind (12-), brackets: (12)
    percent: Literal["refuse", "number", "fraction"] = "refuse"  # 12 %: refused, 12 or 0.12
    three_decimals: Literal["refuse", "read"] = "refuse"  # 1.234, which would be 1234 in another country

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, values: object) -> object:
        return filled(values, number_presets())

    @model_validator(mode="after")
    def _two_signs(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("has the same sign for decimals and for thousands; they must differ")
        return self


class Dates(Model):
    """How dates are written in the source. Where two forms read different dates, nothing is guessed."""

    preset: DatePreset = ""  # a language or country, e.g. de, en-US, or iso; `dates: de` is short for it
    formats: DateForms = ("%Y-%m-%d",)  # strptime forms, e.g. "%d.%m.%Y"
    zone: Zone = ""  # of times that name none, e.g. Europe/Berlin; without it they stay without
    not_after: Seconds | None = None  # how far behind the file's coming a date may lie, e.g. 24h; else any
    not_before: Seconds | None = None  # and how long before it, e.g. 88d

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, values: object) -> object:
        return filled(values, date_presets())


class FixedColumn(Model):
    """One column of a file with fixed widths."""

    name: Text  # what templates call it
    start: Rows  # its first character in the line, from 1
    width: Rows  # characters
    trim: Literal["both", "left", "right", "none"] = "both"  # sides on which filling blanks are left out


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
    settle: Seconds = 10.0  # a file is finished when it has been still for so long
    ready_marker: Ending = ""  # e.g. ".done": FILE is finished when FILE.done is there
    format: Format = (
        "auto"  # of its files: auto (by content), csv, xlsx, xls, xlsb, ods, json, ndjson, xml, fixed
    )
    sheet: str = ""  # of a workbook, by name or number; needed where several have anything in them
    header_row: Count = (
        0  # of a sheet, from 1; 0: the first that is not empty. fixed: lines left out at the top
    )
    hidden_rows: Literal["refuse", "read", "skip"] = "refuse"  # of a sheet: their records
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

    @model_validator(mode="after")
    def _fixed_has_columns(self) -> Self:
        if (self.format == "fixed") != bool(self.columns):
            raise ValueError(
                "has `columns:` without `format: fixed`, or the other way round; they go together"
            )
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
    retries: Retries = Retries()  # when a deferred batch is tried again


class Limits(Model):
    """What the preparing process may use."""

    memory: Bytes = 512 * 2**20  # address space of the process
    processor_time: Seconds = 600.0  # CPU time for one file
    time: Seconds = 1800.0  # for one file, by the clock
    output: Bytes = 4 * 2**30  # written for one file


class Settings(Model):
    """agent.yaml with its feeds, all checked against each other."""

    version: Literal[1] = 1  # of the form these settings have
    drop: Path  # one folder per feed below it; relative: to the folder of agent.yaml
    state: Path  # ledger, spool, archive; relative: to the folder of agent.yaml
    scan: Seconds = 5.0  # between two looks into the drop folders
    destinations: dict[Name, Destination]  # where batches go, by a name that feeds use
    feeds: dict[Name, Feed] = Field(default_factory=dict)  # from feeds/*.yaml, never from agent.yaml
    limits: Limits = Limits()  # of the preparing process
    folder: Path = Path()  # where agent.yaml is; set by the loader
    digest: str = ""  # SHA-256 over all settings files read; set by the loader
