"""The stage: told in the feed's folder first, archived second, the ledger's word last; so it can be redone.

What is archived does not depend on when: done again after a crash, it is the same.
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from agent.errors import SpoolError
from agent.feedback.naming import rejects_name
from agent.feedback.report import render_text, write_html
from agent.ledger.transition import Transition
from agent.model import FindingGroup, Paper, Severity
from agent.spool import NoRoomError
from agent.stages.close.place import Place, written_late
from agent.stages.close.story import LATE, REPORTS, current, make_story, original_name
from agent.states import SubmissionState, ended

if TYPE_CHECKING:
    from pathlib import Path

    from agent.feedback.story import Delivery, Story
    from agent.model import Submission
    from agent.stages.context import Context

_LONGEST = 255  # bytes of a file name


def close(context: Context, submission: str) -> Transition:
    """Tell where a submission stands; close and archive it when every batch has ended.

    Raises:
        DropFolderError: the feed's folder cannot be written.
        SpoolError: the archive could not be written.

    """
    found = context.ledger.submission(submission)
    if found is None:
        raise LookupError(f"there is no submission {submission}")
    if late := _late(context, found):
        return late
    story = make_story(context, found)
    batches = [delivery.batch for delivery in story.deliveries]
    prepared = found.state == SubmissionState.PREPARED
    all_ended = all(map(ended, batches))
    _tell(context, story, final=all_ended or not prepared)
    told_at = max([found.updated_at, found.concern_at, *(batch.updated_at for batch in batches)])
    told = Transition(submission, "submission", "told", told_at=told_at)
    if prepared and not all_ended:
        return told
    if not prepared and found.state != SubmissionState.CLOSED:
        return told
    papers, note = _archived(context, replace(story, told_at=told_at, zone=UTC))
    event = "closed" if prepared else "told"
    return replace(told, event=event, reason=found.reason, note=note, papers=papers)


def _late(context: Context, found: Submission) -> Transition | None:
    """Have the ledger know, before the file is moved on, that somebody wrote to it after it was taken."""
    groups = context.ledger.groups(found.id)
    if not found.sha256 or any(group.code == LATE for group in groups):
        return None
    if not written_late(context.folder(found.feed), found):
        return None
    words = "the file was written to after it was taken; what was added is not in what was sent"
    mend = (
        "have the sender write to a name ending in .part and rename when complete; drop the whole file again"
    )
    late = FindingGroup(LATE, Severity.WARNING, "", 1, words, mend)
    return Transition(
        found.id, "submission", "told", note=LATE, told_at=found.told_at, groups=(*groups, late)
    )


def _tell(context: Context, story: Story, *, final: bool) -> None:
    """Write the report and the rejects file; with `final` bring the original along."""
    submission = story.submission
    ours = _rejects(context, submission)
    with Place(context.folder(submission.feed), story.files.folder) as place:
        if final and story.files.original:
            place.bring_original(
                submission.id, original_name(submission), partial(_spare, context, submission)
            )
        wanted = story.files.rejects
        if wanted in ours and (path := _sound(context, ours[wanted])):
            place.bring(path, wanted)
        older = {name: paper.sha256 for name, paper in ours.items() if name != wanted}
        place.remove_unchanged(older)
        told = replace(story, files=replace(story.files, report=REPORTS[0]))
        place.write(REPORTS[0], lambda out: write_html(told, out))
        place.write(REPORTS[1], lambda out: out.write(render_text(told)))
        place.clear_the_others({name: paper.sha256 for name, paper in ours.items()})


def _rejects(context: Context, submission: Submission) -> dict[str, Paper]:
    """Return the rejects files of all generations by the name people have them under."""
    found = {}
    for generation in range(submission.generation + 1):
        of_then = current(context.ledger.papers(submission.id), replace(submission, generation=generation))
        if "rejects" in of_then:
            paper = of_then["rejects"]
            found[rejects_name(submission.name, generation, paper=paper.path)] = paper
    return found


def _spare(context: Context, submission: Submission) -> Path | None:
    original = current(context.ledger.papers(submission.id), submission).get("original")
    return _sound(context, original) if original else None


def _sound(context: Context, paper: Paper) -> Path | None:
    """Return where a paper is, None when it is gone or no longer what it was.

    Raises:
        SpoolError: the disk does not let us read it.

    """
    try:
        return context.spool.verify(paper.path, paper.sha256)
    except SpoolError as error:
        if isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, FileNotFoundError):
            raise
        return None


def _archived(context: Context, story: Story) -> tuple[tuple[Paper, ...], str]:
    """Archive everything worth keeping; return the papers, and what to say of those that were altered."""
    submission = story.submission
    day = datetime.fromtimestamp(submission.received_at, UTC).strftime("%Y/%m/%d")
    papers, about = _worth_keeping(context, story), _packed(story)
    try:
        return tuple(context.spool.archive(day, submission.id, papers, **about)), ""
    except NoRoomError:
        raise
    except SpoolError:
        sound = [(name, paper) for name, paper in papers if _sound(context, paper)]
        if len(sound) == len(papers):
            raise  # it was the disk
    missing = ", ".join(name for name, paper in papers if (name, paper) not in sound)
    note = f"not archived, because the spool's copy is not what it was: {missing}"
    return tuple(context.spool.archive(day, submission.id, sound, **about)), note


def _packed(story: Story) -> dict[str, object]:
    """Return for the manifest which archive a file was inside, and of an archive what was inside it."""
    submission = story.submission
    told: dict[str, object] = {}
    if submission.archive:
        told["archive"] = {"submission": submission.archive, "member": submission.member}
    if story.inside:
        told["inside"] = [
            {
                "submission": one.submission.id,
                "member": one.submission.member,
                "sha256": one.submission.sha256,
            }
            for one in story.inside
        ]
    return told


def _worth_keeping(context: Context, story: Story) -> list[tuple[str, Paper]]:
    """Return the papers of a submission, each under a plain name."""
    submission = story.submission
    kept = dict(current(context.ledger.papers(submission.id), submission))
    for delivery in story.deliveries:
        batch = delivery.batch
        name = f"batch-{batch.number}-{batch.name}"
        name = name if len(name.encode()) <= _LONGEST else f"batch-{batch.number}"
        kept[name] = Paper("batch", batch.path, batch.sha256, batch.size)
        kept |= _answers(context, delivery)
    page = io.StringIO()
    write_html(story, page)
    told = (("report.html", "report", page.getvalue()), ("receipts.json", "receipt", _receipts(story)))
    for name, kind, text in told:
        stored = context.spool.write(f"spool/papers/{submission.id}/{name}", text.encode())
        kept[name] = stored.paper(kind)
    return list(kept.items())


def _answers(context: Context, delivery: Delivery) -> dict[str, Paper]:
    """Return what came back about a batch, word for word, and the lists of refused rows."""
    kept, batch = {}, delivery.batch
    papers = {paper.path: paper for paper in context.ledger.papers(batch.submission)}
    for place, answer in enumerate(delivery.answers, start=1):
        found = context.ledger.acknowledgement(answer.acknowledgement)
        if found is not None:
            name = f"acknowledgement-{batch.number}-{place}{PurePosixPath(found.path).suffix}"
            kept[name] = Paper("acknowledgement", found.path, found.sha256, found.size)
        if answer.paper in papers:
            kept[f"refused-{batch.number}-{place}.jsonl"] = papers[answer.paper]
    return kept


def _receipts(story: Story) -> str:
    """Write down every attempt with the evidence of its end."""
    attempts = {
        delivery.batch.id: [asdict(attempt) for attempt in delivery.attempts] for delivery in story.deliveries
    }
    return json.dumps(attempts, ensure_ascii=False, indent=2) + "\n"
