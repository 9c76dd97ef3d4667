"""One pass over a whole file in blocks: whether every byte belongs to the encoding, and what ends the lines.

This is what makes the reading behind it safe: no NUL, no undecodable byte, no line longer than `LINE_CAP`
comes after it. It must run at the speed of memory, so each block gets a few searches and no look at single
characters.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BLOCK = 65_536  # bytes read at a time; in UTF-8 no block may become longer than LINE_CAP
LINE_CAP = 1_048_576  # bytes of one line, in UTF-8

_CLOSELY_FIRST, _CLOSELY_EVERY = 16, 8  # blocks in which a lone LF among CRLF is looked for
_LONE_CR = re.compile(rb"\r(?!\n)")
# UTF-8 that was once read as Windows-1252 or Latin-1 and written as UTF-8 again: é has become Ã©.
_MOJIBAKE = re.compile(rb"\xc3[\x82\x83]\xc2[\x80-\xbf]|\xc3\xa2\xe2\x82\xac")


class UnfitError(Exception):
    """The bytes are not what one encoding says they are; `code` and `words` say why, `line` where."""

    def __init__(self, code: str, words: str, *, offset: int = -1, place: int = -1) -> None:
        self.code, self.words, self.line = code, words, 0
        self._offset = offset  # in the bytes of the file
        self._place = place  # in the bytes of its text as UTF-8, mark not counted
        super().__init__(words)

    def find_line(self, stream: BinaryIO, start: int, codec: str) -> None:
        """Set `line`, which costs a second look at what comes before."""
        if self._offset >= 0:
            self.line = line_of(utf8_blocks(stream, start, codec, end=self._offset))
        else:
            self.line = line_of(utf8_blocks(stream, start, codec), self._place)


@dataclass(slots=True)
class Scan:
    """What was seen in a whole file."""

    line_ends: set[str] = field(default_factory=set)  # of "CR", "LF", "CRLF"; also those inside quotes
    mojibake: int = -1  # where it begins, in the bytes of the text as UTF-8; -1: nowhere


def utf8_blocks(stream: BinaryIO, start: int, codec: str, end: int | None = None) -> Iterator[bytes]:
    """Yield the file's text from byte `start` (up to byte `end`) as UTF-8, in blocks of less than 1 MiB.

    Raises:
        UnfitError: E-ENC, a byte does not belong to the encoding.

    """
    decoder = codecs.getincrementaldecoder(codec)("strict")
    is_utf8, pending, place = codec == "utf-8", b"", start
    stream.seek(start)
    while block := stream.read(BLOCK if end is None else min(BLOCK, end - place)):
        place += len(block)
        if is_utf8 and not pending and block.isascii():
            yield block
            continue
        try:
            text = decoder.decode(block)
        except UnicodeDecodeError as error:
            raise _undecodable(error, place, codec) from None
        pending = decoder.getstate()[0]
        yield block if is_utf8 else text.encode("utf-8")
    try:
        rest = decoder.decode(b"", end is None)
    except UnicodeDecodeError as error:
        raise _undecodable(error, place, codec) from None
    yield b"" if is_utf8 else rest.encode("utf-8")


def _undecodable(error: UnicodeDecodeError, reached: int, codec: str) -> UnfitError:
    offset = reached - len(error.object) + error.start
    return UnfitError(
        "E-ENC", f"byte 0x{error.object[error.start]:02X} at offset {offset} is not {codec}", offset=offset
    )


def scan_blocks(blocks: Iterable[bytes], line_cap: int | None = LINE_CAP) -> Scan:
    """Look once at every block of a text in UTF-8; None lets lines be as long as they like.

    Raises:
        UnfitError: E-NUL or E-LINELEN, or what `blocks` raises.

    """
    scan = Scan()
    place = line_start = 0
    ends_in_cr = False
    for count, block in enumerate(blocks):
        if (nul := block.find(b"\0")) >= 0:
            raise UnfitError("E-NUL", "a NUL byte stands in the file", place=place + nul)
        first, last = block.find(b"\n"), block.rfind(b"\n")
        if ends_in_cr or b"\r" in block:
            closely = count < _CLOSELY_FIRST or count % _CLOSELY_EVERY == 0
            ends_in_cr = _note_line_ends(scan.line_ends, block, after_cr=ends_in_cr, closely=closely)
            first, last = _first_of(first, block.find(b"\r")), max(last, block.rfind(b"\r"))
        elif last >= 0:
            scan.line_ends.add("LF")
        if line_cap and place + (first if first >= 0 else len(block)) - line_start > line_cap:
            raise UnfitError("E-LINELEN", f"the line is longer than {line_cap // 1024} KiB", place=line_start)
        line_start = place + last + 1 if last >= 0 else line_start
        if scan.mojibake < 0 and not block.isascii() and (found := _MOJIBAKE.search(block)):
            scan.mojibake = place + found.start()
        place += len(block)
    return scan


def _first_of(one: int, other: int) -> int:
    """Return the smaller of two places of which either may be -1 for nowhere."""
    return max(one, other) if min(one, other) < 0 else min(one, other)


def _note_line_ends(seen: set[str], block: bytes, *, after_cr: bool, closely: bool) -> bool:
    """Add the kinds of line end in a block to those seen; say whether it ends in a CR whose LF may come.

    A lone CR is always found, since the reading depends on it. Telling LF from CRLF is dear, and for a note.
    """
    if after_cr:
        seen.add("CRLF" if block.startswith(b"\n") else "CR")
    ends_in_cr = block.endswith(b"\r")
    if "CR" not in seen and _LONE_CR.search(block, 0, len(block) - ends_in_cr):
        seen.add("CR")
    if closely and not seen >= {"LF", "CRLF"}:
        pairs = block.count(b"\r\n")
        line_feeds = block.count(b"\n") - (after_cr and block.startswith(b"\n"))
        seen.update(["CRLF"] * (pairs > 0), ["LF"] * (line_feeds > pairs))
    return ends_in_cr


def line_of(blocks: Iterable[bytes], place: int | None = None) -> int:
    """Return the 1-based line on which byte `place` of a text in UTF-8 stands; without one, of its end."""
    line, ends_in_cr, left = 1, False, place
    for whole in blocks:
        block = whole if left is None else whole[:left]
        line += block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")
        line -= ends_in_cr and block.startswith(b"\n")
        ends_in_cr = block.endswith(b"\r") if block else ends_in_cr
        if left is not None:
            left -= len(block)
            if not left:
                break
    return line


def line_ends_outside_quotes(blocks: Iterable[bytes]) -> set[str]:
    """Return the kinds of line end that end records; a line end inside a quoted cell does not count.

    A lone quote inside an unquoted cell (5" pipe) turns inside and outside about: good for a note only.
    """
    seen: set[str] = set()
    inside = ends_in_cr = False
    for block in blocks:
        pieces = block.split(b'"')
        outside = b'"'.join(pieces[inside::2])
        inside ^= len(pieces) % 2 == 0
        ends_in_cr = _note_line_ends(seen, outside + b'"' * inside, after_cr=ends_in_cr, closely=True)
    return seen
