"""The command preview: what would be sent, and every finding. It sends and changes nothing."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli import console
from agent.cli.choosing import chosen_feed, sound, working
from agent.cli.common import json_option, reading
from agent.cli.exits import Exit
from agent.errors import RefusedFile
from agent.feedback.story import Preview
from agent.model import Finding, Severity
from agent.preparing.usable import name_of, settings_at
from agent.recalling import recalling
from agent.stages.prepare import job_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.preparing.job import Prepared
    from agent.preparing.remembered import Ask
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
    """Show what FILE is read as, what would be sent of it, and every finding. Sends and changes nothing."""
    settings = settings_at(ctx.obj)
    chosen = chosen_feed(settings, file, feed)
    with tried(settings, chosen, file) as told:
        if as_json:
            console.print_json(console.preview_json(told))
        else:
            console.preview(told)
    if told.refused:
        ctx.exit(Exit.DATA_REFUSED)


@contextmanager
def tried(settings: Settings, feed: Feed, file: Path) -> Iterator[Preview]:
    """Prepare a file as a feed would; what is told can be read as long as the context lasts.

    Raises:
        SettingsError: the feed's template or rules are wrong.
        RefusedFile: it would not even be taken.
        OSError: it cannot be read.

    """
    sound(settings, feed)
    _check(file, feed)
    with tempfile.TemporaryDirectory(prefix="impact-agent-") as folder, working(settings) as workers:
        scratch = Path(folder)
        job = replace(job_of(settings, feed, file.resolve(), scratch), preview_rows=_SHOWN, now=time.time())
        with console.progress("reading") as shown, _recollection(settings, feed.destination) as ask:
            prepared = workers.prepare(job, lambda records: shown(records, None), ask)
        yield replace(_told(feed, file, prepared, scratch), batches=_batches(settings, feed, prepared))


@contextmanager
def _recollection(settings: Settings, destination: str) -> Iterator[Ask]:
    """Look what was sent before in the ledger, where there is one.

    Raises:
        LedgerError: the ledger cannot be read.

    """
    if not (settings.state / "ledger.db").exists():
        yield lambda _: None
        return
    with reading(settings) as context:
        yield recalling(context.ledger, destination)


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
        detected=prepared.detected,
        columns=prepared.columns,
        unused=prepared.columns_unused,
    )


def _batches(settings: Settings, feed: Feed, prepared: Prepared) -> tuple[tuple[str, int, int], ...]:
    name = name_of(settings, feed)
    return tuple(
        (f"{name} ({number})", draft.rows, draft.size)
        for number, draft in enumerate(prepared.drafts, start=1)
    )
