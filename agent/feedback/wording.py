"""How single values are written for people: numbers, amounts, sizes, times, and text nobody vouches for.

Pure. Whatever comes in, something readable goes out: a report must not fail because of what it reports about.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, tzinfo
from decimal import Context, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WIDTH = 100  # columns of everything that is plain text
PROSE = 2000  # characters of a sentence at most
VALUE = 160  # characters of a found value at most

_SIGNS = {"\0": "[NUL]", "\t": "[TAB]", "\n": "[LF]", "\r": "[CR]", "\x1b": "[ESC]", "\u00a0": "[NBSP]"}
_DIGITS = 40  # an amount with more is not written out
_EXACT = Context(prec=60, traps=[])  # sums of amounts; wide enough to be exact, and it never raises


def number(value: int) -> str:
    """Write a whole number with its thousands parted: 9,139."""
    return f"{value:,}"


def count(value: int, one: str, several: str = "") -> str:
    """Write a number with its noun: 1 row, 3 rows."""
    return f"{number(value)} {one if value == 1 else several or one + 's'}"


def amount(value: Decimal | None, places: int = 0) -> str:
    """Write an amount exactly, with `places` decimals at least; a dash where there is none."""
    if value is None:
        return "—"
    if not _writable(value):
        return str(value)
    return f"{value:,.{max(decimals(value), places)}f}"


def decimals(value: Decimal | None) -> int:
    """Return how many decimals an amount is written with."""
    return max(-int(value.as_tuple().exponent), 0) if value is not None and _writable(value) else 0


def _writable(value: Decimal) -> bool:
    return value.is_finite() and abs(value.adjusted()) <= _DIGITS and len(value.as_tuple().digits) <= _DIGITS


def added(values: Iterable[Decimal | None]) -> Decimal | None:
    """Add amounts exactly; None where none of them is there."""
    total: Decimal | None = None
    for value in values:
        if value is not None:
            total = value if total is None else _EXACT.add(total, value)
    return total


def size(value: int) -> str:
    """Write a number of bytes: 512 bytes, 1.2 MB."""
    if value < 1000:  # noqa: PLR2004 - below a kilobyte bytes are told
        return count(value, "byte")
    scaled = float(value)
    for unit in ("kB", "MB", "GB"):
        scaled /= 1000
        if scaled < 999.95:  # noqa: PLR2004 - what would be written as 1000.0 belongs to the next unit
            return f"{scaled:.1f} {unit}"
    return f"{scaled / 1000:,.1f} TB"


def when(at: float, zone: tzinfo | None) -> str:
    """Write a time (UTC epoch seconds) in `zone` and in UTC; zone None is the machine's own, 0 is a dash."""
    if at == 0:
        return "—"
    try:
        universal = datetime.fromtimestamp(at, UTC)
        local = universal.astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return "an unknown time"
    if not local.utcoffset():
        return f"{universal:%Y-%m-%d %H:%M:%S} UTC"
    there = f"{universal:%H:%M:%S}" if universal.date() == local.date() else f"{universal:%Y-%m-%d %H:%M:%S}"
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()} ({there} UTC)"


def moment(at: float, zone: tzinfo | None) -> str:
    """Write a time (UTC epoch seconds) in `zone` to the minute, for tables."""
    return _written(at, zone, "%Y-%m-%d %H:%M %Z")


def second(at: float, zone: tzinfo | None) -> str:
    """Write a time (UTC epoch seconds) in `zone` to the second, for tables."""
    return _written(at, zone, "%Y-%m-%d %H:%M:%S %Z")


def _written(at: float, zone: tzinfo | None, form: str) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).astimezone(zone).strftime(form) if at else "—"
    except (OverflowError, ValueError, OSError):
        return "an unknown time"


def machine_time(at: float) -> str:
    """Write a time (UTC epoch seconds) as ISO 8601; empty where there is none."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
    except (OverflowError, ValueError, OSError):
        return ""


def visible(text: str) -> str:
    """Make control, format and other unprintable characters visible; the rest stays as it is."""
    return text if text.isprintable() else "".join(map(_picture, text))


def _picture(character: str) -> str:
    if character.isprintable():
        return character
    return _SIGNS.get(character) or f"[U+{ord(character):04X}]"


def prose(text: str) -> str:
    """Write a sentence of unknown origin: visible, and not without end."""
    return visible(text if len(text) <= PROSE else text[:PROSE] + "…")


def value(text: str) -> str:
    """Write a value as found in a file: visible, spaces at its ends shown, cut with its full length named."""
    head = text[:VALUE]
    bare = head.strip(" ")
    start = len(head) - len(head.lstrip(" ")) if bare else len(head)
    shown = _spaces(start) + visible(bare) + _spaces(len(head) - start - len(bare))
    return shown if len(text) <= VALUE else f"{shown}… ({number(len(text))} characters)"


def _spaces(how_many: int) -> str:
    return "" if how_many == 0 else "[space]" if how_many == 1 else f"[{how_many} spaces]"


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_columns_of, text))


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fold(text: str, width: int = WIDTH) -> Iterator[str]:
    """Break a text into lines of at most `width` columns, between words where it can."""
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if columns(joined) <= width:
            line = joined
            continue
        if line:
            yield line
        *full, line = _chopped(word, width)
        yield from full
    yield line


def _chopped(word: str, width: int) -> Iterator[str]:
    piece, used = "", 0
    for character in word:
        wide = _columns_of(character)
        if used + wide > width:
            yield piece
            piece, used = "", 0
        piece, used = piece + character, used + wide
    yield piece


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = (), width: int | None = WIDTH) -> list[str]:
    """Set rows of cells (the first is the header) into aligned lines; cells too wide are folded.

    Args:
        rows: cells, as many in each row; must not hold line breaks.
        right: the columns set flush right.
        width: columns of a terminal for a whole line; None: as wide as it gets.

    """
    widths = [max(columns(cell) for cell in cells) for cells in zip(*rows, strict=True)]
    while width is not None and sum(widths) + 2 * len(widths) - 2 > width:
        widths[widths.index(max(widths))] -= 1
    lines: list[str] = []
    for index, row in enumerate(rows):
        lines += _drawn(row, widths, right)
        if index == 0:
            lines.append("  ".join("-" * wide for wide in widths))
    return lines


def _drawn(row: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> Iterator[str]:
    folded = [list(fold(cell, wide)) for cell, wide in zip(row, widths, strict=True)]
    for level in range(max(map(len, folded))):
        cells = []
        for column, (lines, wide) in enumerate(zip(folded, widths, strict=True)):
            text = lines[level] if level < len(lines) else ""
            gap = " " * (wide - columns(text))
            cells.append(gap + text if column in right else text + gap)
        yield "  ".join(cells).rstrip()
