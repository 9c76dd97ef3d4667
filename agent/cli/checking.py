"""Commands about settings: check, schema. No network."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from agent.acks import every_kind
from agent.cli import console
from agent.cli.common import json_option
from agent.cli.exits import Exit
from agent.errors import SettingsError
from agent.feedback.wording import count
from agent.preparing.usable import problems_of, settings_at, unknown_owners
from agent.settings.models import Model, Secret
from agent.settings.schema import agent_schema, feed_schema
from agent.settings.secrets import check_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.settings.models import Settings


@click.command()
@json_option
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Check settings, templates, secrets and folders. Nothing is connected, nothing is changed."""
    problems: list[object] = []
    try:
        settings = settings_at(ctx.obj)
    except SettingsError as error:
        problems += error.problems
    else:
        for feed in settings.feeds.values():
            problems += problems_of(settings, feed)
        problems += [*unknown_owners(settings), *_secrets(settings), *_folders(settings)]
    if as_json:
        console.print_json({"ok": not problems, "problems": [_told(problem) for problem in problems]})
    elif problems:
        click.echo("\n".join(map(str, problems)))
    else:
        feeds, destinations = len(settings.feeds), len(settings.destinations)
        click.echo(f"All is well: {count(feeds, 'feed')}, {count(destinations, 'destination')}.")
    if problems:
        ctx.exit(Exit.SETTINGS)


def _told(problem: object) -> dict[str, object]:
    """Turn a mistake into JSON: as it is printed, and in its parts where it has some."""
    parts = console.as_json(problem)
    return {"text": str(problem)} | (dict(parts) if isinstance(parts, dict) else {})


def _secrets(settings: Settings) -> list[str]:
    owners: dict[str, Model] = {f"destinations.{name}": each for name, each in settings.destinations.items()}
    owners |= {f"acknowledgements.{n}": each for n, each in enumerate(settings.acknowledgements, 1)}
    owners |= {f"notices.{n}": each for n, each in enumerate(settings.notices, 1)}
    return [
        f"agent.yaml: {place}: C-SECRETREF {words}"
        for owner, options in owners.items()
        for place, secret in _kept(options, owner)
        if (words := check_secret(secret, settings.folder))
    ]


def _kept(model: Model, place: str) -> Iterator[tuple[str, Secret]]:
    """Yield every secret of a model and of the models in it, with its place."""
    for field, value in model:
        if isinstance(value, Secret):
            yield f"{place}.{field}", value
        elif isinstance(value, Model):
            yield from _kept(value, f"{place}.{field}")


def _folders(settings: Settings) -> list[str]:
    """Find folders that cannot be used; all but `drop` itself are made at the first start."""
    wanted = {settings.state, settings.drop, *(settings.drop / name for name in settings.feeds)}
    problems = [
        f"{folder}: C-FOLDER is no folder that this user may read and write; mend its owner or mode"
        for folder in sorted(wanted)
        if folder.exists() and not (folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK))
    ]
    if not settings.drop.exists():
        problems.insert(0, f"{settings.drop}: C-FOLDER the drop folder is not there; make it, or mount it")
    return problems


@click.command()
@click.argument("kind", type=click.Choice(["agent", "feed"]))
def schema(kind: str) -> None:
    """Print the JSON Schema of agent.yaml or of a feed's file, for editors."""
    click.echo(json.dumps(agent_schema(every_kind()) if kind == "agent" else feed_schema(), indent=2))
