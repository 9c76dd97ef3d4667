"""Makes of a notice what is told: a file as it stands now, a fault with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.feedback.cells import origin_words
from agent.feedback.verdict import verdict
from agent.feedback.wording import prose
from agent.notices.faults import feed_of
from agent.notices.files import PREFIX, shelf
from agent.stages.close import make_story
from agent.ways.base import Item

if TYPE_CHECKING:
    from agent.feedback.story import Story
    from agent.model import Notice
    from agent.stages.context import Context
    from agent.ways.base import State

_STATUS = ("impact-agent status", "names what waits")
_FAULTS = {  # by what it is about: its name in words, and what to do
    "destination": (
        "destination {}",
        "Have the cause removed. What waits for a time is tried again by itself, what is held once it is released.",
    ),
    "answers": (
        "impact.com's answers to {}",
        "Look at File Submissions in impact.com, and at where its answers go.",
    ),
    "source": (
        "answers from {}",
        "Have it checked; the agent asks again by itself. Until then no answers come.",
    ),
    "folder": ("drop folder {}", "Nothing is taken from this folder until it can be used."),
    "shelf": (
        "the folders of feed {}",
        "Nothing is lost; people are told in this folder once it can be used.",
    ),
    "settings": (
        "the settings",
        "All work goes on with the old ones. `impact-agent check` names every mistake.",
    ),
    "machine": ("the machine", "Files stay where they are until there is room; then all goes on by itself."),
    "dropped": ("{}", "It is left where it is until then."),
}


def story_of(context: Context, notice: Notice) -> Story | None:
    """Return the story of a notice's file; None where it is about none, or the file stands otherwise just now."""
    found = context.ledger.submission(notice.about.removeprefix(PREFIX))
    story = make_story(context, found) if found and notice.about.startswith(PREFIX) else None
    if story is None or shelf(story) != ("done" if notice.over_at else "attention"):
        return None
    return story


def of_file(story: Story, notice: Notice) -> Item:
    """Make the item of a file."""
    judged, submission = verdict(story), story.submission
    origin = (f"Out of archive {origin_words(story)}.",) if story.archive else ()
    ended = bool(notice.over_at)
    return Item(
        about=notice.about,
        state=("over" if notice.told_at else "done") if ended else ("changed" if notice.told_at else "new"),
        title=prose(submission.name),
        headline=prose(judged.headline),
        since=notice.since,
        details=tuple(map(prose, (*origin, *judged.details))),
        todo=prose(judged.todo),
        commands=tuple((command.line, command.effect) for command in judged.commands),
        feed=submission.feed,
        submission=submission.id,
        folder=prose(story.files.folder),
    )


def of_fault(notice: Notice) -> Item:
    """Make the item of anything else."""
    kind, _, name = notice.about.partition(":")
    title, todo = _FAULTS[kind]
    feed = feed_of(notice.about)
    by_people = kind in {"destination", "answers"}
    over = bool(notice.over_at)
    return Item(
        about=notice.about,
        state=_state(notice),
        title=title.format(prose(name.removeprefix(f"{feed}/") if feed else name)),
        headline="all is well again" if over else prose(notice.words),
        since=notice.since,
        details=(f"It was: {prose(notice.words)}",) if over else (),
        todo="" if over else todo,
        commands=(_STATUS,) if by_people and not over else (),
        feed=feed,
    )


def _state(notice: Notice) -> State:
    if notice.over_at:
        return "over"
    if not notice.told_at:
        return "new"
    return "lasts" if notice.sign == notice.told else "changed"
