"""Which files people have to hear of: each time the folder was told something new about one, it is looked at.

The audit says when that was; a mark in the ledger, up to where it was read. Nothing is told of what happened
before notices were switched on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.feedback.verdict import verdict
from agent.model import Notice
from agent.notices import course
from agent.notices.board import Concern
from agent.notices.course import Changes
from agent.stages.close import make_story

if TYPE_CHECKING:
    from agent.feedback.story import Story
    from agent.model import Submission
    from agent.settings.models import WayOptions
    from agent.stages.context import Context

PREFIX = "file:"
_LINES = 1000  # of the audit, read at a time
_TOLD = frozenset({"told", "closed"})  # events after which the folder says where a file stands


def look(context: Context, options: WayOptions, mark: int) -> tuple[Changes, int]:
    """Return what changes for files since a line of the audit, and the last line that was read."""
    changes = Changes()
    while lines := context.ledger.audit_since(mark, limit=_LINES):
        mark = lines[-1].seq
        for subject in dict.fromkeys(line.subject for line in lines if line.event in _TOLD):
            submission = context.ledger.submission(subject)
            if submission is not None and options.addressees(context.feed(submission.feed)) is not None:
                _judge(context, options, submission, changes)
        if len(lines) < _LINES or changes:
            break
    return changes, mark


def _judge(context: Context, options: WayOptions, submission: Submission, changes: Changes) -> None:
    story, now, about = make_story(context, submission), context.now(), PREFIX + submission.id
    old = context.ledger.notice(options.place, about)
    headline = verdict(story).headline
    if shelf(story) == "attention":
        changes.add(course.found(old, Concern(about, headline, headline), options.place, now))
    elif shelf(story) == "done" and old is not None:
        course.over(old, headline, headline, now, changes)
    elif shelf(story) == "done" and _success_is_told(context, submission):
        new = Notice(options.place, about, headline, headline, now, owed_at=now, over_at=now)
        changes.add(new)
    elif shelf(story) == "sent" and old is not None:
        course.passed(old, changes)


def shelf(story: Story) -> str:
    """Return where a file lies for people: attention, done, sent, or "" while it is being prepared."""
    return story.files.folder.partition("/")[0]


def _success_is_told(context: Context, submission: Submission) -> bool:
    feed = context.feed(submission.feed)
    return feed is not None and feed.tell_success
