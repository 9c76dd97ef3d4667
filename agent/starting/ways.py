"""In which other ways a file may be read, told from the reason for which a reader refused it."""

from __future__ import annotations

import codecs
import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

from agent.errors import RefusedFile
from agent.readers.archive import unpacked
from agent.readers.delimiter import DELIMITERS
from agent.readers.xmlrecords import Records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.readers.base import Reading

_LARGEST = 64 * 2**20  # bytes of a JSON document that is searched for lists
_DEEPEST = 4  # names down to a list of records
_SHEETS = 20
_ROWS = 11  # of a sheet, or lines, tried as its header
ENCODINGS = ("utf-8", "cp1252", "cp932", "gb18030")  # in the order in which they are tried
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HINT = "sep="


def other_ways(stream: BinaryIO, way: Reading, refused: RefusedFile) -> Iterator[Reading]:
    """Yield ways to read a file that was refused, none of them twice changed in the same setting."""
    codes = {finding.code for finding in refused.findings}
    if "E-ENC" in codes:
        yield from _encodings(stream, way)
    if "E-DELIM" in codes and way.delimiter == "auto":
        yield from _delimiters(way, refused)
    if "E-SHAPE" in codes and not way.records:
        for path in _places(stream):
            yield replace(way, records=path)
    yield from _sheets(way, codes)


def _encodings(stream: BinaryIO, way: Reading) -> Iterator[Reading]:
    """Yield the next one to be tried; a plainer one that reads every byte is never left for it."""
    stream.seek(0)
    if way.encoding == ("utf-8",) and stream.read(2) in _WIDE:
        yield replace(way, encoding=("utf-16",))
        return
    following = dict(pairwise(ENCODINGS)).get(way.encoding[0])
    if following:
        yield replace(way, encoding=(following,))


def _delimiters(way: Reading, refused: RefusedFile) -> Iterator[Reading]:
    if way.header_row:
        return
    if not any(_HINT in finding.words for finding in refused.findings):
        for delimiter in DELIMITERS:
            yield replace(way, delimiter=delimiter)
    for row in range(2, _ROWS + 1):
        yield replace(way, header_row=row)


def _sheets(way: Reading, codes: set[str]) -> Iterator[Reading]:
    if "E-SHEET" in codes and not way.sheet:
        for number in range(1, _SHEETS + 1):
            yield replace(way, sheet=str(number))
    if codes & {"E-HDREMPTY", "E-HDRDUP"} and not way.header_row:
        for row in range(2, _ROWS + 1):
            yield replace(way, header_row=row)


def _places(stream: BinaryIO) -> Iterator[str]:
    """Find where lists of records may be in a document."""
    plain = unpacked(stream)
    plain.seek(0)
    text = plain.read(_LARGEST)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        yield from _elements(plain)
    else:
        yield from _lists(document, ())


def _lists(value: object, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, list) and path and any(isinstance(one, dict) for one in value):
        yield ".".join(path)
    if isinstance(value, dict) and len(path) < _DEEPEST:
        for name, inner in value.items():
            yield from _lists(inner, (*path, name))


def _elements(plain: BinaryIO) -> Iterator[str]:
    records = Records(("",))  # no element has no name, so each is passed and its path noted
    try:
        for _ in records.through(plain):
            pass
    except RefusedFile:
        return
    yield from (path for path in records.seen if "." in path)
