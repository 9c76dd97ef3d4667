"""Close: tell people what became of a file, in its feed's folder; archive all of it when its batches ended.

Telling comes before the ledger's word for it, and is done again whole after a crash: every file is written
beside its place and renamed, and nothing that is there already is overwritten but our own report.
"""

from __future__ import annotations

import io
import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.errors import SpoolError
from agent.feedback.report import render_text, write_html
from agent.feedback.story import Delivery, Files, Story
from agent.ledger.transition import Transition
from agent.model import Paper
from agent.spool import disk
from agent.states import ENDED, BatchState, SubmissionState

if TYPE_CHECKING:
    from pathlib import Path

    from agent.model import Submission
    from agent.stages.context import Context

_NAME = 200  # bytes of the original's name kept in the folder's


def close(context: Context, submission: str) -> Transition:
    """Tell where a submission stands; close and archive it when every batch has ended.

    Raises:
        SpoolError: the folder or the archive could not be written.

    """
    begun = context.now()
    found = context.ledger.submission(submission)
    if found is None:
        raise LookupError(f"there is no submission {submission}")
    batches = context.ledger.batches_of(submission)
    ended = found.state == SubmissionState.PREPARED and all(batch.state in ENDED for batch in batches)
    story = make_story(context, found)
    place = _Place(context, found, story.files.folder)
    place.tell(story, final=ended or found.state != SubmissionState.PREPARED)
    if not ended:  # as of when it began to look: what changed meanwhile is told again
        told_at = max([begun, found.updated_at, *(batch.updated_at for batch in batches)])
        return Transition(submission, "submission", "told", told_at=told_at)
    day = datetime.fromtimestamp(found.received_at, UTC).strftime("%Y/%m/%d")
    papers = context.spool.archive(day, submission, _to_archive(context, found, story))
    return Transition(
        submission,
        "submission",
        "closed",
        reason=found.reason,
        papers=tuple(papers),
        told_at=found.updated_at,
    )


def make_story(context: Context, submission: Submission) -> Story:
    """Put together everything that is told about a submission."""
    ledger = context.ledger
    deliveries = tuple(
        Delivery(batch, ledger.attempts(batch.id)) for batch in ledger.batches_of(submission.id)
    )
    papers = {paper.kind: paper for paper in _current(ledger.papers(submission.id), submission)}
    findings = papers.get("findings")
    story = Story(
        submission=submission,
        deliveries=deliveries,
        groups=ledger.groups(submission.id),
        findings=context.spool.path(findings.path) if findings else None,
        first=ledger.submission(submission.duplicate_of) if submission.duplicate_of else None,
        told_at=context.now(),
        zone=None,
    )
    return replace(story, files=_files(story, rejects="rejects" in papers))


def _current(papers: tuple[Paper, ...], submission: Submission) -> list[Paper]:
    """Leave out what an earlier generation of the submission has left."""
    home = f"spool/papers/{submission.id}/"
    return [
        paper
        for paper in papers
        if not paper.path.startswith(home) or paper.path.startswith(f"{home}{submission.generation}-")
    ]


def _went_well(story: Story) -> bool:
    """Whether nobody has to do anything."""
    states = {delivery.batch.state for delivery in story.deliveries}
    closed = story.submission.state in (SubmissionState.PREPARED, SubmissionState.CLOSED)
    return closed and states <= {BatchState.SENT} and not story.counts.kept_back


def _files(story: Story, *, rejects: bool) -> Files:
    """Say what lies where: one sub-folder of `done` or `attention` for each file; the original comes last."""
    submission = story.submission
    if submission.state == SubmissionState.RECEIVED:
        return Files()
    name = submission.name.encode()[:_NAME].decode(errors="ignore").replace("/", "_")
    ended = all(delivery.batch.state in ENDED for delivery in story.deliveries)
    return Files(
        folder=f"{'done' if _went_well(story) else 'attention'}/{submission.id}--{name}",
        original=submission.name if ended else "",
        rejects=_rejects_name(submission) if rejects else "",
    )


def _rejects_name(submission: Submission) -> str:
    stem, dot, extension = submission.name.rpartition(".")
    return f"{stem or extension}.rejects{dot}{extension if stem else ''}"


def _to_archive(context: Context, submission: Submission, story: Story) -> list[tuple[str, Paper]]:
    """Everything worth keeping, each under a plain name."""
    kept: dict[str, Paper] = {}
    original = context.spool.path(f"spool/obj/{submission.sha256}")
    if original.exists():
        digest, size = disk.digest_at(original)
        kept["original"] = Paper("original", f"spool/obj/{submission.sha256}", digest, size)
    for paper in _current(context.ledger.papers(submission.id), submission):
        if paper.path.startswith("spool/"):
            kept[paper.kind] = paper
    for delivery in story.deliveries:
        batch = delivery.batch
        kept[f"batch-{batch.number}-{batch.name}"] = Paper("batch", batch.path, batch.sha256, batch.size)
    report = context.spool.write(f"spool/papers/{submission.id}/report.html", _html(story).encode())
    kept["report.html"] = report.paper("report")
    return list(kept.items())


def _html(story: Story) -> str:
    text = io.StringIO()
    write_html(story, text)
    return text.getvalue()


class _Place:
    """Where in the feed's folder a submission is told about: one sub-folder of `done` or `attention`."""

    def __init__(self, context: Context, submission: Submission, folder: str) -> None:
        self.context, self.submission = context, submission
        self.drop = context.folder(submission.feed)
        self.folder = self.drop / folder
        other = "done" if self.folder.parent.name == "attention" else "attention"
        self.other = self.drop / other / self.folder.name

    def tell(self, story: Story, *, final: bool) -> None:
        """Write the report, and with `final` bring the original and the rejects file along."""
        try:
            self.folder.mkdir(mode=0o775, parents=True, exist_ok=True)
            if final:
                self._bring_original()
            self._bring_rejects()
            told = replace(story, files=replace(story.files, report="report.html"))
            self._write("report.html", _html(told).encode())
            self._write("report.txt", render_text(told).encode())
            disk.fsync_folder(self.folder)
            disk.fsync_folder(self.folder.parent)
            if final:
                self._clear_the_other()
        except OSError as error:
            where = f"the folder {self.folder.parent.name} of feed {self.submission.feed}"
            raise SpoolError(f"{where} cannot be written: {error.strerror}") from error

    def _write(self, name: str, content: bytes) -> None:
        partial = self.folder / f".{name}.partial"
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.folder / name)

    def _bring_rejects(self) -> None:
        papers = _current(self.context.ledger.papers(self.submission.id), self.submission)
        rejects = next((paper for paper in papers if paper.kind == "rejects"), None)
        name = _rejects_name(self.submission)
        if rejects is not None and not (self.folder / name).exists():
            self._write(name, self.context.spool.path(rejects.path).read_bytes())

    def _bring_original(self) -> None:
        """Move the dropped file out of `working/`; one that is gone, or was moved before, is no matter."""
        target = self.folder / self.submission.name.replace("/", "_")
        for candidate in self._originals():
            if not target.exists():
                candidate.rename(target)

    def _originals(self) -> list[Path]:
        working = sorted((self.drop / "working").glob(f"{self.submission.id}--*"))
        moved = self.other / self.submission.name
        return [*working, *([moved] if moved.exists() else [])]

    def _clear_the_other(self) -> None:
        """Take away our own earlier words in the other folder; what people have put there stays."""
        for name in ("report.html", "report.txt", _rejects_name(self.submission)):
            (self.other / name).unlink(missing_ok=True)
        try:
            self.other.rmdir()
        except OSError:
            return  # not there, or somebody else's files are in it
