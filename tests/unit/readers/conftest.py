from __future__ import annotations

import io
from dataclasses import dataclass, field

import pytest

from agent.errors import RefusedFile
from agent.readers import base, open_source
from agent.readers.delimited import open_delimited


@dataclass
class Reading:
    """All that reading a file gave."""

    columns: tuple[str, ...] = ()
    records: list[list[str]] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)  # number and line of each sound record
    damaged: list[tuple[int, int, list[str], str]] = field(default_factory=list)  # the fault by its code
    words: list[str] = field(default_factory=list)  # of each damaged record's fault
    notes: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)  # code and place
    findings: tuple = ()
    source: object = None


def _read(content, *, encoding=("utf-8",), delimiter="auto", canonical=None, header_row=0):
    reading = Reading()

    def damaged(number, line, cells, fault):
        reading.damaged.append((number, line, cells, fault.code))
        reading.words.append(fault.words)

    try:
        source = open_delimited(
            io.BytesIO(content) if isinstance(content, bytes) else content,
            encoding=encoding,
            delimiter=delimiter,
            canonical=canonical,
            damaged=damaged,
            header_row=header_row,
        )
        reading.source, reading.columns = source, source.columns
        reading.notes = {note.code: note.words for note in source.notes}
        for cells in source:
            reading.records.append(list(cells))
            reading.places.append((source.number, source.line))
    except RefusedFile as refused:
        reading.findings = refused.findings
        reading.refused = [(finding.code, finding.place) for finding in refused.findings]
    return reading


@pytest.fixture
def read():
    """Read bytes (or a stream) as delimited text and tell all that came of it."""
    return _read


@dataclass
class Opened:
    """All that opening a file of any format gave; places are in words."""

    columns: tuple[str, ...] = ()
    records: list[list[str]] = field(default_factory=list)
    places: list[tuple[int, str]] = field(default_factory=list)
    damaged: list[tuple[int, str, str, str]] = field(default_factory=list)  # number, place, code, column
    remarked: list[tuple[int, str, str, str]] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)  # code and place
    words: list[str] = field(default_factory=list)  # of refusals, then of damaged records
    mends: list[str] = field(default_factory=list)


def _open_any(content, *, used=None, identifiers=(), filled=(), **reading):
    opened = Opened()

    def noting(where):
        def note(number, line, *rest):
            fault = rest[-1]
            where.append((number, source.place(line, fault.field), fault.code, fault.field))
            opened.words.append(fault.words)
            opened.mends.append(fault.mend)

        return note

    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        listener = base.Listener(noting(opened.damaged), noting(opened.remarked))
        source = open_source(stream, base.Reading(**reading), listener)
        opened.columns = source.columns
        source.attend(used, frozenset(identifiers), frozenset(filled))
        for cells in source:
            opened.records.append(list(cells))
            opened.places.append((source.number, source.place(source.line)))
        opened.notes = {note.code: note.words for note in source.notes}
    except RefusedFile as refused:
        opened.refused = [(finding.code, finding.place) for finding in refused.findings]
        opened.words = [finding.words for finding in refused.findings]
        opened.mends = [finding.mend for finding in refused.findings]
    return opened


@pytest.fixture
def open_any():
    """Read bytes (or a stream) of any format, as a feed with these settings would."""
    return _open_any
