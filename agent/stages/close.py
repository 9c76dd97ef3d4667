"""Close: tell people what became of a file, in its feed's folder, and archive everything when all its batches ended.

Telling comes before the ledger's word for it, and is done again whole after a crash: every file is written beside its
place and renamed, and nothing that is there already is overwritten but our own report.
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
    final = ended or found.state != SubmissionState.PREPARED
    place = _Place(context, found, "done" if final and _went_well(story) else "attention")
    place.tell(story, final=final)
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
    return Story(
        submission=submission,
        deliveries=deliveries,
        groups=ledger.groups(submission.id),
        findings=context.spool.path(findings.path) if findings else None,
        files=Files(
            original=submission.name, rejects=_rejects_name(submission) if "rejects" in papers else ""
        ),
        first=ledger.submission(submission.duplicate_of) if submission.duplicate_of else None,
        told_at=context.now(),
        zone=None,
    )


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

    def __init__(self, context: Context, submission: Submission, kind: str) -> None:
        self.context, self.submission, self.kind = context, submission, kind
        self.drop = context.folder(submission.feed)
        name = submission.name.encode()[:_NAME].decode(errors="ignore").replace("/", "_")
        self.label = f"{submission.id}--{name}"
        self.folder = self.drop / kind / self.label

    def tell(self, story: Story, *, final: bool) -> None:
        """Write the report, and with `final` bring the original and the rejects file along."""
        try:
            self.folder.mkdir(mode=0o775, parents=True, exist_ok=True)
            if final:
                self._bring_original()
            self._bring_rejects()
            files = Files(self.kind, self.submission.name, story.files.rejects, "report.html")
            told = replace(story, files=files)
            self._write("report.html", _html(told).encode())
            self._write("report.txt", render_text(told).encode())
            disk.fsync_folder(self.folder)
            disk.fsync_folder(self.folder.parent)
            if final:
                self._clear_the_other()
        except OSError as error:
            raise SpoolError(
                f"the folder {self.kind} of feed {self.submission.feed} cannot be written: {error.strerror}"
            ) from error

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
        other = "done" if self.kind == "attention" else "attention"
        working = sorted((self.drop / "working").glob(f"{self.submission.id}--*"))
        moved = self.drop / other / self.label / self.submission.name
        return [*working, *([moved] if moved.exists() else [])]

    def _clear_the_other(self) -> None:
        """Take away our own earlier words in the other folder; what people have put there stays."""
        other = self.drop / ("done" if self.kind == "attention" else "attention") / self.label
        for name in ("report.html", "report.txt", _rejects_name(self.submission)):
            (other / name).unlink(missing_ok=True)
        try:
            other.rmdir()
        except OSError:
            return  # not there, or somebody else's files are in it
