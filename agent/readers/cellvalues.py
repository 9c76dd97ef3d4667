"""What stands in one cell of a workbook, as text; and whether a number there may once have been an id.

Numbers become the shortest text that reads back equal, so 64.760000000000005, as Excel stores it, is the 64.76 that it
shows, and 21.0 is 21. Excel itself keeps 15 digits (https://support.microsoft.com/kb/269370), a cell's number
holds whole numbers up to 2^53: what an id had beyond that is lost, and nobody can tell what it was.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from agent.model import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Value = str | float | bool | datetime | date | time | timedelta

SURE = 10**15  # below it every digit that was typed is there
_WHOLE = 2**53  # from here on not every whole number is one of a cell's
_REMEMBERED = 20_000
_AS_TEXT = "format the column as text, put the right ids in, and drop the file again; or export it as CSV"


def number_text(value: float) -> str:
    """Write a number in the shortest way that reads back equal; a whole one without a point."""
    return repr(value).removesuffix(".0")


def _duration(value: timedelta) -> str:
    seconds, fraction = divmod(value // timedelta(microseconds=1), 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" + (f".{fraction:06}" if fraction else "")


class _Numbers(dict[float, str]):
    """Remembers how numbers are written, as prices and quantities repeat; bounded."""

    def __missing__(self, value: float) -> str:
        text = number_text(value)
        if value:  # 0 and -0 are equal, and not written alike
            if len(self) >= _REMEMBERED:
                self.clear()
            self[value] = text
        return text


WORDS: dict[type, Callable[..., str]] = {
    float: _Numbers().__getitem__,
    int: str,
    bool: lambda value: "TRUE" if value else "FALSE",
    date: date.isoformat,
    datetime: datetime.isoformat,
    time: time.isoformat,
    timedelta: _duration,
}


def writers(decimal: str) -> dict[type, Callable[..., str]]:
    """Say how each kind of value is written where a feed declares a decimal mark; most write a point.

    A number is what it is, whatever the feed declares of texts: 2.125 written with a point would be 2125 where
    the point parts thousands.
    """
    if decimal == ".":
        return WORDS
    plain = WORDS[float]
    return {**WORDS, float: lambda value: plain(value).replace(".", decimal)}


def percent_text(value: Value, decimal: str) -> str:
    """Write a number as the percentage that its cell shows."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return cell_text(value)
    return f"{Decimal(repr(value)).scaleb(2).normalize():f}%".replace(".", decimal)


def cell_text(value: Value) -> str:
    """Write what stands in a cell; dates in ISO's form, an empty cell as ""."""
    return value if isinstance(value, str) else WORDS[type(value)](value)


def cell_texts(values: list[Value], words: Mapping[type, Callable[..., str]] = WORDS) -> list[str]:
    """Write a row; what is text already passes by."""
    return [value if isinstance(value, str) else words[value.__class__](value) for value in values]


def id_fault(value: Value, column: str, shown: int = 0) -> Fault | None:
    """Say what may be wrong with an id that stands in its cell as something else than text.

    Args:
        value: what the cell holds.
        column: its name.
        shown: how many digits its format shows at least; 0: as many as there are; below: more than the number.

    """
    if isinstance(value, str):
        return None
    text = cell_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        words = "is an id by its use, but the cell holds a date, a time or a truth value"
        return Fault("E-IDNUM", words, _AS_TEXT, text, column)
    if value < 0 or value != int(value):
        words = "is an id by its use, but the cell holds a number with decimals or a minus sign"
        return Fault("E-IDNUM", words, _AS_TEXT, text, column)
    return _lost_digits(value, text, column, shown)


def _lost_digits(value: float, text: str, column: str, shown: int) -> Fault | None:
    """Say which digits of a whole number may not be those of the id."""
    if len(text) < shown:
        words = f"is shown as {text:0>{shown}}, but the cell holds {text}: the zeros are only its format"
        return Fault("E-IDNUM", words, _AS_TEXT, text, column)
    if shown < 0:
        words = f"is shown with more than the number that the cell holds, {text}: the rest is only its format"
        return Fault("E-IDNUM", words, _AS_TEXT, text, column)
    if value >= _WHOLE:
        words = f"is a number too long for a cell, so its last digits are lost ({value:.15g})"
        return Fault("E-SCIID", words, _AS_TEXT, text, column)
    if value >= SURE:
        words = "is a number of 16 digits, of which Excel keeps 15: the last may have been another"
        return Fault("W-IDPREC", words, "compare it with the shop; format the column as text", text, column)
    return None


def column_letters(position: int) -> str:
    """Name a column as spreadsheets do: 0 is A, 26 is AA."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_position(letters: str) -> int:
    """Return the position of a column by its letters, from 0."""
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1
