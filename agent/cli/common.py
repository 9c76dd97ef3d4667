"""What the groups of commands share: options, the ledger beside a running agent."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from agent.ledger.ledger import Ledger
from agent.spool import Spool
from agent.stages.close import make_story
from agent.stages.context import Context
from agent.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.feedback.story import Story
    from agent.settings.models import Settings

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs."
)


@contextmanager
def reading(settings: Settings) -> Iterator[Context]:
    """Open the ledger beside an agent that may be running; never writes on its own."""
    spool = Spool(settings.state)
    if not (settings.state / "ledger.db").exists() and (not settings.state.exists() or spool.is_empty()):
        raise click.ClickException(f"nothing has run yet: there is no ledger in {settings.state}")
    ledger = Ledger.open(settings.state / "ledger.db", must_exist=True, thorough=False)
    try:
        dice = random.SystemRandom().random
        yield Context(settings, ledger, spool, Workers(settings.limits), time.time, dice)
    finally:
        ledger.close()


def story_of(context: Context, subject: str) -> Story:
    """Return the story of a submission, or of the submission a batch belongs to."""
    batch = context.ledger.batch(subject)
    found = context.ledger.submission(batch.submission if batch else subject)
    if found is None:
        raise click.ClickException(f"the ledger knows no {subject}")
    return make_story(context, found)


def resolved(context: Context, text: str) -> str:
    """Return a full id from its first letters."""
    try:
        return context.ledger.resolve(text)
    except LookupError as error:
        raise click.ClickException(str(error.args[0] if error.args else error)) from error
