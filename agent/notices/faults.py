"""What operators have to hear of: destinations and sources in trouble, answers that are overdue, what the board says.

Destinations are judged by the ledger alone. What cannot be judged just now, because an attempt is under way,
stays as it was told.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.feedback.wording import count
from agent.notices import course
from agent.notices.board import MACHINE, Concern
from agent.notices.course import Changes
from agent.states import CONCERNS, BatchState

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.model import Batch, Notice
    from agent.notices.board import Board
    from agent.settings.models import Settings, WayOptions
    from agent.stages.context import Context

PASSING = 900.0  # seconds that what may pass by itself has to last until it is told
_FEW = 200  # batches looked at that wait for their turn: those that were tried are the oldest
_OF_PEOPLE = ("file:", "dropped:")  # what those hear who drop files
_STATES = {
    BatchState.FAILED: "not delivered",
    BatchState.IN_DOUBT: "may or may not have arrived",
    BatchState.HELD: "held",
}


@dataclass(slots=True)
class _Standing:
    """What is wrong now, and what cannot be judged now."""

    concerns: dict[str, Concern] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)


def is_of_people(about: str) -> bool:
    """Whether those are told who drop files, not those who run the agent."""
    return about.startswith(_OF_PEOPLE)


def feed_of(about: str) -> str:
    """Return the feed of something found in a drop folder; "" for anything else."""
    kind, _, name = about.partition(":")
    return name.partition("/")[0] if kind == "dropped" else ""


def look(context: Context, options: WayOptions, board: Board) -> Changes:
    """Return what changes for all that is no file in the ledger."""
    changes, now = Changes(), context.now()
    lasting = {one.about: one for one in context.ledger.notices_lasting(options.place)}
    standing = _standing(context, board, lasting)
    for about, concern in standing.concerns.items():
        if about != MACHINE and _wanted(context, options, about):
            old = lasting.get(about) or context.ledger.notice(options.place, about)
            changes.add(course.found(old, concern, options.place, now) or _again(old, options, now))
    for about, old in lasting.items():
        if about not in standing.concerns and about not in standing.unsure:
            _if_over(context, old, board, changes)
    return changes


def _again(old: Notice | None, options: WayOptions, now: float) -> Notice | None:
    if old is None or is_of_people(old.about):
        return None
    return course.again(old, options.repeat, now)


def _if_over(context: Context, old: Notice, board: Board, changes: Changes) -> None:
    by_ledger = old.about.startswith(("destination:", "answers:"))
    if by_ledger or board.is_well(old.about) or not _is_there(context.settings, old.about):
        course.over(old, "", old.sign, context.now(), changes)


def _wanted(context: Context, options: WayOptions, about: str) -> bool:
    of_people = is_of_people(about)
    if options.tells != "both" and of_people != (options.tells == "files"):
        return False
    feed = context.feed(feed_of(about)) if of_people else None
    return options.addressees(feed) is not None


def _is_there(settings: Settings, about: str) -> bool:
    """Whether the settings still have what something is about."""
    kind, _, name = about.partition(":")
    if kind == "source":
        return any(one.place == name for one in settings.acknowledgements)
    if kind in {"folder", "shelf", "dropped"}:
        return name.partition("/")[0] in settings.feeds
    return True


def _standing(context: Context, board: Board, told: Collection[str]) -> _Standing:
    """Find what is wrong now; `told`: what was before, of which it matters that it cannot be judged."""
    of_board = board.standing().items()
    standing = _Standing(
        {about: concern for about, concern in of_board if _is_there(context.settings, about)}
    )
    stranded = {name for name, _ in context.ledger.batches_by_destination(CONCERNS)}
    for name in sorted({*context.settings.destinations, *stranded}):
        _judge(context, name, standing, told)
    overdue = context.ledger.overdue()
    for name, late in Counter(one.destination for one in overdue).items():
        about = f"answers:{name}"
        first = next(one for one in overdue if one.destination == name)
        verb = "has" if late == 1 else "have"
        words = f"{count(late, 'batch', 'batches')} {verb} no answer in time: {first.reason}"
        standing.concerns[about] = Concern(about, words)
    return standing


def _judge(context: Context, name: str, standing: _Standing, told: Collection[str]) -> None:
    """Judge a destination by its batches; those that a person held back before any attempt say nothing of it."""
    about, gone = f"destination:{name}", name not in context.settings.destinations
    stuck = [one for one in context.ledger.batches(CONCERNS, name) if one.tries or gone]
    if stuck:
        standing.concerns[about] = _stuck(about, stuck)
    elif waiting := context.ledger.batches([BatchState.DEFERRED], name, limit=1):
        words = f"nothing gets through: {waiting[0].reason}"
        standing.concerns[about] = Concern(about, words, BatchState.DEFERRED, PASSING)
    elif about in told and _is_being_tried(context, name):
        standing.unsure.add(about)


def _is_being_tried(context: Context, name: str) -> bool:
    """Whether an attempt that is under way, or the next, will tell how it stands."""
    ready = context.ledger.batches([BatchState.READY], name, limit=_FEW)
    sending = context.ledger.batches([BatchState.SENDING], name, limit=_FEW)
    return any(one.tries for one in ready) or any(one.tries > 1 for one in sending)


def _stuck(about: str, stuck: list[Batch]) -> Concern:
    numbers = Counter(one.state for one in stuck)
    told = [f"{count(numbers[s], 'batch', 'batches')} {words}" for s, words in _STATES.items() if numbers[s]]
    latest = max(stuck, key=lambda one: one.updated_at)
    sign = " ".join(sorted(numbers))
    return Concern(about, f"{', '.join(told)}; the latest: {latest.reason}", sign)
