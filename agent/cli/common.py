"""What the groups of commands share: settings with their mistakes, the ledger beside a running agent."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from agent.acks import every_kind
from agent.cli.exits import Exit
from agent.errors import AgentError, SettingsError
from agent.impact.batchfile import batch_name
from agent.ledger.ledger import Ledger
from agent.model import Fault
from agent.preparing.checking import feed_problems
from agent.settings.loader import load
from agent.spool import Spool
from agent.stages.close import make_story
from agent.stages.context import Context
from agent.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.feedback.story import Story
    from agent.settings.models import Feed, Settings

json_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs."
)

_SOME_ID = "0" * 20  # in place of the id that a batch will get


class WrongSettingsError(AgentError):
    """Templates or rules of a feed are wrong; nothing runs with them."""

    exit = Exit.SETTINGS


def settings_at(path: Path) -> Settings:
    """Load the settings.

    Raises:
        SettingsError: with every mistake and its place.

    """
    if not path.exists():
        words = f"there are no settings at {path}; name their folder with -c, or in IMPACT_AGENT_CONFIG"
        raise SettingsError((words,))
    return load(path, every_kind())


def checked(settings: Settings) -> Settings:
    """Return settings whose feeds can all be used.

    Raises:
        WrongSettingsError: with every mistake.

    """
    problems = [problem for feed in settings.feeds.values() for problem in problems_of(settings, feed)]
    if problems:
        raise WrongSettingsError("\n".join(problems))
    return settings


def problems_of(settings: Settings, feed: Feed) -> list[str]:
    """Return every mistake in a feed's template and rules, and in how its batches would be named."""
    problems = feed_problems(feed, settings.folder)
    name = name_of(settings, feed)
    if isinstance(name, Fault):
        place = f"agent.yaml: destinations.{feed.destination}.file_pattern"
        problems.append(f"{place}: {name.code} for feed {feed.name}: {name.words}; {name.mend}")
    return problems


def name_of(settings: Settings, feed: Feed) -> str | Fault:
    """Return what a feed's batches are called today, with dots for the id, or why no name can be found."""
    pattern = settings.destinations[feed.destination].file_pattern
    name = batch_name(feed.name, datetime.now(UTC).date(), _SOME_ID, feed.extension, pattern)
    return name if isinstance(name, Fault) else name.replace(_SOME_ID, "…")


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
