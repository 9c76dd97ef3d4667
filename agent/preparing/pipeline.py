"""Prepare one file: read, map, check, write drafts; say of every record how it ended.

Called in the limited child process only. It touches nothing but the file it was given and its scratch folder.
"""

from __future__ import annotations

import json
import resource
from dataclasses import asdict
from typing import TYPE_CHECKING, BinaryIO

from agent.codes import finding
from agent.errors import RefusedFile, WorkerBroke
from agent.feedback.rejects import write_rejects
from agent.impact.dialect import canonical
from agent.impact.rules import row_rules
from agent.mapping.mapping import EXPRESSION_FAILURES, BoundTemplate
from agent.mapping.records import Stream
from agent.model import Counts, Fault, Severity
from agent.preparing.again import SecondLook, first_rows
from agent.preparing.batches import DraftSet
from agent.preparing.checking import feed_template
from agent.preparing.job import Job, Prepared
from agent.preparing.layouts import lay_out
from agent.preparing.runs import IDENTIFIERS, FirstLook
from agent.preparing.scratch import Scratch
from agent.readers.delimited import open_delimited

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.impact.rules import RowRules
    from agent.mapping.records import Origin

Progress = "Callable[[int], None]"  # told the number of records read so far, now and then


class Preparation:
    """One run over one file."""

    def __init__(self, job: Job, progress: Callable[[int], None]) -> None:
        self.job, self.feed, self.progress = job, job.feed, progress
        self.scratch = Scratch(job.scratch)
        self.template = feed_template(job.feed, job.template)
        self.rules: RowRules = row_rules(
            job.feed.level,
            self.template.header,
            codes=job.feed.codes,
            currency=job.feed.currency,
            max_amount=job.feed.max_amount,
        )
        self.drafts = DraftSet(job.scratch, self.rules.header, job.max_rows, job.feed.currency)
        self._identifiers = frozenset(
            index
            for index, name in enumerate(self.rules.header)
            if name in IDENTIFIERS
        )
        self._bound: BoundTemplate | None = None
        self._look: FirstLook | None = None

    def run(self) -> Prepared:
        """Prepare; a file that cannot be used as a whole comes back as refused, with its findings."""
        with self.job.source.open("rb") as stream:
            try:
                return self._prepare(stream)
            except RefusedFile as refused:
                return self._refused(refused)
            finally:
                self.drafts.close()
                self.scratch.close()

    def _prepare(self, stream: BinaryIO) -> Prepared:
        source = open_delimited(
            stream,
            encoding=self.feed.encoding,
            delimiter=self.feed.delimiter,
            canonical=canonical if self.feed.headers == "impact" else None,
            damaged=self._damaged,
        )
        bound = self._bound = self.template.bind(source.columns, self.rules.order)
        if bound.missing:
            raise RefusedFile(*(finding(fault) for fault in bound.missing))
        look = self._look = FirstLook(self.rules, self.scratch, self.drafts, bound)
        records = Stream(source, source.columns)
        if bound.grouped:
            self._grouped_rows(bound, records, look)
        else:
            look.rows(bound.rows(records, self._failed), source, self.progress)
        look.finish()
        self.progress(source.number)
        for note in source.notes:
            self.scratch.add_finding(note, ())
        entangled = self._look_again(look)
        counts = self._counts(look, source.number)
        unused = tuple(name for name in source.columns if name not in bound.bound.used)
        return self._ended(stream, counts, source.columns, unused, entangled=entangled)

    def _grouped_rows(self, bound: BoundTemplate, records: Stream, look: FirstLook) -> None:
        group: tuple[Origin, ...] = ()
        for of, origins, cells in bound.grouped_rows(records, self._failed):
            if of is not group:
                look.next_group()
                group = of
            look.grouped_row(cells, origins)

    def _failed(self, origins: tuple[Origin, ...], faults: Sequence[Fault], cells: Sequence[str] | None) -> None:
        """An expression failed: the records get their findings, and their order is found if it can be."""
        if self._look is None:
            raise WorkerBroke("a record failed before the first look began")
        if len(origins) > 1:
            self._look.next_group()
        self._look.failed(self._key_of(cells), faults, origins)

    def _damaged(self, number: int, line: int, cells: list[str], fault: Fault) -> None:
        """A record could not be read: the same, with as many of its cells as there are."""
        if self._look is None or self._bound is None:
            raise WorkerBroke("a record was damaged before the first look began")
        width = len(self._bound.columns)
        padded = [*cells, *[""] * width][:width]
        self._look.failed(self._key_of(padded), (fault,), ((number, line),))

    def _key_of(self, cells: Sequence[str] | None) -> str:
        """The order of a record that gave no row; "" where it cannot be told."""
        if cells is None or self._bound is None:
            return ""
        try:
            rows = self._bound.cells_of(cells, self._identifiers)
        except EXPRESSION_FAILURES:
            return ""
        return self.rules.key(rows[0]) if rows else ""

    def _look_again(self, look: FirstLook) -> bool:
        self.drafts.close()
        self.scratch.spread_bad()
        if not self.scratch.unsettled():
            return False
        again = SecondLook(self.rules, self.scratch, self.drafts, look.tally)
        again.run()
        return again.entangled

    def _counts(self, look: FirstLook, records: int) -> Counts:
        tally = look.tally
        if look.used != tally.sent + tally.kept_back + tally.repeated:
            words = f"{look.used} records used, but {tally.sent} sent, {tally.kept_back} kept back, {tally.repeated} repeated"
            raise WorkerBroke(f"the counts do not balance: {words}")
        orders, bad = self.scratch.orders()
        rows = sum(file.rows for file in self.drafts.files)
        skipped = records - look.used
        return Counts(records, tally.sent, tally.kept_back, tally.repeated, skipped, rows, orders, bad)

    def _ended(
        self, stream: BinaryIO, counts: Counts, columns: tuple[str, ...], unused: tuple[str, ...], *, entangled: bool
    ) -> Prepared:
        verdict, reason = self._verdict(counts, entangled=entangled)
        if counts.records and not counts.rows and not counts.kept_back:
            words = "the template passed over every record: there is nothing to send"
            self.scratch.add_finding(Fault("W-NOTHING", words, "is it the right file, and the right feed?"), ())
        shown = first_rows(self.drafts.files, self.job.preview_rows)
        refused = verdict == "refused"
        rejects = self._write_rejects(stream, everything=refused) if counts.kept_back else ""
        drafts = () if refused or verdict == "nothing" else lay_out(self.job, self.drafts, self.rules.header)
        if refused:
            counts = Counts(
                counts.records, 0, counts.sent + counts.kept_back, counts.repeated, counts.skipped, 0,
                counts.orders, counts.bad_orders,
            )  # fmt: skip
        return Prepared(
            verdict,
            reason,
            counts,
            drafts,
            self.scratch.groups(),
            self._write_findings(),
            rejects,
            columns,
            unused,
            self.rules.header,
            {},
            shown,
            peak_memory(),
        )

    def _verdict(self, counts: Counts, *, entangled: bool) -> tuple[str, str]:
        """Apply the feed's policy for bad rows."""
        policy = self.feed.bad_rows
        if entangled:
            return "refused", "orders with mistakes share records with others and cannot be parted"
        if not counts.bad_orders:
            return ("ready", "") if counts.rows else ("nothing", "there is nothing to send")
        share = counts.bad_orders / counts.orders
        said = f"{counts.bad_orders:,} of {counts.orders:,} orders have mistakes"
        if not counts.rows:
            return "refused", f"{said}: nothing is left to send"
        if policy.policy == "refuse-file":
            return "refused", f"{said}, and this feed sends a file only when it is whole"
        if policy.policy == "hold":
            return "hold", f"{said}; a person decides whether the rest goes out"
        if share > policy.at_most:
            return "refused", f"{said}, more than the {policy.at_most:.0%} this feed allows; nothing was sent"
        return "ready", f"{said} and were kept back"

    def _write_rejects(self, stream: BinaryIO, *, everything: bool) -> str:
        with (self.job.scratch / "rejects").open("wb") as target:
            write_rejects(
                stream,
                encoding=self.feed.encoding,
                delimiter=self.feed.delimiter,
                kept_back=self.scratch.kept_back(),
                target=target,
                everything=everything,
            )
        return "rejects"

    def _write_findings(self) -> str:
        with (self.job.scratch / "findings").open("w", encoding="utf-8") as target:
            for finding in self.scratch.findings():
                target.write(json.dumps(asdict(finding), ensure_ascii=False) + "\n")
        return "findings"

    def _refused(self, refused: RefusedFile) -> Prepared:
        for found in refused.findings:
            fault = Fault(found.code, found.words, found.mend, found.found, found.field)
            self.scratch.add_finding(fault, (), place=found.place)
        first = next((found for found in refused.findings if found.severity is Severity.ERROR), None)
        reason = first.words if first else "the file cannot be used"
        groups, findings = self.scratch.groups(), self._write_findings()
        return Prepared("refused", reason, Counts(), (), groups, findings, peak_memory=peak_memory())


def peak_memory() -> int:
    """The most memory this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def prepare(job: Job, progress: Callable[[int], None]) -> Prepared:
    """Prepare one file.

    Raises:
        TemplateRefusedError: the template cannot be used at all.
        WorkerBroke: the counts do not balance: nothing may be sent.
    """
    return Preparation(job, progress).run()
