"""What a rejects file is called, and which names a feed takes, also of rejects files that come back. Pure."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LONGEST = 255  # bytes of a file name
_READ_ONLY = (".xls", ".xlsb", ".ods", ".xml")  # as workbooks that are read are named; given back is .xlsx
BOOK = ".xlsx"
_RETURNED = re.compile(r"\.rejects(?:-[0-9]+)?\.xlsx", re.IGNORECASE)


def rejects_name(name: str, generation: int, *, paper: str) -> str:
    """Name the rejects file of a dropped file: `refunds.rejects.csv`, later `refunds.rejects-1.csv`.

    Its ending says what it is: of a workbook `refunds.xls` it is `refunds.rejects.xlsx`.

    Args:
        name: of the dropped file.
        generation: how often it was prepared before.
        paper: where the rejects file is kept; it ends as what it is, where that is a workbook.

    """
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    if paper.endswith(BOOK) and f"{dot}{extension}".lower() in _READ_ONLY:
        dot, extension = "", BOOK
    ending = f".rejects{f'-{generation}' if generation else ''}{dot}{extension}"
    return stem.encode()[: max(_LONGEST - len(ending.encode()), 0)].decode(errors="ignore") + ending


def taken_by(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return what tells whether a feed of these patterns takes a file of a name; small and capital letters count."""
    pattern = re.compile("|".join(map(translate, patterns)))
    return lambda name: any(map(pattern.match, names_for_patterns(name)))


def names_for_patterns(name: str) -> tuple[str, ...]:
    """Return the names by which a feed's pattern may know a dropped file: a rejects file comes back as what it was."""
    found = _RETURNED.search(name)
    if found is None or found.end() != len(name):
        return (name,)
    stem = name[: found.start()]
    return (name, *(f"{stem}{ending}" for ending in _READ_ONLY))
