"""Whether settings can be worked with: all of them loaded, and every feed's template, rules and names checked.

What `check` tells people, what a start insists on, and what a running agent asks before it takes new settings
over. No secret is opened, nobody is contacted.
"""

from __future__ import annotations

import pwd
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.acks import every_kind
from agent.errors import SettingsError
from agent.impact.batchfile import batch_name
from agent.model import Fault
from agent.preparing.checking import feed_problems, template_text
from agent.settings.loader import load

if TYPE_CHECKING:
    from pathlib import Path

    from agent.settings.models import Feed, Settings

_SOME_ID = "0" * 20  # in place of the id that a batch will get


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
    """Return settings whose feeds can all be used, with the texts of their templates and tables as they are now.

    Raises:
        SettingsError: with every mistake in templates, rules and names.

    """
    texts: dict[str, str] = {}
    problems = [problem for feed in settings.feeds.values() for problem in problems_of(settings, feed, texts)]
    problems += unknown_owners(settings)
    if problems:
        raise SettingsError(tuple(problems))
    return settings.model_copy(update={"texts": texts})


def renewed(settings: Settings, path: Path) -> Settings:
    """Return the settings at `path`, for an agent that works with others now.

    Raises:
        SettingsError: they are wrong, or would need a restart.

    """
    new = checked(settings_at(path))
    fixed = [key for key in ("drop", "state") if getattr(new, key) != getattr(settings, key)]
    if fixed:
        raise SettingsError(
            tuple(f"{path.name}: {key} cannot change while the agent runs; restart it" for key in fixed)
        )
    return new


def problems_of(settings: Settings, feed: Feed, texts: dict[str, str] | None = None) -> list[str]:
    """Return every mistake in a feed's template and rules, and in how its batches would be named.

    Into `texts` go the templates and tables that were read for it, by name.
    """
    texts = {} if texts is None else texts
    try:
        for wanted in filter(None, (feed.template, feed.layout, *feed.tables.values())):
            texts.setdefault(wanted, template_text(wanted, settings.folder))
        problems = feed_problems(feed, settings.folder, texts)
    except SettingsError as error:
        problems = [str(problem) for problem in error.problems]
    name = name_of(settings, feed)
    if isinstance(name, Fault):
        place = f"agent.yaml: destinations.{feed.destination}.file_pattern"
        problems.append(f"{place}: {name.code} for feed {feed.name}: {name.words}; {name.mend}")
    return problems


def unknown_owners(settings: Settings) -> list[str]:
    """Return a mistake for each owner that this machine does not know: nothing of theirs would be taken."""
    return [
        f"feed {feed.name}: C-VALUE `owners:` names {user}, and there is no such user; mend it, or write a number"
        for feed in settings.feeds.values()
        for user in feed.owners
        if not _is_known(user)
    ]


def _is_known(user: str) -> bool:
    try:
        return user.isdecimal() or bool(pwd.getpwnam(user))
    except KeyError:
        return False


def name_of(settings: Settings, feed: Feed) -> str | Fault:
    """Return what a feed's batches are called today, with dots for the id, or why no name can be found."""
    pattern = settings.destinations[feed.destination].file_pattern
    name = batch_name(feed.name, datetime.now(UTC).date(), _SOME_ID, feed.extension, pattern)
    return name if isinstance(name, Fault) else name.replace(_SOME_ID, "…")
