"""The command preview: what would be sent, and every finding. It sends and changes nothing."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli import console
from agent.cli.common import json_option
from agent.cli.exits import Exit
from agent.errors import RefusedFile, SettingsError
from agent.feedback.story import Preview
from agent.model import Finding, Severity
from agent.preparing.usable import name_of, problems_of, settings_at
from agent.stages.prepare import job_of
from agent.workers import Workers

if TYPE_CHECKING:
    from agent.preparing.job import Prepared
    from agent.settings.models import Feed, Settings

_SHOWN = 10  # rows


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--feed", default=None, help="The feed it would be dropped into; may be left out when only one takes it."
)
@json_option
@click.pass_context
def preview(ctx: click.Context, file: Path, feed: str | None, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Show what would be sent of FILE, and every finding. Sends and changes nothing."""
    settings = settings_at(ctx.obj)
    chosen = _feed(settings, file, feed)
    if problems := problems_of(settings, chosen):
        raise SettingsError(tuple(problems))
    _check(file, chosen)
    with tempfile.TemporaryDirectory(prefix="impact-agent-") as folder:
        scratch = Path(folder)
        job = job_of(settings, chosen, file.resolve(), scratch)
        job = replace(job, preview_rows=_SHOWN, now=time.time())
        workers = Workers(settings.limits)
        try:
            with console.progress("reading") as shown:
                prepared = workers.prepare(job, lambda records: shown(records, None))
        finally:
            workers.close()
        told = replace(_told(chosen, file, prepared, scratch), batches=_batches(settings, chosen, prepared))
        if as_json:
            console.print_json({**_json(told), "unused_columns": prepared.columns_unused})
        else:
            console.preview(told)
    if prepared.verdict == "refused":
        ctx.exit(Exit.DATA_REFUSED)


def _check(file: Path, feed: Feed) -> None:
    """See that the file would be taken.

    Raises:
        RefusedFile: it is no plain file, or too large.
        OSError: it cannot be read.

    """
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        found = os.fstat(stream.fileno())
    if not stat.S_ISREG(found.st_mode):
        words = f"{file.name} is not a plain file"
        raise RefusedFile(Finding("Q-NOTREGULAR", Severity.ERROR, words, "name an ordinary file"))
    if found.st_size > feed.max_size:
        words = f"the file has {found.st_size:,} bytes; this feed takes at most {feed.max_size:,}"
        mend = "split the file, or raise max_size of the feed"
        raise RefusedFile(Finding("E-TOOBIG", Severity.ERROR, words, mend))


def _feed(settings: Settings, file: Path, wanted: str | None) -> Feed:
    if wanted is not None:
        if wanted not in settings.feeds:
            names = ", ".join(settings.feeds) or "none"
            raise click.BadParameter(f"there is no feed {wanted!r}; there are: {names}", param_hint="--feed")
        return settings.feeds[wanted]
    taking = [
        feed
        for feed in settings.feeds.values()
        if any(fnmatchcase(file.name, pattern) for pattern in feed.pattern)
    ]
    if len(taking) == 1:
        return taking[0]
    names = ", ".join(feed.name for feed in taking) or "none of them"
    raise click.UsageError(f"say which feed, with --feed: {names} would take {file.name!r}")


def _told(feed: Feed, file: Path, prepared: Prepared, scratch: Path) -> Preview:
    return Preview(
        feed=feed.name,
        name=file.name,
        destination=feed.destination,
        counts=prepared.counts,
        refused=prepared.reason if prepared.verdict == "refused" else "",
        totals=tuple(total for draft in prepared.drafts for total in draft.totals),
        groups=prepared.groups,
        findings=scratch / prepared.findings_file if prepared.findings_file else None,
        header=prepared.header,
        rows=prepared.first_rows,
    )


def _batches(settings: Settings, feed: Feed, prepared: Prepared) -> tuple[tuple[str, int, int], ...]:
    name = name_of(settings, feed)
    return tuple(
        (f"{name} ({number})", draft.rows, draft.size)
        for number, draft in enumerate(prepared.drafts, start=1)
    )


def _json(told: Preview) -> dict[str, object]:
    form = console.as_json(replace(told, findings=None))
    return dict(form) if isinstance(form, dict) else {}
