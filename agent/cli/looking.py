"""Commands that look and change nothing: status, show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from agent.cli import console
from agent.cli.common import json_option, reading, resolved, story_of
from agent.notices import untold
from agent.preparing.usable import settings_at
from agent.stages.close import make_story
from agent.states import AnswerState, SubmissionState

if TYPE_CHECKING:
    from agent.feedback.story import Story
    from agent.stages.context import Context

_UNMATCHED = 1000  # acknowledgements that are counted
_OPEN = [state for state in SubmissionState if state != SubmissionState.CLOSED]


@click.command()
@click.option("--feed", default=None, help="Only this feed.")
@click.option("--open", "only_open", is_flag=True, help="Only what has not ended.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="The newest N."
)
@json_option
@click.pass_context
def status(ctx: click.Context, feed: str | None, only_open: bool, limit: int, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Show where everything stands, newest first."""
    settings = settings_at(ctx.obj)
    with reading(settings) as context:
        states = _OPEN if only_open else None
        found = context.ledger.submissions(states, feed, limit=limit, newest_first=True)
        if feed is not None and feed not in settings.feeds and not found:
            names = ", ".join(settings.feeds) or "none"
            raise click.BadParameter(f"there is no feed {feed!r}; there are: {names}", param_hint="--feed")
        stories = [make_story(context, one) for one in found]
        unmatched = context.ledger.acknowledgements([AnswerState.UNMATCHED], limit=_UNMATCHED)
        late = untold(context)
        if as_json:
            console.print_json(
                {
                    "counts": context.ledger.counts_by_state(),
                    "submissions": [console.story_json(story) for story in stories],
                    "unmatched": unmatched,
                    "untold": late,
                }
            )
        else:
            anything = bool(context.ledger.submissions(limit=1))
            console.status(stories, empty="Nothing is open." if anything else "Nothing was dropped yet.")
            console.unmatched(unmatched)
            console.untold(late)


@click.command()
@click.argument("subject", metavar="ID")
@json_option
@click.pass_context
def show(ctx: click.Context, subject: str, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Show one submission's whole story. The first letters of an ID are enough; a batch's ID works too."""
    with reading(settings_at(ctx.obj)) as context:
        story = _as_of_now(context, story_of(context, resolved(context, subject)))
        subjects = [story.submission.id, *(delivery.batch.id for delivery in story.deliveries)]
        audit = context.ledger.audit(subjects)
        if as_json:
            console.print_json(console.story_json(story, audit))
        else:
            console.show(story, audit)


def _as_of_now(context: Context, story: Story) -> Story:
    """Say of each file inside an archive how it stands now."""
    inside = tuple(
        replace(one, stands=console.stands(make_story(context, one.submission))) for one in story.inside
    )
    return replace(story, inside=inside)
