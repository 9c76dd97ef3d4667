"""The findings of one preparing, on disk so that memory stays flat. Errors are all kept.

Of warnings and notes the first thousand of each code and column are kept and all are counted: a file of two million
rows may have one on each.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from agent.codes import CODES
from agent.feedback.rejects import KeptBack
from agent.model import Finding, FindingGroup, Severity

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from agent.mapping.records import Origin
    from agent.model import Fault

_TABLES = """
CREATE TABLE finding (
    record INTEGER, line INTEGER, code TEXT, severity TEXT, field TEXT, words TEXT, mend TEXT, found TEXT,
    place TEXT,
    run INTEGER                 -- the run it was made for as a whole, where a later look may change the verdict
);
CREATE TABLE counted (run INTEGER, code TEXT, field TEXT, many INTEGER);  -- such findings that were only counted
"""
LISTED = 1000  # findings of one code and column that are kept, when they are no errors
_EXAMPLES = 5
_BUFFER = 500
_FOUND = 200  # characters of a value shown; the rejects file has it whole
_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}

Kind = tuple[str, str]  # code, column


class Findings:
    """The findings' tables, with buffered writes."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self.place: Callable[[int, str], str] = _line  # names a place by its line and the column to blame
        base.executescript(_TABLES)
        self._waiting: list[tuple[object, ...]] = []
        self._counted_of_runs: list[tuple[int, str, str, int]] = []
        self._kept: Counter[Kind] = Counter()
        self._counted: Counter[Kind] = Counter()
        self._said: dict[Kind, tuple[str, str]] = {}  # words and mend of the first of each kind

    def add(
        self, fault: Fault, origins: Sequence[Origin], *, run: int | None = None, place: str = ""
    ) -> None:
        """Note a fault for each of the records, or for the whole file (at a `place` in it) when there is none.

        With `run` it concerns the run as a whole and can be taken back by `forget`.
        """
        severity = CODES[fault.code].severity
        many = len(origins)
        room = many if severity is Severity.ERROR or not many else max(self.room(fault), 0)
        if room < many:
            self.count(fault, many - room, run=run)
            origins = origins[:room]
        kind = (fault.code, fault.field)
        self._said.setdefault(kind, (fault.words, fault.mend))
        self._kept[kind] += len(origins)
        found = fault.found if len(fault.found) <= _FOUND else fault.found[:_FOUND] + "…"
        what = (fault.code, severity.value, fault.field, fault.words, fault.mend, found)
        if not many:
            self._waiting.append((None, None, *what, place, run))
        for number, line in origins:
            self._waiting.append((number, line, *what, self.place(line, fault.field), run))
        if len(self._waiting) >= _BUFFER:
            self.flush()

    def told(self, code: str) -> bool:
        """Whether there is a finding of this code."""
        return any(known == code for known, _ in self._said)

    def room(self, fault: Fault) -> int:
        """Tell how many more findings like this one are kept; it must be no error."""
        return LISTED - self._kept[fault.code, fault.field]

    def count(self, fault: Fault, many: int, *, run: int | None = None) -> None:
        """Count findings without keeping them."""
        if run is None:
            self._counted[fault.code, fault.field] += many
        else:
            self._counted_of_runs.append((run, fault.code, fault.field, many))
        self._said.setdefault((fault.code, fault.field), (fault.words, fault.mend))

    def forget(self, runs: str) -> None:
        """Take back what was found about the runs that a query names, each as a whole."""
        self.flush()
        self._base.execute(f"DELETE FROM finding WHERE run IN ({runs})")  # noqa: S608 - a query of ours
        self._base.execute(f"DELETE FROM counted WHERE run IN ({runs})")  # noqa: S608 - a query of ours
        kept = self._base.execute("SELECT code, field, count(*) FROM finding GROUP BY code, field")
        self._kept = Counter({(code, field): many for code, field, many in kept})

    def flush(self) -> None:
        """Write what is buffered."""
        self._base.executemany("INSERT INTO finding VALUES (?,?,?,?,?,?,?,?,?,?)", self._waiting)
        self._base.executemany("INSERT INTO counted VALUES (?,?,?,?)", self._counted_of_runs)
        self._waiting.clear()
        self._counted_of_runs.clear()

    def all(self) -> Iterator[Finding]:
        """Give the findings that are kept, those of the whole file first, then by record."""
        for _, finding in self._read("ORDER BY record, rowid", ()):
            yield finding

    def kept_back(self) -> Iterator[KeptBack]:
        """Give every record with an error, ascending, its findings joined."""
        record, line, blank, whys, mends = 0, 0, False, dict[str, None](), dict[str, None]()
        errors = self._read("WHERE severity = 'error' AND record IS NOT NULL ORDER BY record, rowid", ())
        for its_line, finding in errors:
            number = finding.record or 0
            if number != record and whys:
                yield KeptBack(record, line, "; ".join(whys), "; ".join(mends), blank)
                whys, mends = {}, {}
            record, line = number, its_line
            blank = finding.code == "E-BLANK"
            whys[_why(finding)] = None
            if finding.mend:
                mends[finding.mend] = None
        if whys:
            yield KeptBack(record, line, "; ".join(whys), "; ".join(mends), blank)

    def groups(self) -> tuple[FindingGroup, ...]:
        """Count the findings by code and column, errors first, each with its first few."""
        self.flush()
        counts = self._counts()
        groups = [self._group(code, field, many) for (code, field), many in counts.items() if many]
        return tuple(
            sorted(groups, key=lambda group: (_RANK[group.severity], -group.count, group.code, group.field))
        )

    def _counts(self) -> Counter[Kind]:
        counts = Counter(self._counted)
        for query in (
            "SELECT code, field, count(*) FROM finding GROUP BY code, field",
            "SELECT code, field, sum(many) FROM counted GROUP BY code, field",
        ):
            counts.update({(code, field): many for code, field, many in self._base.execute(query)})
        return counts

    def _group(self, code: str, field: str, many: int) -> FindingGroup:
        words, mend = self._said[code, field]
        first = f"WHERE code = ? AND field = ? ORDER BY record, rowid LIMIT {_EXAMPLES}"
        examples = tuple(finding for _, finding in self._read(first, (code, field)))
        return FindingGroup(code, CODES[code].severity, field, many, words, mend, examples)

    def _read(self, which: str, values: Iterable[str]) -> Iterator[tuple[int, Finding]]:
        """Give findings, each with the line of its record."""
        self.flush()
        columns = "line, record, place, code, severity, field, words, mend, found"
        for line, record, place, code, severity, column, words, mend, found in self._base.execute(
            f"SELECT {columns} FROM finding {which}",  # noqa: S608 - conditions of ours
            tuple(values),
        ):
            yield line or 0, Finding(code, Severity(severity), words, mend, found, column, record, place)


def _line(line: int, field: str) -> str:
    del field
    return f"line {line}" if line else ""


def _why(finding: Finding) -> str:
    column = f"{finding.field}: " if finding.field and not finding.words.startswith(finding.field) else ""
    other = finding.code == "E-ORDERKEPT"  # names another record, quotes no value
    found = f" ({finding.found if other else repr(finding.found)})" if finding.found else ""
    return f"{finding.code} {column}{finding.words}{found}"
