"""What both looks share: judging a whole order, writing it or keeping it back, and counting how its records end.

An order is the unit. One that is sent loses the rows that repeat an earlier one exactly; one that is kept back keeps
all its records back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from agent.codes import CODES
from agent.model import Fault, Severity
from agent.preparing.rows import Repeats, Rows, parted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.impact.rules import RowRules
    from agent.mapping.records import Origin
    from agent.preparing.batches import DraftSet
    from agent.preparing.rows import Origins
    from agent.preparing.scratch import Scratch
    from agent.preparing.verdicts import Verdict


REPEATED = Fault("N-ROWDUP", "repeats an earlier row exactly; it is sent once")


@dataclass(slots=True)
class Tally:
    """How many records ended in which way; those with rows in several runs are counted at the end."""

    sent: int = 0
    kept_back: int = 0
    repeated: int = 0


@dataclass(slots=True)
class Settled:
    """An order as judged: the rows to send and those left out as repeats, or the records to blame."""

    rows: Rows
    repeats: Repeats = field(default_factory=Repeats)
    guilty: frozenset[int] = frozenset()


class Settling:
    """Judges, writes, keeps back and counts."""

    def __init__(self, rules: RowRules, scratch: Scratch, drafts: DraftSet, tally: Tally) -> None:
        self.rules, self.scratch, self.drafts, self.tally = rules, scratch, drafts, tally

    def settle(self, rows: Rows, run: int) -> Settled:
        """Judge the rows of a whole order, sound one by one."""
        distinct, repeats = parted(rows)
        faults = self.rules.judge_order(distinct.cells) if len(distinct) > 1 else ()
        guilty = self._note_faults(faults, distinct, run) | self._note_size(distinct)
        return Settled(rows, guilty=frozenset(guilty)) if guilty else Settled(distinct, repeats)

    def _note_faults(self, faults: Iterable[tuple[int, Fault]], rows: Rows, run: int) -> set[int]:
        """Note what is wrong with an order or remarkable about it; return the records to blame."""
        guilty: set[int] = set()
        found: dict[int, tuple[Fault, list[Origin]]] = {}
        for index, fault in faults:
            found.setdefault(id(fault), (fault, []))[1].extend(rows.origins_of(index))
        for fault, origins in found.values():
            error = CODES[fault.code].severity is Severity.ERROR
            self.scratch.findings.add(fault, origins, run=None if error else run)
            if error:
                guilty.update(number for number, _ in origins)
        return guilty

    def _note_size(self, rows: Rows) -> set[int]:
        """Note that an order alone is larger than a batch file may be; return the records to blame."""
        size = self.drafts.oversize(rows.lines)
        if not size:
            return set()
        words = f"its order alone makes a batch of {size:,} bytes, and one may have {self.drafts.max_size:,}"
        mend = "raise max_size of the destination if it takes larger files, or part the order"
        self.scratch.findings.add(Fault("E-ORDERBYTES", words, mend), rows.origins_of(0))
        return {number for number, _ in rows.origins_of(0)}

    def note_repeats(self, repeats: Repeats, run: int) -> None:
        """Say which rows were left out."""
        if not repeats:
            return
        findings = self.scratch.findings
        room = max(findings.room(REPEATED), 0)
        for origins, earlier in islice(zip(repeats.rows.origins, repeats.earlier, strict=True), room):
            findings.add(replace(REPEATED, found=f"record {earlier}"), origins, run=run)
        if len(repeats) > room:
            many = sum(map(len, repeats.rows.origins[room:])) if repeats.rows.many else len(repeats) - room
            findings.count(REPEATED, many, run=run)

    def send(self, lines: Sequence[str], verdicts: Sequence[Verdict]) -> tuple[int, int, int]:
        """Put whole orders into one draft; return the draft's number, first byte and size."""
        number, draft = self.drafts.room_for(lines)
        draft.scales.add(verdicts)
        return number, *draft.add("\r\n".join((*lines, "")), len(lines))

    def count_sent(self, rows: Rows, repeats: Repeats, shared: set[int]) -> set[int]:
        """Count the records of an order that is sent; return those that only repeat earlier ones."""
        if not shared and not rows.many and not rows.several:
            self.tally.sent += len(rows)
            self.tally.repeated += len(repeats)
            return set()
        sent = rows.record_numbers()
        repeated = repeats.rows.record_numbers() - sent
        self.tally.sent += len(sent - shared)
        self.tally.repeated += len(repeated - shared)
        return repeated

    def blame(self, origins: Iterable[Origins], guilty: Iterable[int], culprit: int) -> None:
        """Tell the records of an order that have no mistake of their own whose mistake keeps them back."""
        words = "another row of the same order has a mistake"
        fault = Fault(
            "E-ORDERKEPT", words, "mend that row and drop the whole order again", f"record {culprit}"
        )
        told = set(guilty)
        for one in origins:
            innocent = [origin for origin in one if origin[0] not in told]
            told.update(number for number, _ in innocent)
            if innocent:
                self.scratch.findings.add(fault, innocent)
