"""Commands by which a person decides: release, resend, cancel. Recorded with who and why."""

from __future__ import annotations

import os
import pwd
import re
import time
from typing import TYPE_CHECKING, Any

import click

from agent.cli import console
from agent.cli.common import json_option, reading, resolved, story_of
from agent.cli.exits import Exit
from agent.errors import AgentError
from agent.preparing.usable import settings_at
from agent.stages.decide import Verb, Word, decide
from agent.states import UnknownTransitionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.settings.models import Settings
    from agent.stages.context import Context

_LONGEST = 1000  # characters of a reason
_NAME = re.compile(r"[\w.-]{1,64}")


class ChangedMeanwhileError(AgentError):
    """What was decided about is no longer as it was."""

    exit = Exit.TRY_AGAIN


def _command(verb: Verb, words: str) -> Callable[..., Any]:
    @click.command(name=verb, help=words)
    @click.argument("subject", metavar="ID")
    @click.option("--why", required=True, callback=_reason, help="The reason, for the record.")
    @json_option
    @click.pass_context
    def command(ctx: click.Context, subject: str, why: str, as_json: bool) -> None:  # noqa: FBT001 - click's way
        settings = settings_at(ctx.obj)
        with reading(settings) as context:
            word = Word(verb, resolved(context, subject), why, time.time())
            warnings = _record(context, settings, word)
            story = story_of(context, word.subject)
        for warning in warnings:
            click.echo(f"Careful: {warning}.", err=True)
        if as_json:
            console.print_json(console.story_json(story))
            return
        console.status([story])
        click.echo("Recorded. A running agent goes on with it within seconds; else run `impact-agent once`.")

    return command


def _reason(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    words = " ".join(value.split())
    if not words:
        raise click.BadParameter("say why, for the record")
    if len(words) > _LONGEST:
        raise click.BadParameter(f"is longer than {_LONGEST} characters")
    return words


def _record(context: Context, settings: Settings, word: Word) -> tuple[str, ...]:
    """Commit a decision; return what the person should know about it."""
    decision = decide(context.ledger, settings, word)
    try:
        context.ledger.commit(decision.transitions, at=word.at, actor=_login())
    except UnknownTransitionError as error:
        words = f"{word.subject} has changed in this very moment ({error}); look at it and decide again"
        raise ChangedMeanwhileError(words) from error
    return decision.warnings


def _login() -> str:
    """Return who is at the terminal, as far as the system knows; a variable may lie, so with it both."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may have users without a name
        name = f"user {os.getuid()}"
    behind = os.environ.get("SUDO_USER", "")
    return f"{behind} as {name}" if _NAME.fullmatch(behind) else name


release = _command(
    "release",
    "Let what is held go on: a duplicate, a quarantined or rejected file is prepared anew, a held batch is"
    " sent, and a batch in doubt counts as sent, because you have found it at the other end. One that waits for"
    " impact.com's answer waits no more, because you have seen there what became of it.",
)
resend = _command(
    "resend",
    "Send a batch again. One in doubt or failed keeps its name, and the other end is looked at first; one"
    " that was delivered goes out once more under a new name.",
)
cancel = _command("cancel", "Give up what has not been sent: it ends here, and the report says so.")
