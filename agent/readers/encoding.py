"""Which encoding a whole file is in, and what one pass over its bytes tells about its text.

The declared encodings are tried in order, each over the whole file; the first that reads every byte wins. A
byte order mark settles the order, never the permission: a marked file whose encoding is not declared is
refused. Memory stays flat whatever the file holds: blocks are looked at and forgotten.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from agent.model import Fault
from agent.readers.base import refusal
from agent.readers.blocks import (
    LINE_CAP,
    Scan,
    UnfitError,
    line_ends_outside_quotes,
    line_of,
    scan_blocks,
    utf8_blocks,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.errors import RefusedFile

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ("utf-16", "utf-32")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the bytes of one file become text."""

    codec: str  # Python's name, with the byte order where there is one
    mark: bytes  # the byte order mark at the start, or nothing
    lone_cr: bool  # a carriage return without a line feed stands in the file
    notes: tuple[Fault, ...]


def find_encoding(
    stream: BinaryIO, head: bytes, declared: tuple[str, ...], *, lines: bool = True
) -> Encoding:
    """Find the declared encoding that reads the whole stream; `head` is its beginning.

    Without `lines` the text has no need of them, so one may be as long as the file.

    Raises:
        RefusedFile: E-ENC, E-NUL or E-LINELEN, with the line.

    """
    wanted = tuple(codecs.lookup(name).name.removesuffix("-sig") for name in declared)
    mark, marked = next(((mark, codec) for mark, codec in _MARKS if head.startswith(mark)), (b"", ""))
    if marked:
        _refuse_undeclared(marked, wanted)
        return _first_fit(stream, mark, (marked,), lines=lines)
    _refuse_unmarked_wide(head, wanted)
    return _first_fit(stream, mark, tuple(name for name in wanted if name not in _WIDE), lines=lines)


def _family(codec: str) -> str:
    return codec.removesuffix("-le").removesuffix("-be")


def _refuse_undeclared(marked: str, wanted: tuple[str, ...]) -> None:
    if marked in wanted or _family(marked) in wanted:
        return
    raise refusal(
        "E-ENC",
        f"the file's first bytes mark it as {_family(marked)}, but the feed declares {', '.join(wanted)}",
        f"save the file as {wanted[0]}, or declare `encoding: {_family(marked)}` in the feed",
    )


def _refuse_unmarked_wide(head: bytes, wanted: tuple[str, ...]) -> None:
    """Refuse UTF-16 without its mark: every second byte of ordinary text is NUL then."""
    explicit = any(name.startswith(_WIDE) and name not in _WIDE for name in wanted)
    few, many = sorted((head[0::2].count(0), head[1::2].count(0)))
    if not explicit and few * 20 < len(head) < many * 4:
        raise refusal(
            "E-ENC",
            "the file looks like UTF-16 without a byte order mark: nothing says how its bytes are ordered",
            "save the file as “CSV UTF-8”",
        )
    if all(name in _WIDE for name in wanted):
        raise refusal(
            "E-ENC",
            f"the feed declares {wanted[0]}, but the file does not begin with a byte order mark",
            f"save the file as {wanted[0]} with its mark, or declare the encoding that it is in",
        )


def _first_fit(stream: BinaryIO, mark: bytes, candidates: tuple[str, ...], *, lines: bool) -> Encoding:
    failures: list[UnfitError] = []
    for codec in candidates:
        try:
            scan = scan_blocks(utf8_blocks(stream, len(mark), codec), LINE_CAP if lines else None)
        except UnfitError as unfit:
            unfit.find_line(stream, len(mark), codec)
            failures.append(unfit)
            continue
        notes = (
            *_mark_note(mark, codec),
            *_fallback_note(codec, failures),
            *_notes(scan, stream, len(mark), codec),
        )
        return Encoding(codec, mark, "CR" in scan.line_ends, notes)
    raise _none_fits(candidates, failures)


def _none_fits(candidates: tuple[str, ...], failures: list[UnfitError]) -> RefusedFile:
    """Name what stands in the way; a NUL or an endless line weighs more than a letter out of place."""
    worst = next((unfit for unfit in reversed(failures) if unfit.code != "E-ENC"), failures[0])
    mend = {
        "E-NUL": "the export is damaged or no text; export it again",
        "E-LINELEN": "the file has no line ends where records should end, or is no table; export it again",
        "E-ENC": f"save the file as {candidates[0]}, or declare in the feed every encoding it may be in, "
        "for instance `encoding: [utf-8, cp1252]`",
    }[worst.code]
    return refusal(worst.code, worst.words, mend, line=worst.line)


def _mark_note(mark: bytes, codec: str) -> Iterator[Fault]:
    if mark:
        yield Fault("N-BOM", f"the byte order mark of {codec} at the start of the file was left out")


def _fallback_note(codec: str, failures: list[UnfitError]) -> Iterator[Fault]:
    if failures:
        first = failures[0]
        yield Fault(
            "N-ENC",
            f"read as {codec}, the next encoding the feed declares: {first.words} (line {first.line})",
        )


def _notes(scan: Scan, stream: BinaryIO, start: int, codec: str) -> Iterator[Fault]:
    if scan.line_ends == {"CR"}:
        yield Fault("N-NEWLINE", "the lines end in a carriage return alone, as on very old computers")
    elif len(scan.line_ends) > 1:
        kinds = line_ends_outside_quotes(utf8_blocks(stream, start, codec))
        if len(kinds) > 1:
            yield Fault("N-NEWLINE", f"the lines end in different ways: {', '.join(sorted(kinds))}")
    if scan.mojibake >= 0:
        line = line_of(utf8_blocks(stream, start, codec), scan.mojibake)
        yield Fault(
            "W-MOJIBAKE",
            f"text on line {line} looks as if it had once been read in the wrong encoding (Ã© in place of é)",
            "look at names and descriptions in the file, and export it again if they are wrong",
        )
