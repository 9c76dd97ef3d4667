"""The findings of a story, grouped, with the first rows of each group read from the list of all findings.

That list may be huge: it is read line by line, and only as far as rows are still wanted. A line that cannot
be read is passed over; the counts come from the groups, so nothing goes missing unsaid.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.codes import CODES
from agent.feedback.wording import value
from agent.model import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from agent.model import FindingGroup

ROWS = 200  # rows listed per group at most
ROWS_IN_ALL = 5000  # shared out evenly when there are many groups
GROUPS = 200  # groups listed at most

_LINE = 1 << 20  # bytes of one line of the list; longer ones are passed over
_WORDS = 500  # characters of a row's words
_WEIGHT = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}

_CONSEQUENCES = frozenset({"E-ORDERKEPT"})

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One finding as it is listed; `words` and `mend` are empty where the group's say the same."""

    record: int | None
    place: str
    found: str  # already in its visible form
    words: str
    mend: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One group of findings with its first rows."""

    group: FindingGroup
    title: str
    about: str
    rows: tuple[Row, ...]

    @property
    def more(self) -> int:
        """Return how many findings of the group are not listed."""
        return max(self.group.count - len(self.rows), 0)


def listed(groups: Sequence[FindingGroup], findings: Path | None, cap: int = ROWS) -> tuple[Listed, ...]:
    """List the groups, the weightiest first, each with at most `cap` rows in the order of the file."""
    ordered = sorted(groups, key=_rank)[:GROUPS]
    share = min(cap, max(ROWS_IN_ALL // max(len(ordered), 1), 1))
    rows = _first(findings, ordered, share)
    return tuple(_listed(group, rows.get((group.code, group.field), ()), share) for group in ordered)


def _rank(group: FindingGroup) -> tuple[int, bool, int, str, str]:
    """Order by weight and number; what only follows from a mistake stands behind all mistakes."""
    follows = group.code in _CONSEQUENCES
    return _WEIGHT[group.severity], follows, -group.count, group.code, group.field


def _listed(group: FindingGroup, rows: Sequence[Row], share: int) -> Listed:
    code = CODES.get(group.code)
    return Listed(
        group=group,
        title=code.title if code else group.words,
        about=code.about if code else "",
        rows=tuple(rows or (_row(finding, group) for finding in group.examples[:share])),
    )


def _row(finding: Finding, group: FindingGroup) -> Row:
    return Row(
        record=finding.record,
        place=finding.place,
        found=value(finding.found),
        words="" if finding.words == group.words else finding.words,
        mend="" if finding.mend == group.mend else finding.mend,
    )


def _first(findings: Path | None, groups: Sequence[FindingGroup], share: int) -> dict[Key, list[Row]]:
    if findings is None:
        return {}
    try:
        with findings.open("rb") as stream:
            return _chosen(_lines(stream), groups, share)
    except OSError:  # swept or moved meanwhile: the groups' examples stand in
        return {}


def _chosen(lines: Iterable[bytes], groups: Sequence[FindingGroup], share: int) -> dict[Key, list[Row]]:
    chosen: dict[Key, list[Row]] = {(group.code, group.field): [] for group in groups}
    wanted = {(group.code, group.field): group for group in groups if group.count > 0}
    marks = _marks(wanted)
    for line in lines:
        if not any(mark in line for mark in marks):  # ten times as fast as parsing it
            continue
        cells = _cells(line)
        key = (_text(cells, "code"), _text(cells, "field"))
        if group := wanted.get(key):
            chosen[key].append(_row(_finding(cells, group), group))
            if len(chosen[key]) >= min(group.count, share):
                del wanted[key]
                marks = _marks(wanted)
        if not wanted:
            break
    return chosen


def _marks(wanted: Iterable[Key]) -> tuple[bytes, ...]:
    """Return bytes of which a line with a wanted finding holds at least one: its code."""
    return tuple({code.encode() if code.isascii() else b"" for code, _ in wanted})


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(_LINE):
        if len(line) < _LINE or line.endswith(b"\n"):
            yield line
        else:
            while stream.readline(_LINE)[-1:] not in (b"\n", b""):
                pass


def _cells(line: bytes) -> Mapping[str, object]:
    try:
        cells = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return cells if isinstance(cells, dict) else {}


def _finding(cells: Mapping[str, object], group: FindingGroup) -> Finding:
    record = cells.get("record")
    return Finding(
        code=group.code,
        severity=group.severity,
        words=_text(cells, "words")[:_WORDS] or group.words,
        mend=_text(cells, "mend")[:_WORDS],
        found=_text(cells, "found"),
        field=group.field,
        record=record if isinstance(record, int) else None,
        place=_text(cells, "place")[:_WORDS],
    )


def _text(cells: Mapping[str, object], name: str) -> str:
    text = cells.get(name)
    return text if isinstance(text, str) else ""
