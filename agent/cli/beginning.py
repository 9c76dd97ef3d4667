"""The command new-feed: a first feed and its template from a sample file, to be corrected where they are marked.

It writes two new files beside `agent.yaml`, never over one that is there, and sends nothing.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from agent.cli import console
from agent.cli.common import json_option
from agent.cli.exits import Exit
from agent.cli.previewing import tried
from agent.errors import AgentError, RefusedFile
from agent.feedback.wording import prose
from agent.model import Level
from agent.preparing.usable import settings_at
from agent.settings.forms import NAME
from agent.settings.shipped import find_template
from agent.starting.drafting import template_text
from agent.starting.feedfile import feed_text
from agent.starting.planning import planned
from agent.starting.sampling import sampled
from agent.starting.tables import UNKNOWN
from agent.starting.texts import plain_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.feedback.story import Preview
    from agent.settings.models import Feed, Settings
    from agent.starting.planning import Plan
    from agent.starting.sampling import Sample

_LARGEST = 2 * 2**30  # bytes, as feeds take by default
_LONGEST = 40  # characters of a name made from a file's

_BEGIN = """there are no settings at {path}. To begin, make these folders and files (see the README, \
“Your own feed in five minutes”):

  {folder}/agent.yaml     where files are dropped, and the destination (config/agent.yaml is a commented sample)
  {folder}/feeds/         one file for each feed; new-feed writes the first
  {folder}/templates/     their templates; new-feed writes the first

Then run new-feed again. Settings elsewhere are named with -c, or in IMPACT_AGENT_CONFIG."""


class NoSettingsError(AgentError):
    """There is nothing that a feed could be added to."""

    exit = Exit.SETTINGS


class InTheWayError(AgentError):
    """A file or a feed of that name is there already."""

    exit = Exit.USAGE


class UnreadSampleError(AgentError):
    """The sample can be read in no way, so nothing is known of such files."""

    exit = Exit.DATA_REFUSED


@click.command("new-feed")
@click.argument("sample", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--name", default=None, help="The feed's name, and its folder's; by default from the file's name."
)
@click.option(
    "--level", type=click.Choice(["order", "item"]), default=None, help="By default what the columns tell."
)
@click.option(
    "--destination", default=None, help="Where its batches go; may be left out when there is only one."
)
@json_option
@click.pass_context
def new_feed(
    ctx: click.Context,
    sample: Path,
    name: str | None,
    level: str | None,
    destination: str | None,
    as_json: bool,  # noqa: FBT001 - click's way
) -> None:
    """Write a first feed and template from SAMPLE, a file as it will be dropped. Sends nothing, overwrites nothing."""
    settings = _settings(ctx.obj)
    chosen = _name(settings, sample, name)
    where = _destination(settings, destination)
    read = _read(sample)
    plan = planned(read, Level(level) if level else None)
    texts = {"feeds": (f"{chosen}.yaml", feed_text(plan, read, chosen, sample.name, where))}
    if plan.shape is None and not plan.own:
        texts["templates"] = (f"{chosen}.csv.j2", template_text(plan, sample.name))
    written = _write(settings.folder, texts)
    again = settings_at(ctx.obj)
    with tried(again, again.feeds[chosen], sample) as trial:
        (told,) = trial.previews
        if as_json:
            console.print_json(_json(chosen, settings.folder, written, told))
        else:
            console.preview(told)
            click.echo(
                "\n".join(
                    ("", *_written(settings.folder, written, plan), *_then(ctx, again.feeds[chosen], sample))
                )
            )


def _settings(path: Path) -> Settings:
    if not path.exists():
        raise NoSettingsError(_BEGIN.format(path=path, folder=path.parent))
    return settings_at(path)


def _name(settings: Settings, sample: Path, wanted: str | None) -> str:
    """Return the feed's name: the one wanted, or the words of the file's name."""
    if wanted is not None and not re.fullmatch(NAME, wanted):
        raise click.BadParameter(
            f"{wanted!r} is no name for a feed: small letters, digits and hyphens", param_hint="--name"
        )
    words = [word for word in plain_words(sample.stem).split() if word.isascii() and word[0].isalpha()]
    name = wanted or "-".join(words)[:_LONGEST].strip("-") or "new-feed"
    if name in settings.feeds:
        raise InTheWayError(f"there is a feed {name} already; choose another name with --name")
    return name


def _destination(settings: Settings, wanted: str | None) -> str:
    names = list(settings.destinations)
    if wanted is not None and wanted not in names:
        raise click.BadParameter(
            f"there is no destination {wanted!r}; there are: {', '.join(names)}", param_hint="--destination"
        )
    if wanted is None and len(names) != 1:
        raise click.UsageError(
            f"say which destination, with --destination: {', '.join(names) or 'there is none'}"
        )
    return wanted or names[0]


def _read(sample: Path) -> Sample:
    """Read the sample in whatever way it can be read.

    Raises:
        UnreadSampleError: in none; why not.
        OSError: it may not be opened.

    """
    with os.fdopen(os.open(sample, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            raise UnreadSampleError(f"{prose(sample.name)} is no plain file of a size that a feed would take")
        try:
            return sampled(stream)
        except RefusedFile as refused:
            lines = (
                f"  {one.place}{': ' if one.place else ''}{one.code} {one.words}; {one.mend}"
                for one in refused.findings
            )
            words = f"{sample.name} cannot be read, so nothing was written:"
            raise UnreadSampleError("\n".join(map(prose, (words, *lines)))) from refused


def _write(folder: Path, texts: dict[str, tuple[str, str]]) -> list[Path]:
    """Write the files, all or none, the template first; nothing that is there is touched."""
    written: list[Path] = []
    for kind in sorted(texts, reverse=True):
        name, text = texts[kind]
        path = folder / kind / name
        try:
            path.parent.mkdir(exist_ok=True)
            _write_new(path, text)
        except OSError as error:
            for earlier in written:
                earlier.unlink()
            if isinstance(error, FileExistsError):
                words = f"{path} is there already and was left as it is; choose another name with --name"
                raise InTheWayError(words) from None
            raise
        written.append(path)
    return written


def _write_new(path: Path, text: str) -> None:
    """Write a file whole under a name that nothing has yet."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with hidden.open("x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(hidden, path)
    finally:
        with suppress(FileNotFoundError):
            hidden.unlink()


def _marks(folder: Path, written: Sequence[Path]) -> list[tuple[str, int, str]]:
    """List the places that want a look: file, line, what stands there."""
    return [
        (path.relative_to(folder).as_posix(), number, line.strip())
        for path in reversed(written)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNKNOWN in line and f"marked with {UNKNOWN}" not in line
    ]


def _written(folder: Path, written: Sequence[Path], plan: Plan) -> list[str]:
    """Say what was written, and what in it wants a look."""
    lines = [f"Written: {', '.join(str(path) for path in reversed(written))}"]
    if plan.shape is not None:
        template = find_template(plan.shape.template, folder)
        lines.append(f"This is {plan.shape.name}: its template is shipped, {template}.")
    marks = _marks(folder, written)
    lines += ["", f"Look at each place marked with {UNKNOWN}:" if marks else "There is nothing to fill in."]
    return [*lines, *(f"  {file}:{line}: {text}" for file, line, text in marks)]


def _then(ctx: click.Context, feed: Feed, sample: Path) -> list[str]:
    """Say what to do next, as commands that can be given as they stand."""
    source = ctx.parent.get_parameter_source("config") if ctx.parent else None
    named = f" -c {shlex.quote(str(ctx.obj.parent))}" if source is ParameterSource.COMMANDLINE else ""
    return [
        "",
        "Then look again, until it is what impact.com should get:",
        f"  impact-agent{named} check",
        f"  impact-agent{named} preview {shlex.quote(str(sample))} --feed {feed.name}",
        "  impact-agent explain CODE    what a finding means, and how to mend it",
    ]


def _json(name: str, folder: Path, written: Sequence[Path], told: Preview) -> dict[str, object]:
    marks = [{"file": file, "line": line, "text": text} for file, line, text in _marks(folder, written)]
    return {
        "feed": name,
        "written": [str(path) for path in reversed(written)],
        "marks": marks,
        "preview": console.preview_json(told),
    }
