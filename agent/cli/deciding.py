"""Commands by which a person decides: release, resend, cancel. Recorded with who and why."""

from __future__ import annotations

import getpass
import time
from typing import TYPE_CHECKING, Any

import click

from agent.cli import console
from agent.cli.common import json_option, reading, resolved, settings_at, story_of
from agent.stages.decide import Verb, decide

if TYPE_CHECKING:
    from collections.abc import Callable


def _command(verb: Verb, words: str) -> Callable[..., Any]:
    @click.command(name=verb, help=words)
    @click.argument("subject", metavar="ID")
    @click.option("--why", required=True, help="The reason, for the record.")
    @json_option
    @click.pass_context
    def command(ctx: click.Context, subject: str, why: str, as_json: bool) -> None:  # noqa: FBT001 - click's way
        settings = settings_at(ctx.obj)
        with reading(settings) as context:
            wanted = resolved(context, subject)
            decision = decide(context.ledger, settings, verb, wanted, why)
            context.ledger.commit(decision.transitions, at=time.time(), actor=getpass.getuser())
            for warning in decision.warnings:
                click.echo(f"Careful: {warning}.", err=True)
            story = story_of(context, wanted)
            if as_json:
                console.print_json(console.story_json(story))
            else:
                console.status([story])
                click.echo(
                    "Recorded. A running agent goes on with it within seconds; else run `impact-agent once`."
                )

    return command


release = _command(
    "release",
    "Let what is held go on: a duplicate, a quarantined or rejected file is prepared anew, a held batch is"
    " sent, and a batch in doubt counts as sent, because you have found it at the other end.",
)
resend = _command(
    "resend",
    "Send a batch again. One in doubt or failed keeps its name, and the other end is looked at first; one"
    " that was delivered goes out once more under a new name.",
)
cancel = _command("cancel", "Give up what has not been sent: it ends here, and the report says so.")
