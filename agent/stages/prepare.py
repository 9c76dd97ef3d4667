"""Prepare: a received file becomes checked batches in the spool, or goes aside with its findings.

The work is done in a limited child process; this stage only gives the job, publishes what came out and says
what follows. A file that breaks the child twice is quarantined, so that the rest goes on; where the machine
is at fault (a full disk, no process to be had) the file is not blamed.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from agent import __version__
from agent.errors import SettingsError, SpoolError, WorkerBroke
from agent.impact.batchfile import batch_name
from agent.ledger.ids import BatchOrigin, batch_id
from agent.ledger.transition import Transition
from agent.model import Batch, Counts, Fault, FindingGroup, Severity
from agent.preparing.checking import template_text
from agent.preparing.job import Job
from agent.preparing.remembered import orders_by_draft
from agent.recalling import recalling
from agent.settings.tables import tables_of
from agent.spool import NoRoomError
from agent.states import BatchState
from agent.workers import TemplateUnusableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.model import Paper, Submission
    from agent.preparing.job import Prepared
    from agent.settings.models import Feed, Settings
    from agent.stages.context import Context

_TRIES = 2  # a file that broke the worker so often is quarantined
_ROOM = 4 * 2**20  # bytes; with less left on the disk it was the disk that broke the worker


def prepare(
    context: Context, submission: str, progress: Callable[[int], None] = lambda _: None
) -> Transition:
    """Prepare one received submission.

    Raises:
        NoRoomError: the disk is full; nothing is wrong with the file.
        SpoolError: what came out could not be kept.

    """
    received = context.ledger.submission(submission)
    if received is None:
        raise LookupError(f"there is no submission {submission}")
    feed = context.feed(received.feed)
    if feed is None:
        return _refused(received, "the settings no longer have this feed; add it again and release the file")
    try:
        source = context.spool.verify(f"spool/obj/{received.sha256}", received.sha256)
    except SpoolError as error:
        if isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, FileNotFoundError):
            raise  # the disk does not let us read it
        words = f"the agent's copy of this file is no longer what was taken: {error}"
        return _quarantined(received, "Q-ALTERED", words, "drop the file again; cancel this one")
    scratch = context.spool.scratch()
    try:
        job = replace(
            job_of(context.settings, feed, source, scratch),
            now=received.received_at,
            again=_on_purpose(context, received),
        )
        return _prepared(context, received, job, progress)
    except (TemplateUnusableError, SettingsError) as error:
        return _refused(received, f"the feed's template cannot be used: {error}")
    except WorkerBroke as error:
        _blame_a_full_disk(scratch)
        return _broke(received, error)
    finally:
        context.spool.discard(scratch)


def _on_purpose(context: Context, received: Submission) -> bool:
    """Tell whether what was sent before is to be sent again.

    Either the same bytes came before, and a person or the feed lets them go out again; or a person has released the
    file who was told that its orders had been sent.
    """
    first = context.ledger.same_bytes(received.feed, received.sha256)
    if first is not None and first.id != received.id:
        return True
    return any(group.code == "E-RESENT" for group in context.ledger.groups(received.id))


def job_of(settings: Settings, feed: Feed, source: Path, scratch: Path) -> Job:
    """Put together what the preparing process needs to know.

    Raises:
        SettingsError: a template or table cannot be found or read.

    """
    destination = settings.destinations[feed.destination]
    return Job(
        feed=feed,
        template=_template(feed.template, settings),
        layout=_template(feed.layout, settings) if feed.layout else "",
        source=source,
        scratch=scratch,
        max_rows=min(feed.max_rows, destination.max_rows or feed.max_rows),
        max_size=destination.max_size,
        tables=tables_of(feed, settings.folder, settings.texts),
    )


def _template(name: str, settings: Settings) -> str:
    known = settings.texts.get(name)
    return template_text(name, settings.folder) if known is None else known


def _refused(received: Submission, reason: str) -> Transition:
    group = FindingGroup("C-FEED", Severity.ERROR, "", 1, reason, "mend the settings, then release the file")
    return Transition(
        received.id, "submission", "rejected", reason=reason, groups=(group,), counts=Counts(), tries=0
    )


def _broke(received: Submission, error: WorkerBroke) -> Transition:
    tries = received.tries + 1
    if tries < _TRIES:
        return Transition(received.id, "submission", "broke", note=str(error), tries=tries)
    words = f"preparing this file broke the agent's worker {tries} times: {error}"
    return replace(
        _quarantined(received, "Q-BROKE", words, "look at the file, or raise the limits"), tries=tries
    )


def _quarantined(received: Submission, code: str, words: str, mend: str) -> Transition:
    group = FindingGroup(code, Severity.ERROR, "", 1, words, mend)
    return Transition(
        received.id, "submission", "quarantined", reason=words, groups=(group,), counts=Counts()
    )


def _blame_a_full_disk(scratch: Path) -> None:
    """Tell a worker that a full disk broke from one that a file broke."""
    found = os.statvfs(scratch)
    if found.f_bavail * found.f_frsize < _ROOM or (found.f_files and not found.f_favail):
        raise NoRoomError("cannot prepare files: the disk is full; make room")


def _prepared(
    context: Context, received: Submission, job: Job, progress: Callable[[int], None]
) -> Transition:
    """Have the work done, put everything on disk under its final name, then say so."""
    ask = recalling(context.ledger, job.feed.destination)
    prepared = context.workers.prepare(job, progress, ask)
    refused = prepared.verdict == "refused"
    batches = () if refused else _batches(context, received, job, prepared)
    if isinstance(batches, Fault):
        return _refused(received, batches.words)
    drafts = zip(prepared.drafts, batches, strict=True)
    pairs = [(job.scratch / draft.file, batch.path) for draft, batch in drafts]
    papers = _published(context, received, pairs, _papers(job, prepared))
    _remember(context, job, prepared, batches)
    return Transition(
        received.id,
        "submission",
        _event(prepared),
        reason=prepared.reason,
        counts=prepared.counts,
        groups=prepared.groups,
        papers=papers,
        new_batches=batches,
        tries=0,
    )


def _remember(context: Context, job: Job, prepared: Prepared, batches: Sequence[Batch]) -> None:
    """Keep what is sent of each order, before the ledger knows the batches; it does not count until then."""
    if batches:
        for number, orders in orders_by_draft(job.scratch / prepared.orders_file):
            context.ledger.remember(batches[number].path, job.feed.level, orders)


def _event(prepared: Prepared) -> str:
    """Tell what became of the file: what is unsafe is not given back to be mended, but set aside."""
    if prepared.verdict != "refused":
        return "prepared"
    unsafe = any(group.code.startswith("Q-") for group in prepared.groups)
    return "quarantined" if unsafe else "rejected"


def _papers(job: Job, prepared: Prepared) -> dict[str, Path]:
    """Return where the papers are that came out, by kind; one without contents is none."""
    named = {"findings": prepared.findings_file, "rejects": prepared.rejects_file}
    there = {kind: job.scratch / file for kind, file in named.items() if file}
    return {kind: path for kind, path in there.items() if path.stat().st_size}


def _published(
    context: Context, received: Submission, batches: list[tuple[Path, str]], papers: dict[str, Path]
) -> tuple[Paper, ...]:
    """Put batches and papers in their places, all with one sync; return the papers."""
    home = f"spool/papers/{received.id}/{received.generation}"
    named = [(path, f"{home}-{kind}") for kind, path in papers.items()]
    stored = context.spool.publish_all([*batches, *named])[len(batches) :]
    return tuple(one.paper(kind) for kind, one in zip(papers, stored, strict=True))


def _batches(
    context: Context, received: Submission, job: Job, prepared: Prepared
) -> tuple[Batch, ...] | Fault:
    """Give each draft its identity and name; a Fault where no name fits the destination's pattern."""
    feed = job.feed
    destination = context.settings.destinations[feed.destination]
    day = datetime.fromtimestamp(received.received_at, UTC).date()
    held = prepared.verdict == "hold"
    made: list[Batch] = []
    for number, (identity, draft) in enumerate(
        zip(_identities(context, received, job, len(prepared.drafts)), prepared.drafts, strict=True), start=1
    ):
        name = batch_name(feed.name, day, identity, feed.extension, destination.file_pattern)
        if isinstance(name, Fault):
            return name
        now = context.now()
        made.append(
            Batch(
                id=identity,
                submission=received.id,
                destination=feed.destination,
                number=number,
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
                created_at=now,
                updated_at=now,
            )
        )
    return tuple(made)


def _identities(context: Context, received: Submission, job: Job, many: int) -> list[str]:
    """Name the batches by all that makes them what they are, and by how often that went out before.

    The same file that is prepared again on a person's word, or dropped again where the feed allows it, makes
    new batches: the far side may ignore a name that it knows.
    """
    tables = json.dumps(job.tables, sort_keys=True)
    limits = f"{job.max_rows}\n{job.max_size}"
    shape = f"{job.feed.model_dump_json()}\n{job.layout}\n{limits}\n{tables}\n{__version__}"
    origin = BatchOrigin(
        feed=job.feed.name,
        destination=job.feed.destination,
        raw=received.sha256,
        template=hashlib.sha256(job.template.encode()).hexdigest(),
        mapping=hashlib.sha256(shape.encode()).hexdigest(),
        generation=received.generation,
        number=1,
    )
    named = (
        [batch_id(replace(origin, generation=again, number=number)) for number in range(1, many + 1)]
        for again in count(received.generation)
    )
    return next(ids for ids in named if not any(map(context.ledger.batch, ids)))
