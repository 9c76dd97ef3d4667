"""Prepare one received file: have it done in a limited process, publish what came out, say what follows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from agent import __version__
from agent.impact.batchfile import batch_name
from agent.ledger.ids import BatchOrigin, batch_id
from agent.ledger.transition import Transition
from agent.model import Batch, Fault
from agent.preparing.checking import template_text
from agent.preparing.job import Job
from agent.preparing.remembered import read_orders
from agent.recalling import recalling
from agent.settings.tables import tables_of
from agent.stages.prepare.trying import tried, unusable
from agent.states import BatchState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.model import Paper, Submission
    from agent.preparing.job import Prepared
    from agent.settings.models import Feed, Settings
    from agent.stages.context import Context


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
        return unusable(received, "the settings no longer have this feed; add it again and release the file")

    def work(source: Path, scratch: Path) -> tuple[Transition, ...]:
        job = job_of(context.settings, feed, source, scratch)
        job = replace(job, now=received.received_at, again=_on_purpose(context, feed, received))
        return (_prepared(context, received, job, progress),)

    (change,) = tried(context, received, work)
    return change


def _on_purpose(context: Context, feed: Feed, received: Submission) -> bool:
    """Tell whether what was sent before is to be sent again.

    A person has let an archive go of which all came before, or a file who was told that its orders had been sent; or
    the same bytes came before, and a person who was told so, or the feed, lets them go out again.
    """
    archive = context.ledger.submission(received.archive) if received.archive else None
    if archive is not None and archive.duplicate_of and not received.generation:
        return True
    if any(group.code == "E-RESENT" for group in context.ledger.groups(received.id)):
        return True
    first = context.ledger.same_bytes(received.feed, received.sha256)
    came_before = first is not None and first.id != received.id
    return came_before and (feed.allow_duplicates or bool(received.duplicate_of))


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


def _prepared(
    context: Context, received: Submission, job: Job, progress: Callable[[int], None]
) -> Transition:
    """Have the work done, put everything on disk under its final name, then say so."""
    ask = recalling(context.ledger, job.feed.destination)
    prepared = context.workers.prepare(job, progress, ask)
    refused = prepared.verdict == "refused"
    batches = () if refused else _batches(context, received, job, prepared)
    if isinstance(batches, Fault):
        return unusable(received, batches.words)
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
        paths = [batch.path for batch in batches]
        context.ledger.remember(job.feed.level, paths, read_orders(job.scratch / prepared.orders_file))


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
    named = [(path, f"{home}-{path.name}") for path in papers.values()]
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
    shape = f"{job.feed.model_dump_json()}\n{job.layout}\n{limits}\n{tables}\n{job.again}\n{__version__}"
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
