"""What is told about one submission: everything the ledger and the spool have of it, and where it lies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.feedback.answered import needs_a_look
from agent.feedback.naming import rejects_name
from agent.feedback.story import Delivery, Fate, Files, Inside, Story
from agent.states import CONCERNS, SubmissionState, ended

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.model import Batch, Paper, Submission
    from agent.stages.context import Context

LATE = "W-LATEWRITE"
REPORTS = ("report.html", "report.txt")

_NAME = 200  # bytes of the original's name in the name of its sub-folder


def make_story(context: Context, submission: Submission) -> Story:
    """Put together everything that is told about a submission."""
    ledger = context.ledger
    batches = ledger.batches_of(submission.id)
    papers = current(ledger.papers(submission.id), submission)
    findings = papers.get("findings")
    story = Story(
        submission=submission,
        deliveries=tuple(_delivery(context, batch) for batch in batches),
        groups=ledger.groups(submission.id),
        findings=context.spool.path(findings.path) if findings else None,
        first=ledger.submission(submission.duplicate_of) if submission.duplicate_of else None,
        archive=ledger.submission(submission.archive) if submission.archive else None,
        inside=() if batches or submission.archive else tuple(map(Inside, ledger.inside(submission.id))),
        told_at=context.now(),
        zone=None,
    )
    return replace(story, files=_files(story, papers.get("rejects")))


def _delivery(context: Context, batch: Batch) -> Delivery:
    answers = context.ledger.answers(batch.id)
    refusals = tuple(context.spool.path(answer.paper) for answer in answers if answer.paper)
    return Delivery(batch, context.ledger.attempts(batch.id), answers, refusals)


def current(papers: Iterable[Paper], submission: Submission) -> dict[str, Paper]:
    """Return what the spool has of a submission by kind, without what its earlier generations have left."""
    of_generation = f"spool/papers/{submission.id}/{submission.generation}-"
    of_all = ("spool/obj/", of_generation)
    return {paper.kind: paper for paper in papers if paper.path.startswith(of_all)}


def original_name(submission: Submission) -> str:
    """Name the original in its sub-folder: as it was dropped, unless our report has that name."""
    return f"original--{submission.name}" if submission.name in REPORTS else submission.name


def _files(story: Story, rejects: Paper | None) -> Files:
    """Say what lies where: one sub-folder of `done` or `attention` for each file; the original comes last."""
    submission = story.submission
    if submission.state == SubmissionState.RECEIVED:
        return Files()
    kind = "attention" if _needs_somebody(story) else "done" if _ended(story) else "sent"
    name = submission.name.encode()[:_NAME].decode(errors="ignore")
    return Files(
        folder=f"{kind}/{submission.id}--{name}",
        original=original_name(submission) if _ended(story) and _has_original(submission) else "",
        rejects=rejects_name(submission.name, submission.generation, paper=rejects.path) if rejects else "",
    )


def _has_original(submission: Submission) -> bool:
    """Whether there is a file to lay beside the report: what was not taken out of its archive is nowhere else."""
    return bool(submission.sha256 or not submission.archive)


def _ended(story: Story) -> bool:
    return all(ended(delivery.batch) for delivery in story.deliveries)


def _needs_somebody(story: Story) -> bool:
    """Whether somebody has to do something about it, before it can end or after."""
    aside = story.submission.state not in {SubmissionState.PREPARED, SubmissionState.CLOSED}
    to_mend = story.counts.kept_back and story.arrived
    stuck = story.in_state(*CONCERNS)
    in_doubt = any(delivery.fate is Fate.DOUBT for delivery in story.deliveries)
    late = any(group.code == LATE for group in story.groups)
    return bool(aside or to_mend or stuck or in_doubt or late or needs_a_look(story))
