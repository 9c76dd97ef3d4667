"""Commands that work: run, once."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import click

from agent import log
from agent.cli import console
from agent.cli.common import json_option
from agent.cli.exits import Exit
from agent.feedback.answered import needs_a_look
from agent.notify import Notifier
from agent.preparing.usable import checked, settings_at
from agent.service import Agent
from agent.stages.close import make_story
from agent.states import BatchState, SubmissionState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.feedback.story import Delivery, Story

_MANY = 10_000  # submissions and batches looked at for the exit code
_GOING = frozenset({BatchState.READY, BatchState.DEFERRED, BatchState.SENDING})
_ASIDE = frozenset({SubmissionState.REJECTED, SubmissionState.QUARANTINED, SubmissionState.DUPLICATE})


_verbose = click.option(
    "-v", "--verbose", is_flag=True, help="Log also what only matters to whoever looks for a fault."
)


@click.command()
@_verbose
@click.pass_context
def run(ctx: click.Context, verbose: bool) -> None:  # noqa: FBT001 - click's way
    """Work until stopped: take what is dropped, prepare, deliver, tell. SIGTERM ends it cleanly.

    SIGHUP has it read its settings again; if those are wrong, it says so and works on with the old ones.
    """
    log.configure(level=_level(verbose=verbose))
    with Agent(checked(settings_at(ctx.obj)), ctx.obj, Notifier()) as agent:
        agent.run()


@click.command()
@_verbose
@json_option
@click.pass_context
def once(ctx: click.Context, verbose: bool, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Make one pass: take, prepare, collect answers, deliver, close; end when nothing is due now."""
    if sys.stderr.isatty() and not verbose:  # the table below tells what became of each file
        log.configure(stream=console.errors(), level=logging.WARNING, without=("submission.", "batch."))
    else:
        log.configure(level=_level(verbose=verbose))
    with Agent(checked(settings_at(ctx.obj))) as agent:
        agent.engine.touched = set()
        with console.progress("preparing") as shown:
            agent.engine.progress = lambda _submission, records: shown(records, None)
            agent.once()
        stories = _stories(agent, agent.engine.touched)
        if as_json:
            console.print_json({"submissions": [console.story_json(story) for story in stories]})
        else:
            console.status(stories, empty="Nothing was due.")
    ctx.exit(outcome(stories, unsettled=agent.scanner.unsettled))


def _level(*, verbose: bool) -> int:
    return logging.DEBUG if verbose else logging.INFO


def _stories(agent: Agent, touched: set[str]) -> list[Story]:
    """Return what something happened to in this pass, and what still has to be done, newest first."""
    going = agent.ledger.batches(_GOING, limit=_MANY)
    received = agent.ledger.submissions([SubmissionState.RECEIVED], limit=_MANY)
    wanted = {*touched, *(batch.submission for batch in going), *(one.id for one in received)}
    found = [one for one in map(agent.ledger.submission, wanted) if one is not None]
    found.sort(key=lambda one: (one.received_at, one.id), reverse=True)
    return [make_story(agent.engine.context, one) for one in found]


def outcome(stories: Sequence[Story], *, unsettled: int = 0) -> Exit:
    """Return the exit code that tells a script what a pass came to; the worst thing counts.

    `unsettled` are files that were left where they are.
    """
    deliveries = [delivery for story in stories for delivery in story.deliveries]
    batches = {delivery.batch.state for delivery in deliveries}
    states = {story.submission.state for story in stories}
    if BatchState.FAILED in batches:
        return Exit.FAILED
    if BatchState.IN_DOUBT in batches or any(map(_was_refused, deliveries)):
        return Exit.UNAVAILABLE
    if batches & _GOING or SubmissionState.RECEIVED in states or unsettled:
        return Exit.TRY_AGAIN
    if BatchState.HELD in batches or states & _ASIDE or any(map(_is_refused, stories)):
        return Exit.DATA_REFUSED
    return Exit.DONE


def _is_refused(story: Story) -> bool:
    """Whether some of it was refused, here or there, or what came back of it has to be looked at."""
    return bool(story.counts.kept_back) or needs_a_look(story)


def _was_refused(delivery: Delivery) -> bool:
    """Whether a batch is held because its destination would not have it, and not by the feed's policy."""
    return delivery.batch.state == BatchState.HELD and bool(delivery.attempts)
