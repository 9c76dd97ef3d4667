"""Commands about settings: check, schema. No network."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import click

from agent.channels import kinds
from agent.cli import console
from agent.cli.common import json_option, settings_at
from agent.cli.exits import Exit
from agent.preparing.checking import feed_problems
from agent.settings.schema import agent_schema, feed_schema
from agent.settings.secrets import check_secret
from agent.settings.models import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from agent.settings.models import Settings


@click.command()
@json_option
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Check settings, templates, secrets and folders. Nothing is connected, nothing is changed."""
    settings = settings_at(ctx.obj)
    problems = [*(problem for feed in settings.feeds.values() for problem in feed_problems(feed, settings.folder))]
    problems += [*_secrets(settings), *_folders(settings)]
    if as_json:
        console.print_json({"ok": not problems, "problems": problems})
    elif problems:
        click.echo("\n".join(problems))
    else:
        feeds, destinations = len(settings.feeds), len(settings.destinations)
        click.echo(f"All is well: {feeds} feed{'s' * (feeds != 1)}, {destinations} destination{'s' * (destinations != 1)}.")
    if problems:
        ctx.exit(Exit.SETTINGS)


def _secrets(settings: Settings) -> list[str]:
    problems = []
    for name, destination in settings.destinations.items():
        for field, value in destination:
            if isinstance(value, Secret) and (words := check_secret(value, settings.folder)):
                problems.append(f"destinations.{name}.{field}: C-SECRET {words}")
    return problems


def _folders(settings: Settings) -> list[str]:
    """Folders that are there must be usable; those that are not are made at the first start."""
    wanted = {settings.state, settings.drop, *(settings.drop / name for name in settings.feeds)}
    return [
        f"{folder}: C-FOLDER is no folder that this user may read and write; mend its owner or mode"
        for folder in sorted(wanted)
        if folder.exists() and not (folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK))
    ]


@click.command()
@click.argument("kind", type=click.Choice(["agent", "feed"]))
def schema(kind: str) -> None:
    """Print the JSON Schema of agent.yaml or of a feed's file, for editors."""
    click.echo(json.dumps(agent_schema(kinds()) if kind == "agent" else feed_schema(), indent=2))
