"""The first record of a file: its columns, checked, and the columns at its end that are not the sender's.

All that is wrong with a header is said at once. Names lose the blanks around them, because nobody sees
those; names that then differ only in upper and lower case are refused, because a template could not tell
which one is meant.

Columns without a name are let pass at the very end, where spreadsheets leave them, as long as their cells
are empty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.errors import RefusedFile
from agent.readers.base import MEND_COLUMN, REASON_COLUMN, SHIFTED, file_finding, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.model import Finding

COLUMN_CAP = 1_000

_OURS = (REASON_COLUMN.casefold(), MEND_COLUMN.casefold())


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a file and what stands behind them."""

    written: tuple[str, ...]  # every cell of the header, as it stands in the file
    columns: tuple[str, ...]  # the sender's columns: trimmed, or canonical
    nameless: tuple[int, ...]  # positions of the columns at the end that have no name
    reason: int  # position of the agent's reason column in a rejects file that comes back; -1: none

    @property
    def width(self) -> int:
        """How many cells a record must have."""
        return len(self.written)

    @property
    def kept(self) -> int:
        """How many of them are the sender's."""
        return len(self.columns)

    def misplaced(self, cells: Sequence[str]) -> str:
        """Say what stands where it should not in a record of the right width; "" when all is well."""
        for position in self.nameless:
            if cells[position]:
                return f"column {position + 1} has a value but no name"
        for position, cell in enumerate(cells):
            if position != self.reason and cell.startswith(SHIFTED):
                return (
                    f"its cells are shifted: the reason of the rejects file stands in column {position + 1}"
                )
        return ""

    def is_repeated_by(self, cells: Sequence[str]) -> bool:
        """Say whether a record is the header once more."""
        pairs = zip(cells, self.written[: self.kept], strict=False)
        return len(cells) == self.width and all(
            cell.strip().casefold() == name.strip().casefold() for cell, name in pairs
        )


def read_header(cells: list[str], canonical: Callable[[str], str] | None, line: int = 1) -> Header:
    """Check the header record and part the sender's columns from what stands behind them.

    Raises:
        RefusedFile: E-HDREMPTY, E-HDRDUP (all of them at once) or E-COLCAP.

    """
    if len(cells) > COLUMN_CAP:
        raise refusal(
            "E-COLCAP",
            f"the header has {len(cells):,} columns; {COLUMN_CAP:,} are the most a file may have",
            "export only the columns the feed needs",
            line=line,
        )
    names = [cell.strip() for cell in cells]
    kept = len(names)
    while kept and (not names[kept - 1] or names[kept - 1].casefold() in _OURS):
        kept -= 1
    own, tail = names[:kept], names[kept:]
    findings = [*_empty(own), *_repeated(own)]
    if canonical and not findings:
        own = [canonical(name) for name in own]
        findings = _repeated(own, names)
    if findings:
        raise RefusedFile(*(replace(finding, place=f"line {line}") for finding in findings))
    ours = [name.casefold() for name in tail]
    return Header(
        written=tuple(cells),
        columns=tuple(own),
        nameless=tuple(kept + index for index, name in enumerate(ours) if not name),
        reason=kept + ours.index(_OURS[0]) if _OURS[0] in ours else -1,
    )


def _empty(names: list[str]) -> list[Finding]:
    empty = [str(position) for position, name in enumerate(names, 1) if not name]
    if names and not empty:
        return []
    words = f"column {', '.join(empty)} of the header has no name" if names else "the header has no names"
    mend = (
        "the header must name every column; where it stands further down, declare `header_row:` in the feed"
    )
    return [file_finding("E-HDREMPTY", words, mend)]


def _repeated(names: list[str], written: list[str] | None = None) -> list[Finding]:
    """Find names that occur twice, blanks and case aside; `written`: the names the file has for them."""
    findings: list[Finding] = []
    first: dict[str, int] = {}
    for position, name in enumerate(names):
        before = first.setdefault(name.casefold(), position)
        if not name or (before == position and name.casefold() not in _OURS):
            continue
        findings.append(_twice(name, before, position, written or names))
    return findings


def _twice(name: str, before: int, position: int, written: list[str]) -> Finding:
    if before == position:
        words = (
            f"column {position + 1}, “{written[position]}”, is the agent's own and may stand only at the end"
        )
        mend = "move it behind the other columns, or delete it"
    else:
        spelt = (
            ""
            if written[before] == written[position] == name
            else f" (written “{written[before]}” and “{written[position]}”)"
        )
        words = f"columns {before + 1} and {position + 1} have the same name “{name}”{spelt}"
        mend = "rename or delete one of them"
    return file_finding("E-HDRDUP", words, mend, field=name)
