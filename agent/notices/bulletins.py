"""Puts together what is told at once, with the report of a file where it is told alone."""

from __future__ import annotations

import hashlib
import socket
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.errors import SpoolError
from agent.feedback.listing import ROWS
from agent.feedback.report import write_html
from agent.notices import writing
from agent.ways.base import Bulletin, Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.feedback.story import Story
    from agent.model import Notice
    from agent.settings.models import WayOptions
    from agent.stages.context import Context
    from agent.ways.base import Item

MOST = 50  # things told one by one
_CAPS = (ROWS, 20)  # rows of each group in a report, and where it gets too large with these
LARGEST = 2 * 2**20  # bytes of a report that goes along


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice that is about to be told."""

    notice: Notice
    item: Item
    sign: str  # what of it is news when it changes, as it stands now
    story: Story | None = None  # of a file


@contextmanager
def bulletin(
    context: Context, options: WayOptions, addressees: tuple[str, ...], drafts: Sequence[Draft]
) -> Iterator[Bulletin]:
    """Put drafts together; the report that goes along is there until this is left."""
    items, more = tuple(draft.item for draft in drafts[:MOST]), max(len(drafts) - MOST, 0)
    alone = drafts[0].story if len(drafts) == 1 and options.with_report else None
    with ExitStack() as stack:
        report = _report(context, alone, stack) if alone else None
        yield Bulletin(
            id=_id(options.place, drafts),
            made_at=context.now(),
            addressees=addressees,
            subject=writing.subject(items, more),
            text=writing.text(items, more, report=report is not None, host=socket.gethostname()),
            items=items,
            more=more,
            report=report,
        )


def _id(place: str, drafts: Sequence[Draft]) -> str:
    """Name what is told; the same when it is told again because the agent died before it was noted."""
    told = sorted(f"{one.notice.about}\n{one.notice.owed_at!r}\n{one.notice.over_at!r}" for one in drafts)
    return hashlib.sha256("\n\n".join([place, *told]).encode()).hexdigest()[:32]


def _report(context: Context, story: Story, stack: ExitStack) -> Report | None:
    """Draw the report of a file; None where that cannot be, or it is too large: it lies in the folder, too."""
    with suppress(SpoolError, OSError):
        folder = context.spool.scratch()
        stack.callback(_discard, context, folder)
        for cap in _CAPS:
            path = _drawn(folder / f"{cap}.html", story, cap)
            content = path.read_bytes() if path.stat().st_size <= LARGEST else b""
            if content:
                name = f"report-{story.submission.id}.html"
                return Report(name, path, len(content), hashlib.sha256(content).hexdigest())
    return None


def _drawn(path: Path, story: Story, cap: int) -> Path:
    with path.open("w", encoding="utf-8", errors="replace") as page:
        write_html(story, page, cap)
    return path


def _discard(context: Context, folder: Path) -> None:
    with suppress(SpoolError):  # it is scratch: swept later
        context.spool.discard(folder)
