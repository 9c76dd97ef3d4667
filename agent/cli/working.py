"""Commands that work: run, once."""

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING

import click

from agent import log
from agent.cli import console
from agent.cli.common import json_option, settings_at
from agent.cli.exits import Exit
from agent.errors import AgentError
from agent.preparing.checking import feed_problems
from agent.service import Agent
from agent.stages.close import make_story
from agent.states import BatchState, SubmissionState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.feedback.story import Story
    from agent.settings.models import Settings


class WrongSettingsError(AgentError):
    """Templates or rules of a feed are wrong; nothing runs with them."""

    exit = Exit.SETTINGS


@click.command()
@click.pass_context
def run(ctx: click.Context) -> None:
    """Work until stopped: take what is dropped, prepare, deliver, tell. SIGTERM ends it cleanly."""
    log.configure()
    with Agent(checked(settings_at(ctx.obj))) as agent:
        agent.run()


@click.command()
@json_option
@click.pass_context
def once(ctx: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Make one pass: take, prepare, deliver, close; end when nothing is due now."""
    if sys.stderr.isatty():  # the table below tells what became of each file
        log.configure(stream=console.errors(), level=logging.WARNING, without=("submission.", "batch."))
    else:
        log.configure()
    since = time.time()
    with Agent(checked(settings_at(ctx.obj))) as agent:
        with console.progress("preparing") as shown:
            agent.engine.progress = lambda _submission, records: shown(records, None)
            agent.once()
        stories = _touched(agent, since)
        if as_json:
            console.print_json({"submissions": [console.story_json(story) for story in stories]})
        else:
            console.status(stories, empty="Nothing was due.")
    ctx.exit(outcome(stories))


def checked(settings: Settings) -> Settings:
    """Return settings whose feeds all have sound templates.

    Raises:
        WrongSettingsError: with every mistake.
    """
    problems = [
        problem for feed in settings.feeds.values() for problem in feed_problems(feed, settings.folder)
    ]
    if problems:
        raise WrongSettingsError("\n".join(problems))
    return settings


def _touched(agent: Agent, since: float) -> list[Story]:
    found = agent.ledger.submissions(None, None, limit=10_000, newest_first=True)
    context = agent.engine.context
    stories = [make_story(context, one) for one in found]
    return [
        story
        for story in stories
        if max(story.submission.updated_at, *(one.batch.updated_at for one in story.deliveries), 0) >= since
    ]


def outcome(stories: Sequence[Story]) -> Exit:
    """The exit code that tells a script what a pass came to; the worst thing counts."""
    batches = {delivery.batch.state for story in stories for delivery in story.deliveries}
    states = {story.submission.state for story in stories}
    if batches & {BatchState.HELD, BatchState.FAILED, BatchState.IN_DOUBT}:
        return Exit.UNAVAILABLE
    if (
        batches & {BatchState.DEFERRED, BatchState.READY, BatchState.SENDING}
        or SubmissionState.RECEIVED in states
    ):
        return Exit.TRY_AGAIN
    aside = {SubmissionState.REJECTED, SubmissionState.QUARANTINED, SubmissionState.DUPLICATE}
    if states & aside or any(story.counts.kept_back for story in stories):
        return Exit.DATA_REFUSED
    return Exit.DONE
