"""Prepare one file: read, map, check, write drafts; say of every record how it ended.

Called in the limited child process only. It touches nothing but the file it was given and its scratch folder.
"""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, BinaryIO, TypedDict

from agent.codes import finding
from agent.errors import RefusedFile, WorkerBroke
from agent.impact.batchfile import encode
from agent.impact.dialect import canonical
from agent.impact.rules import row_rules
from agent.mapping.mapping import EXPRESSION_FAILURES, BoundTemplate
from agent.mapping.records import Stream
from agent.model import Counts, Fault, Severity
from agent.preparing.again import SecondLook, first_rows
from agent.preparing.batches import DraftSet
from agent.preparing.blocks import PlainLook
from agent.preparing.checking import feed_template
from agent.preparing.grouped import GroupedLook
from agent.preparing.job import Job, Prepared
from agent.preparing.layouts import lay_out, too_large
from agent.preparing.papers import Papers
from agent.preparing.policy import judged
from agent.preparing.recalling import recall
from agent.preparing.runs import oversize
from agent.preparing.scratch import Scratch
from agent.preparing.sources import Uses, cut_off, missing_columns, of_header, open_feed_file
from agent.preparing.verdicts import IDENTIFIERS
from agent.readers.base import Listener
from agent.readers.detected import UNSEEN, Detected

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.impact.rules import RowRules
    from agent.preparing.remembered import Ask
    from agent.preparing.rows import Origins
    from agent.preparing.runs import FirstLook
    from agent.readers.base import OpenedFile

_NOTHING = Fault(
    "W-NOTHING",
    "the template passed over every record: there is nothing to send",
    "is it the right file, and the right feed?",
)


class _Seen(TypedDict):
    columns: tuple[str, ...]
    columns_unused: tuple[str, ...]
    detected: Detected


class Preparation:
    """One run over one file."""

    def __init__(self, job: Job, progress: Callable[[int], None], ask: Ask) -> None:
        self.job, self.feed, self.progress, self.ask = job, job.feed, progress, ask
        self.scratch = Scratch(job.scratch)
        self.papers = Papers(job, self.scratch)
        self.template = feed_template(job.feed, job.template, job.tables, job.now)
        self.rules: RowRules = row_rules(
            job.feed.level,
            self.template.header,
            codes=job.feed.codes,
            currency=job.feed.currency,
            max_amount=job.feed.max_amount,
            personal=job.feed.personal,
        )
        most = None if job.layout else job.max_size  # a layout's size is known when all is laid out
        self.drafts = DraftSet(job.scratch, self.rules.header, job.max_rows, most)
        self._identifiers = frozenset(
            index for index, name in enumerate(self.rules.header) if name in IDENTIFIERS
        )
        self._records: Stream | None = None
        self._bound: BoundTemplate | None = None
        self._look: FirstLook | None = None
        self._source: OpenedFile | None = None

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
        source = self._source = open_feed_file(stream, self.feed, Listener(self._damaged, self._remarked))
        bound = self._bound = self.template.bind(source.columns, self.rules.order, source.nested)
        fill_down = self._fill_down(source)
        if source.detected.sheet:
            self.template.dates.read_cells()
        if self.job.glance:
            return Prepared("ready", "", Counts(), columns=source.columns, detected=source.detected)
        self.scratch.findings.place = Uses(source, bound, fill_down).place
        look = self._take(source, bound, fill_down)
        self.progress(source.number)
        for note in (*source.notes, *cut_off(source), *self.template.notes()):
            self.scratch.findings.add(note, ())
        entangled = self._look_again(look)
        counts = self._counts(look, source.number)
        return self._ended(stream, source, counts, entangled=entangled)

    def _fill_down(self, source: OpenedFile) -> tuple[str, ...]:
        """Give the columns that are filled down; refuse the file where it lacks a column."""
        wanted = self.feed.fill_down
        if self.feed.headers == "impact":
            wanted = tuple(map(canonical, wanted))
        lacking = missing_columns(self.feed, source, wanted)
        if self._bound is not None and (faults := (*self._bound.missing, *lacking)):
            raise RefusedFile(*map(finding, of_header(faults, source, self.feed)))
        return wanted

    def _take(self, source: OpenedFile, bound: BoundTemplate, fill_down: tuple[str, ...]) -> FirstLook:
        """Take all records of the file."""
        records = self._records = Stream(source, source.columns, fill_down)
        parts = (self.rules, self.scratch, self.drafts, bound, self.feed.currency)
        if bound.grouped:
            grouped = self._look = GroupedLook(*parts)
            grouped.grouped_rows(bound.grouped_rows(records, self._failed), self.progress)
        else:
            plain = self._look = PlainLook(*parts)
            self._take_rows(plain, records, bound)
        self._look.finish()
        return self._look

    def _take_rows(self, look: PlainLook, records: Stream, bound: BoundTemplate) -> None:
        columns = records.by_column(bound.bound.direct)
        try:
            if columns is None:
                look.rows(bound.rows(records, self._failed), records.source, self.progress)
            else:
                look.columns(columns, self.progress)
        except RefusedFile:  # what came before that place is told of, too
            look.take()
            raise

    def _failed(self, origins: Origins, faults: Sequence[Fault], records: Sequence[Sequence[str]]) -> None:
        """Keep back records that gave no row, or not all of theirs, and their orders, as far as these can be told."""
        if self._look is None:
            raise WorkerBroke("a record failed before the first look began")
        if isinstance(self._look, GroupedLook):
            self._look.next_group(origins)
        first, *others = self._keys_of(records) or [""]
        self._look.failed(first, faults, origins)
        for key in others:
            self._look.failed(key, (), origins)

    def _damaged(self, number: int, line: int, cells: list[str], fault: Fault) -> None:
        """A record could not be read: the same, with as many of its cells as there are."""
        if self._records is None:
            raise WorkerBroke("a record was damaged before the first look began")
        width = len(self._records.columns)
        padded = [*cells, *[""] * width][:width]
        self._failed(((number, line),), (fault,), (self._records.completed(number, padded),))

    def _remarked(self, number: int, line: int, fault: Fault) -> None:
        """A record was read, and something about it should be looked at."""
        self.scratch.findings.add(fault, ((number, line),))

    def _keys_of(self, records: Sequence[Sequence[str]]) -> list[str]:
        """The orders that some records have rows in; none where that cannot be told."""
        if self._bound is None:
            return []
        try:
            rows = self._bound.cells_of(records, self._identifiers)
        except EXPRESSION_FAILURES:
            return []
        keys = (self.rules.key([*map(_written, row, self.rules.columns)]) for row in rows)
        return list(dict.fromkeys(filter(None, keys)))

    def _look_again(self, look: FirstLook) -> bool:
        for key, number, line in self.scratch.scatter(self.job.max_rows):
            self.scratch.findings.add(oversize(self.job.max_rows), ((number, line),))
            self.scratch.blame(key, number)
        policy = "send" if self.job.again else self.feed.sent_before
        recall(look, self.job.scratch, policy, self.ask, self.job.now)
        self.scratch.spread_bad()
        if not self.scratch.unsettled():
            return False
        again = SecondLook(look)
        again.run()
        return again.entangled

    def _counts(self, look: FirstLook, records: int) -> Counts:
        """Count how the records ended.

        Raises:
            WorkerBroke: some record ended in no way or in two.
        """
        tally = look.tally
        shared, kept_back, sent = self.scratch.shared_fates()
        tally.kept_back += kept_back
        tally.sent += sent
        tally.repeated += shared - kept_back - sent
        ended = (tally.sent, tally.kept_back, tally.repeated)
        if look.used != sum(ended) or min(ended) < 0:
            words = "{} sent, {} kept back, {} repeated".format(*ended)
            raise WorkerBroke(f"the counts do not balance: {look.used} records used, but {words}")
        orders, bad = self.scratch.orders()
        rows = sum(file.rows for file in self.drafts.files)
        return Counts(records, *ended, records - look.used, rows, orders, bad)

    def _ended(
        self,
        stream: BinaryIO,
        source: OpenedFile,
        counts: Counts,
        *,
        entangled: bool,
    ) -> Prepared:
        verdict, reason = judged(counts, self.feed.bad_rows, entangled=entangled)
        if counts.records and not (counts.rows or counts.kept_back or counts.repeated):
            self.scratch.findings.add(_NOTHING, ())
        shown = first_rows(self.drafts.files, self.job.preview_rows)
        drafts = lay_out(self.job, self.drafts, self.rules.header) if verdict in ("ready", "hold") else ()
        if fault := too_large(self.job, drafts):
            self.scratch.findings.add(fault, ())
            verdict, reason, drafts = "refused", fault.words, ()
        refused = verdict == "refused"
        rejects = self.papers.rejects(stream, source, everything=refused) if counts.kept_back else ""
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
            self.scratch.findings.groups(),
            self.papers.findings(),
            self.papers.orders(self.drafts) if drafts else "",
            rejects,
            header=self.rules.header,
            first_rows=shown,
            peak_memory=peak_memory(),
            **self._seen(),
        )

    def _seen(self) -> _Seen:
        """Tell what was found out about the file, as far as it could be opened."""
        source, bound = self._source, self._bound
        if source is None:
            return _Seen(columns=(), columns_unused=(), detected=UNSEEN)
        used = None if bound is None or bound.bound.travels else bound.bound.used
        unused = tuple(name for name in source.columns if used is not None and name not in used)
        return _Seen(columns=source.columns, columns_unused=unused, detected=source.detected)

    def _refused(self, refused: RefusedFile) -> Prepared:
        for found in refused.findings:
            fault = Fault(found.code, found.words, found.mend, found.found, found.field)
            self.scratch.findings.add(fault, (), place=found.place)
        first = next((found for found in refused.findings if found.severity is Severity.ERROR), None)
        reason = first.words if first else "the file cannot be used"
        groups, findings = self.scratch.findings.groups(), self.papers.findings()
        seen = self._seen()
        return Prepared("refused", reason, Counts(), (), groups, findings, peak_memory=peak_memory(), **seen)


def _written(text: str, rule: Callable[[str], str | Fault]) -> str:
    """Write a cell as in a batch, or as it stands where it cannot be in one."""
    cell = rule(text)
    return text if isinstance(cell, Fault) else encode(cell)


def peak_memory() -> int:
    """The most memory this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _nobody(_marks: Path) -> None:
    """Know of nothing that was sent before."""


def prepare(job: Job, progress: Callable[[int], None], ask: Ask = _nobody) -> Prepared:
    """Prepare one file; `ask` tells what was sent of its orders before, see `agent.preparing.recalling`.

    Raises:
        TemplateRefusedError: the template cannot be used at all.
        WorkerBroke: the counts do not balance: nothing may be sent.
    """
    return Preparation(job, progress, ask).run()
