"""The rows that impact.com did not accept, grouped by its code, read from the lists that the answers left.

A list may be long: only so many rows of each code are kept while it is read. A line that cannot be read is passed
over; how many were refused in all the batch itself says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.feedback.wording import number, prose, value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.feedback.cells import Rows
    from agent.feedback.story import Story

CODES = 200  # codes told apart at most; whatever else comes is counted together
_OTHERS = "other codes"
_LONGEST = 1 << 20  # characters of one line of a list; longer ones are passed over


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One row that was refused; texts as they came, to be made visible when they are shown."""

    batch: str  # the batch's name
    line: int | None  # in the batch file, the header is line 1
    order: str
    sku: str
    said: str  # impact.com's own words, where it has any


@dataclass(slots=True)
class RefusedGroup:
    """The rows refused with one code."""

    code: str
    words: str  # what the code means, in plain words
    mend: str
    count: int = 0
    rows: list[RefusedRow] = field(default_factory=list)

    @property
    def more(self) -> int:
        """How many rows are not listed."""
        return self.count - len(self.rows)


def refused_groups(story: Story, cap: int) -> tuple[RefusedGroup, ...]:
    """Return the refused rows of a story, at most `cap` of each code; the most frequent code first."""
    groups: dict[str, RefusedGroup] = {}
    for delivery in story.deliveries:
        for path in delivery.refusals:
            for said in _lines(path):
                group = _group(groups, said)
                group.count += 1
                if len(group.rows) < cap:
                    group.rows.append(_row(delivery.batch.name, said))
    return tuple(sorted(groups.values(), key=lambda group: (-group.count, group.code)))


def refused_rows(group: RefusedGroup) -> Rows:
    """Set the rows of a group into cells, without columns that say nothing."""
    several = len({row.batch for row in group.rows}) > 1
    columns = (
        ("Batch", [prose(row.batch) if several else "" for row in group.rows]),
        ("Line", ["" if row.line is None else number(row.line) for row in group.rows]),
        ("Order", [value(row.order) if row.order else "" for row in group.rows]),
        ("SKU", [value(row.sku) if row.sku else "" for row in group.rows]),
        ("impact.com's words", [value(row.said) if row.said else "" for row in group.rows]),
    )
    told = [(head, *texts) for head, texts in columns if any(texts)]
    return list(zip(*told, strict=True))


def _lines(path: Path) -> Iterator[dict[str, object]]:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            while line := stream.readline(_LONGEST):
                try:
                    said = json.loads(line)
                except ValueError:
                    continue
                if isinstance(said, dict):
                    yield said
    except OSError:
        return


def _group(groups: dict[str, RefusedGroup], said: dict[str, object]) -> RefusedGroup:
    code = _text(said, "code") or "no code"
    if code not in groups and len(groups) >= CODES:
        code = _OTHERS
    if code not in groups:
        words, mend = ("", "") if code == _OTHERS else (_text(said, "words"), _text(said, "mend"))
        groups[code] = RefusedGroup(code, words, mend)
    return groups[code]


def _row(batch: str, said: dict[str, object]) -> RefusedRow:
    line = said.get("line")
    return RefusedRow(
        batch,
        line if isinstance(line, int) else None,
        _text(said, "order"),
        _text(said, "sku"),
        _text(said, "said"),
    )


def _text(said: dict[str, object], key: str) -> str:
    found = said.get(key)
    return found if isinstance(found, str) else ""
