"""Unpack one received archive: each file inside becomes a submission of its own, all of them in one transaction.

The order is what makes it safe to die at any point. The files' bytes are on disk in the spool before the ledger
names them, and the ledger names all of them in the transaction in which the archive is unpacked: what is done again
after a crash finds the same bytes there and makes the same ids. What is wrong with one file holds up no other.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from agent.codes import CODES, counted_once, finding
from agent.errors import WorkerBroke
from agent.feedback.repeated import repeated
from agent.ledger.ids import member_id
from agent.ledger.transition import Transition
from agent.model import Fault, FindingGroup, Paper, Submission
from agent.preparing.unpacked import Unpacking
from agent.readers.archive import packing
from agent.spool import disk
from agent.stages.prepare.trying import refused, tried
from agent.states import after

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from agent.model import Finding
    from agent.preparing.unpacked import Member, Unpacked
    from agent.settings.models import Feed
    from agent.stages.context import Context

_SAID = {
    "E-INSIDE": ("files of this archive were set aside", "look into the folder of each, in attention/"),
    "N-LEFTOUT": ("files of this archive were left out", ""),
}


def unpack(context: Context, submission: str) -> tuple[Transition, ...]:
    """Unpack one received archive; nothing follows where the submission is none, or is to be read in place.

    Raises:
        NoRoomError: the disk is full; nothing is wrong with the file.
        SpoolError: what was inside could not be kept.

    """
    received = context.ledger.submission(submission)
    feed = context.feed(received.feed) if received else None
    if received is None or feed is None or feed.archive != "each" or received.archive:
        return ()
    if not _is_packed(context.spool.path(f"spool/obj/{received.sha256}")):
        return ()
    return tried(context, received, partial(_unpacked, context, received, feed))


def unpacking_of(feed: Feed, source: Path, scratch: Path) -> Unpacking:
    """Put together what the unpacking process needs to know."""
    return Unpacking(source, scratch, feed.name, feed.pattern, feed.max_size)


def _is_packed(path: Path) -> bool:
    """Whether a file begins as an archive does; no more than that is read here."""
    try:
        with disk.opened_plain(path) as fd:
            return packing(os.pread(fd, 4, 0)) == "zip"
    except OSError:  # what is wrong with it is said when it is prepared
        return False


def _unpacked(
    context: Context, received: Submission, feed: Feed, source: Path, scratch: Path
) -> tuple[Transition, ...]:
    found = context.workers.unpack(unpacking_of(feed, source, scratch))
    if found.refused:
        unsafe = any(fault.code.startswith("Q-") for fault in found.refused)
        return (refused(received, "quarantined" if unsafe else "rejected", *found.refused),)
    if not found.members:
        return ()  # a workbook, which is packed as well
    inside = _Inside(context, received, feed, scratch)
    made = [inside.made(number, member) for number, member in enumerate(found.members, start=1)]
    findings = list(_findings(found, made))
    papers = (_listed(context, received, findings, scratch),) if findings else ()
    context.spool.sync()
    change = Transition(
        received.id,
        "submission",
        "unpacked",
        note=f"{len(made)} inside",
        groups=tuple(_groups(findings)),
        papers=papers,
        tries=0,
    )
    return (change, *made)


class _Inside:
    """Makes submissions of the files inside one archive."""

    def __init__(self, context: Context, archive: Submission, feed: Feed, scratch: Path) -> None:
        self._context, self._archive, self._feed, self._scratch = context, archive, feed, scratch
        self._first: dict[str, Submission] = {}  # in this archive, by digest
        # Who lets go an archive that came before means that all of it goes once more.
        self._meant = feed.allow_duplicates or bool(archive.duplicate_of and archive.generation)

    def made(self, number: int, member: Member) -> Transition:
        """Make the submission of one file; its bytes are in the spool, if it was unpacked."""
        paper = self._kept(member) if member.file else None
        fault, event = member.fault, "taken"
        if fault is not None:
            event = "quarantined" if fault.code.startswith("Q-") else "refused-unread"
        first = self._same_bytes(paper.sha256) if paper and fault is None else None
        if first is not None:
            fault, event = self._repeated(first), "repeated"
        new = self._submission(number, member, event, paper, first)
        if event == "taken":
            self._first[new.sha256] = new
        return Transition(
            new.id,
            "submission",
            event,
            reason=fault.words if fault else "",
            note=fault.code if fault else f"inside {self._archive.id}",
            new_submission=new,
            first_of_its_bytes=event == "taken" and not self._meant,
            groups=(counted_once(fault),) if fault else None,
            papers=(paper,) if paper else (),
        )

    def _kept(self, member: Member) -> Paper:
        """Bring a file's bytes into the spool as those of a dropped one."""
        spool = self._context.spool
        with disk.opened_plain(self._scratch / member.file) as fd:
            copy = spool.take(fd, limit=self._feed.max_size)
        if copy is None:
            raise WorkerBroke("the preparing process unpacked more than it was asked for")
        return Paper("original", spool.keep(copy), copy.sha256, copy.size)

    def _same_bytes(self, sha256: str) -> Submission | None:
        if self._feed.allow_duplicates:
            return None
        known = None if self._meant else self._context.ledger.same_bytes(self._feed.name, sha256)
        return self._first.get(sha256) or known

    def _repeated(self, first: Submission) -> Fault:
        batches = self._context.ledger.batches_of(first.id)
        return repeated(first, batches[0].id if batches else "")

    def _submission(
        self, number: int, member: Member, event: str, paper: Paper | None, first: Submission | None
    ) -> Submission:
        size = paper.size if paper else member.size
        return Submission(
            id=member_id(self._archive.id, number),
            feed=self._feed.name,
            name=member.name,
            state=after("", event),
            reason="",
            received_at=self._archive.received_at,  # so that it has the archive's place among the files
            updated_at=self._context.now(),
            sha256=paper.sha256 if paper else "",
            size=size,
            fingerprint=f"0:0:{size}:0",
            duplicate_of=first.id if first else "",
            archive=self._archive.id,
            member=member.path,
        )


def _findings(found: Unpacked, made: Iterable[Transition]) -> Iterator[Finding]:
    """Say of the archive which of its files need somebody, and what was left out of it."""
    for change in made:
        if change.event != "taken" and change.new_submission:
            yield finding(
                Fault("E-INSIDE", f"{change.note}: {change.reason}"), place=change.new_submission.member
            )
    for name in found.left_out:
        yield finding(Fault("N-LEFTOUT", "ignored by rule"), place=name)


def _groups(findings: Iterable[Finding]) -> Iterator[FindingGroup]:
    for code, many in Counter(one.code for one in findings).items():
        words, mend = _SAID[code]
        yield FindingGroup(code, CODES[code].severity, "", many, words, mend)


def _listed(context: Context, received: Submission, findings: Iterable[Finding], scratch: Path) -> Paper:
    """Keep the findings about an archive as those about any file."""
    path = scratch / "findings"
    with disk.said_plainly("write findings"):
        path.write_text("".join(json.dumps(asdict(one)) + "\n" for one in findings), encoding="utf-8")
    stored = context.spool.publish(path, f"spool/papers/{received.id}/{received.generation}-findings")
    return stored.paper("findings")
