"""Prepare: a received file becomes checked batches in the spool, or goes aside with its findings.

The work is done in a limited child process; this stage only gives the job, publishes what came out and says what
follows. A file that breaks the child twice is quarantined, so that the rest goes on.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent import __version__
from agent.errors import SettingsError, WorkerBroke
from agent.impact.batchfile import batch_name
from agent.ledger.ids import BatchOrigin, batch_id
from agent.ledger.transition import Transition
from agent.model import Batch, Fault, FindingGroup, Paper, Severity, Submission
from agent.preparing.job import Job, Prepared
from agent.settings.shipped import find_template
from agent.states import BatchState
from agent.workers import TemplateUnusableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.settings.models import Feed, Settings
    from agent.stages.context import Context

_TRIES = 2  # a file that broke the worker so often is quarantined


def prepare(
    context: Context, submission: str, progress: Callable[[int], None] = lambda _: None
) -> Transition:
    """Prepare one received submission.

    Raises:
        SpoolError: what came out could not be kept.

    """
    received = context.ledger.submission(submission)
    if received is None:
        raise LookupError(f"there is no submission {submission}")
    feed = context.feed(received.feed)
    if feed is None:
        return _rejected(received, "the settings no longer have this feed; add it again and release the file")
    scratch = context.spool.scratch()
    try:
        job = job_of(context.settings, feed, context.spool.path(f"spool/obj/{received.sha256}"), scratch)
        prepared = context.workers.prepare(job, progress)
        return _published(context, received, feed, job, prepared)
    except (TemplateUnusableError, SettingsError) as error:
        return _rejected(received, f"the feed's template cannot be used: {error}")
    except WorkerBroke as error:
        return _broke(received, error)
    finally:
        context.spool.discard(scratch)


def job_of(settings: Settings, feed: Feed, source: Path, scratch: Path) -> Job:
    """Put together what the preparing process needs to know.

    Raises:
        SettingsError: a template cannot be found or read.

    """
    destination = settings.destinations[feed.destination]
    return Job(
        feed=feed,
        template=_template(feed.template, settings.folder),
        layout=_template(feed.layout, settings.folder) if feed.layout else "",
        source=source,
        scratch=scratch,
        max_rows=min(feed.max_rows, destination.max_rows or feed.max_rows),
    )


def _template(name: str, folder: Path) -> str:
    return find_template(name, folder).read_text(encoding="utf-8")


def _rejected(received: Submission, reason: str) -> Transition:
    group = FindingGroup("C-FEED", Severity.ERROR, "", 1, reason, "mend the settings, then release the file")
    return Transition(received.id, "submission", "rejected", reason=reason, groups=(group,))


def _broke(received: Submission, error: WorkerBroke) -> Transition:
    tries = received.tries + 1
    if tries < _TRIES:
        return Transition(received.id, "submission", "broke", note=str(error), tries=tries)
    words = f"preparing this file broke the agent's worker {tries} times: {error}"
    group = FindingGroup("Q-BROKE", Severity.ERROR, "", 1, words, "look at the file, or raise the limits")
    return Transition(received.id, "submission", "quarantined", reason=words, tries=tries, groups=(group,))


def _published(
    context: Context, received: Submission, feed: Feed, job: Job, prepared: Prepared
) -> Transition:
    """Put everything on disk under its final name, then say so."""
    papers = _papers(context, received, job, prepared)
    common = Transition(
        received.id,
        "submission",
        "rejected" if prepared.verdict == "refused" else "prepared",
        reason=prepared.reason,
        counts=prepared.counts,
        groups=prepared.groups,
        papers=papers,
        tries=0,
    )
    if prepared.verdict == "refused":
        return common
    batches = [
        _batch(context, received, feed, job, number, prepared) for number in range(len(prepared.drafts))
    ]
    faults = [batch for batch in batches if isinstance(batch, Fault)]
    if faults:
        return _rejected(received, faults[0].words)
    pairs = [
        (job.scratch / draft.file, batch.path)
        for draft, batch in zip(prepared.drafts, batches, strict=True)
        if isinstance(batch, Batch)
    ]
    context.spool.publish_all(pairs)
    return replace(common, new_batches=tuple(batch for batch in batches if isinstance(batch, Batch)))


def _papers(context: Context, received: Submission, job: Job, prepared: Prepared) -> tuple[Paper, ...]:
    named = (("findings", prepared.findings_file), ("rejects", prepared.rejects_file))
    there = [(kind, file) for kind, file in named if file]
    home = f"spool/papers/{received.id}/{received.generation}"
    stored = context.spool.publish_all([(job.scratch / file, f"{home}-{kind}") for kind, file in there])
    return tuple(one.paper(kind) for (kind, _), one in zip(there, stored, strict=True))


def _batch(
    context: Context, received: Submission, feed: Feed, job: Job, index: int, prepared: Prepared
) -> Batch | Fault:
    draft = prepared.drafts[index]
    day = datetime.fromtimestamp(received.received_at, UTC).date()
    shape = f"{feed.model_dump_json()}\n{job.layout}\n{job.max_rows}\n{__version__}"
    origin = BatchOrigin(
        feed=feed.name,
        destination=feed.destination,
        raw=received.sha256,
        template=hashlib.sha256(job.template.encode()).hexdigest(),
        mapping=hashlib.sha256(shape.encode()).hexdigest(),
        generation=received.generation,
        number=index + 1,
    )
    identity = batch_id(origin)
    pattern = context.settings.destinations[feed.destination].file_pattern
    name = batch_name(feed.name, day, identity, feed.extension, pattern)
    if isinstance(name, Fault):
        return name
    held = prepared.verdict == "hold"
    return Batch(
        id=identity,
        submission=received.id,
        destination=feed.destination,
        number=index + 1,
        name=name,
        path=f"spool/out/{identity}",
        sha256=draft.sha256,
        size=draft.size,
        rows=draft.rows,
        totals=draft.totals,
        state=BatchState.HELD if held else BatchState.READY,
        reason=prepared.reason if held else "",
        due_at=0.0,
        tries=0,
        created_at=context.now(),
        updated_at=context.now(),
    )
