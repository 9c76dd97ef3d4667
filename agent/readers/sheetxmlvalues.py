"""What stands in a cell of an XML spreadsheet of Excel 2003, by the type that the cell says it has.

A number whose text is no number's (00120, 1E5) stays the text it is: such cells are written by shop programs that take
every row of digits for a number, and all of it is still there.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.readers.cellvalues import Value

_NUMBER = re.compile(  # in brackets what stays as it is written
    r"(0[0-9]+|[0-9]+[eE][0-9]+)|[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_NO_DAY = (date(1899, 12, 30), date(1899, 12, 31))  # on which programs put a time of day that has none
_TRUTH = {"1": True, "0": False, "true": True, "false": False}


def value_of(kind: str, text: str) -> Value | None:
    """Return what a cell holds; None: it is not what its type says.

    Args:
        kind: String, Number, DateTime, Boolean or Error; nothing is the same as String.
        text: as it stands in the cell; an error is told otherwise, and here as good as nothing.

    """
    read = _KINDS.get(kind)
    return read(text) if read else None


def _number(text: str) -> Value | None:
    text = text.strip()
    if not text:
        return ""
    if not (found := _NUMBER.fullmatch(text)):
        return None
    if found[1]:
        return text
    value = float(text)
    return value if math.isfinite(value) else None


def _moment(text: str) -> Value | None:
    text = text.strip()
    if not text:
        return ""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo:
        return moment
    if moment.date() in _NO_DAY:
        return moment.time()
    return moment if moment.time() != time.min else moment.date()


def _truth(text: str) -> Value | None:
    text = text.strip()
    return _TRUTH.get(text.lower()) if text else ""


_KINDS: dict[str, Callable[[str], Value | None]] = {
    "": str,
    "String": str,
    "Number": _number,
    "DateTime": _moment,
    "Boolean": _truth,
    "Error": lambda _: "",
}
