"""The form of a batch file: how cells, lines and names are written.

Commas, CR LF, UTF-8 without a byte order mark, quotes only where they are needed: `line` gives text, the
caller encodes it. Names are those impact.com does not ignore, and match the connection's pattern.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from agent.impact.dialect import dialect
from agent.model import Fault

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

__all__ = ["bad_name", "batch_name", "encode", "line", "matches", "reads_back"]

_DELIMITER = dialect().delimiter
_LINE_END = dialect().line_end
_ANY_RUN = dialect().any_run
_ONE = dialect().one_character

_QUOTED = re.compile(f'[{_DELIMITER}"\r\n]')
_LONGEST = 255  # bytes of a file name on common file systems
_UNIQUE = 8  # characters of a batch id (5 bits each) that make a name unique enough
_NAME = re.compile(r"(?!\.)[^\x00-\x1f\x7f/\\]+")


def encode(cell: str) -> str:
    """Write one cell: quoted when it holds a comma, a quote or a line break, else as it is."""
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell


def line(cells: Sequence[str]) -> str:
    """Write one line, header or row, with its line end."""
    text = _DELIMITER.join(cells)
    if text.count(_DELIMITER) >= len(cells) or '"' in text or "\n" in text or "\r" in text:
        text = _DELIMITER.join(map(encode, cells))
    return text + _LINE_END


def reads_back(cell: str, written: str) -> bool:
    """Tell whether a cell as it was written reads back as it was: one cell, to the letter.

    What stands without quotes does if it holds no sign of the format's own; the rest is read by Python's csv, which
    shares no code with `encode`. A line of such cells reads back as these cells: each ends where its comma or line end
    stands.
    """
    if written == cell:
        return _DELIMITER not in cell and '"' not in cell and "\r" not in cell and "\n" not in cell
    try:
        return [[cell]] == list(csv.reader((written,), strict=True))
    except csv.Error:
        return False


def batch_name(feed: str, day: dt.date, batch_id: str, extension: str, file_pattern: str = "") -> str | Fault:
    """Name a batch's file `<feed>_<yyyymmdd>_<batch id>.<extension>`, or so that it matches the pattern.

    A pattern that this name does not match has its wildcards filled with it; where that cannot make a unique
    name, E-NAMEPATTERN comes back.
    """
    stem = f"{feed}_{day:%Y%m%d}_{batch_id}"
    if _reserved(stem):
        stem = f"batch_{stem}"
    name = f"{stem}.{extension}"
    if file_pattern and not matches(name, file_pattern):
        filled = _filled(file_pattern, stem, batch_id, extension)
        if filled is None:
            few = f"its wildcards leave less than {_UNIQUE} characters for a unique part"
            return _unmatchable(file_pattern, few)
        name = filled
    return bad_name(name, extension, file_pattern) or name


def bad_name(name: str, extension: str, file_pattern: str = "") -> Fault | None:
    """Say why a name cannot be used for a batch, or None."""
    if _reserved(name):
        why = f"impact.com ignores names that begin with {' or '.join(dialect().reserved_prefixes)}"
    elif not name.endswith(f".{extension}"):
        why = f"the batch's name ends in .{extension}"
    elif not _NAME.fullmatch(name) or len(name.encode("utf-8", "replace")) > _LONGEST:
        why = "a name has no slash, no control character, no leading dot, and at most 255 bytes"
    elif file_pattern and not matches(name, file_pattern):
        why = "the name does not match it"
    else:
        return None
    return _unmatchable(file_pattern, why)


@lru_cache(maxsize=64)
def _expression(pattern: str) -> re.Pattern[str]:
    """Translate impact.com's wildcards; nothing else in a pattern is special, and case counts."""
    runs = re.sub(rf"{re.escape(_ANY_RUN)}+", _ANY_RUN, pattern)
    parts = {_ANY_RUN: ".*", _ONE: "."}
    return re.compile("".join(parts.get(character, re.escape(character)) for character in runs), re.DOTALL)


def matches(name: str, pattern: str) -> bool:
    """Tell whether a file name matches a connection's pattern: `*` any run of characters, `?` any one."""
    return _expression(pattern).fullmatch(name) is not None


def _filled(pattern: str, stem: str, batch_id: str, extension: str) -> str | None:
    """Fill a pattern: the first run takes the whole stem, else single wildcards take the batch id."""
    ending = f".{extension}" if pattern.endswith(_ANY_RUN) else ""
    fixed, ones = pattern.partition(_ANY_RUN), pattern.count(_ONE)
    if fixed[1]:
        before, after = fixed[0], fixed[2].replace(_ANY_RUN, "")
        return f"{_each(before, batch_id)}{stem}{_each(after, batch_id)}{ending}"
    if ones < _UNIQUE or len(batch_id) < _UNIQUE:
        return None
    return _each(pattern, batch_id)


def _each(pattern: str, batch_id: str) -> str:
    """Replace each single wildcard by the next character of the batch id, over and over."""
    characters = iter(batch_id * (pattern.count(_ONE) // max(len(batch_id), 1) + 1))
    return "".join(next(characters, "0") if character == _ONE else character for character in pattern)


def _reserved(name: str) -> bool:
    return name.casefold().startswith(dialect().reserved_prefixes)


def _unmatchable(pattern: str, why: str) -> Fault:
    what = f"no name for the batch fits file_pattern {pattern}" if pattern else "the batch has no usable name"
    mend = "write the pattern of the connection into file_pattern, such as mods_*.csv"
    return Fault("E-NAMEPATTERN", f"{what}: {why}", mend, pattern)
