"""Which feed a file is for: the one named, the only one that takes its name, or the only one that fits its columns.

Never the likelier of two: where several would do, or none, it is said which and why.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.exits import Exit
from agent.errors import AgentError, SettingsError
from agent.feedback.naming import taken_by
from agent.preparing.unpacked import Unpacked
from agent.preparing.usable import problems_of
from agent.stages.prepare import job_of, unpacking_of
from agent.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.settings.models import Feed, Settings


class NoFeedError(AgentError):
    """No feed can do anything with a file that their patterns let in."""

    exit = Exit.DATA_REFUSED


def chosen_feed(settings: Settings, file: Path, wanted: str | None) -> Feed:
    """Choose the feed a file is for; `wanted` is its name where somebody named one.

    Raises:
        click.UsageError: there is no such feed, no feed takes the file's name, or several feeds fit it.
        NoFeedError: several take its name, and none of them fits it.
        SettingsError: the template or rules of a feed that takes its name are wrong.

    """
    if wanted is not None and wanted not in settings.feeds:
        names = ", ".join(settings.feeds) or "none"
        raise click.BadParameter(f"there is no feed {wanted!r}; there are: {names}", param_hint="--feed")
    if wanted is not None:
        return settings.feeds[wanted]
    taking = [feed for feed in settings.feeds.values() if taken_by(feed.pattern)(file.name)]
    return taking[0] if len(taking) == 1 else _fitting(settings, file, taking)


def _fitting(settings: Settings, file: Path, taking: Sequence[Feed]) -> Feed:
    """Choose the only one of several feeds that can read a file and finds all its columns in it."""
    if not taking:
        patterns = "; ".join(f"{feed.name}: {', '.join(feed.pattern)}" for feed in settings.feeds.values())
        raise click.UsageError(
            f"no feed takes a file named {file.name!r} ({patterns or 'there is no feed'}); "
            "say which feed, with --feed, or mend a feed's `pattern:`"
        )
    for feed in taking:
        sound(settings, feed)
    with working(settings) as workers:
        reasons = {feed.name: _unfit(settings, feed, file, workers) for feed in taking}
    fitting = [name for name, reason in reasons.items() if not reason]
    if len(fitting) == 1:
        return settings.feeds[fitting[0]]
    if fitting:
        raise click.UsageError(
            f"say which feed, with --feed: {', '.join(fitting)} would take {file.name!r} and find "
            "every column that they use"
        )
    raise NoFeedError(
        f"{len(taking)} feeds would take {file.name!r} by its name, and it fits none of them:\n"
        + "\n".join(f"{name}: {reason}" for name, reason in reasons.items())
    )


def _unfit(settings: Settings, feed: Feed, file: Path, workers: Workers) -> str:
    """Say why a feed cannot use a file, or the first inside it; "" where it opens it and finds the columns."""
    with tempfile.TemporaryDirectory(prefix="impact-agent-") as folder:
        apart = unpacked(workers, feed, file, Path(folder))
        taken = [member for member in apart.members if member.fault is None]
        faults = (*apart.refused, *(one.fault for one in apart.members if one.fault))
        if faults and not taken:
            return f"{faults[0].code} {faults[0].words}"
        source = Path(folder) / taken[0].file if taken else file.resolve()
        scratch = Path(tempfile.mkdtemp(dir=folder))
        prepared = workers.prepare(replace(job_of(settings, feed, source, scratch), glance=True))
    if prepared.verdict != "refused":
        return ""
    return "; ".join(f"{group.code} {group.words}" for group in prepared.groups[:3]) or prepared.reason


def unpacked(workers: Workers, feed: Feed, file: Path, folder: Path) -> Unpacked:
    """Take a file apart where its feed would; there is nothing inside where it would not."""
    if feed.archive != "each":
        return Unpacked()
    return workers.unpack(unpacking_of(feed, file.resolve(), folder))


def sound(settings: Settings, feed: Feed) -> None:
    """Look that a feed can be used.

    Raises:
        SettingsError: with every mistake in its template and rules.

    """
    if problems := problems_of(settings, feed):
        raise SettingsError(tuple(problems))


@contextmanager
def working(settings: Settings) -> Iterator[Workers]:
    """Give workers that end with the context."""
    workers = Workers(settings.limits)
    try:
        yield workers
    finally:
        workers.close()
