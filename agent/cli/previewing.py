"""The command preview: what would be sent, and every finding. It sends and changes nothing."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli import console
from agent.cli.choosing import chosen_feed, sound, unpacked, working
from agent.cli.common import json_option, reading
from agent.cli.exits import Exit
from agent.codes import counted_once, finding
from agent.errors import RefusedFile
from agent.feedback.story import Preview
from agent.model import Counts, Finding, Severity
from agent.preparing.usable import name_of, settings_at
from agent.recalling import recalling
from agent.stages.prepare import job_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.preparing.job import Prepared
    from agent.preparing.remembered import Ask
    from agent.preparing.unpacked import Member
    from agent.settings.models import Feed, Settings
    from agent.workers import Workers

_SHOWN = 10  # rows


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--feed", default=None, help="The feed it would be dropped into; may be left out when only one takes it."
)
@json_option
@click.pass_context
def preview(ctx: click.Context, file: Path, feed: str | None, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Show what FILE is read as, what would be sent of it, and every finding. Sends and changes nothing.

    Of an archive whose feed has `archive: each` this is shown of each file inside.
    """
    settings = settings_at(ctx.obj)
    chosen = chosen_feed(settings, file, feed)
    with tried(settings, chosen, file) as trial:
        if as_json:
            console.print_json(_json(file, trial))
        else:
            _show(file, trial)
    if any(one.refused for one in trial.previews):
        ctx.exit(Exit.DATA_REFUSED)


@dataclass(frozen=True, slots=True)
class Trial:
    """What would become of a file, or of each file inside an archive that is taken apart."""

    previews: tuple[Preview, ...]
    apart: bool = False
    left_out: tuple[str, ...] = ()  # names inside the archive that are ignored by rule


def _json(file: Path, trial: Trial) -> object:
    told = [console.preview_json(one) for one in trial.previews]
    if not trial.apart:
        return told[0]
    return {"archive": file.name, "inside": told, "left_out": trial.left_out}


def _show(file: Path, trial: Trial) -> None:
    if trial.apart:
        console.preview_inside(file.name, len(trial.previews), trial.left_out)
    for told in trial.previews:
        console.preview(told)


@contextmanager
def tried(settings: Settings, feed: Feed, file: Path) -> Iterator[Trial]:
    """Prepare a file as a feed would; what is told can be read as long as the context lasts.

    Raises:
        SettingsError: the feed's template or rules are wrong.
        RefusedFile: it would not even be taken.
        OSError: it cannot be read.

    """
    sound(settings, feed)
    _check(file, feed)
    with tempfile.TemporaryDirectory(prefix="impact-agent-") as folder, working(settings) as workers:
        rehearsal = _Rehearsal(settings, feed, workers, Path(folder))
        apart = unpacked(workers, feed, file, Path(folder))
        if apart.refused:
            raise RefusedFile(*map(finding, apart.refused))
        with console.progress("reading") as shown:
            if apart.members:
                each = tuple(rehearsal.member(file.name, one, shown) for one in apart.members)
                trial = Trial(each, apart=True, left_out=apart.left_out)
            else:
                trial = Trial((rehearsal.file(file.resolve(), file.name, shown),))
        yield trial


class _Rehearsal:
    """Prepares files as a feed would, each in a folder of its own."""

    def __init__(self, settings: Settings, feed: Feed, workers: Workers, folder: Path) -> None:
        self._settings, self._feed, self._workers, self._folder = settings, feed, workers, folder

    def file(self, source: Path, name: str, shown: Callable[[int, None], None]) -> Preview:
        """Prepare one file."""
        scratch = Path(tempfile.mkdtemp(dir=self._folder))
        job = job_of(self._settings, self._feed, source, scratch)
        job = replace(job, preview_rows=_SHOWN, now=time.time())
        with _recollection(self._settings, self._feed.destination) as ask:
            prepared = self._workers.prepare(job, lambda records: shown(records, None), ask)
        told = _told(self._feed, name, prepared, scratch)
        return replace(told, batches=_batches(self._settings, self._feed, prepared))

    def member(self, archive: str, member: Member, shown: Callable[[int, None], None]) -> Preview:
        """Prepare one file out of an archive, unless it would be set aside."""
        name, fault = f"{archive}/{member.path}", member.fault
        if fault is None:
            return self.file(self._folder / member.file, name, shown)
        feed, groups = self._feed, (counted_once(fault),)
        return Preview(feed.name, name, feed.destination, Counts(), refused=fault.words, groups=groups)


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


def _told(feed: Feed, name: str, prepared: Prepared, scratch: Path) -> Preview:
    return Preview(
        feed=feed.name,
        name=name,
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
