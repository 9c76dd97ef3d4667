"""The command demo: the whole way of three files to a stand-in for impact.com's side, on this machine only.

It proves what it shows: it ends well only if the receiver has exactly the bytes written down here.
"""

from __future__ import annotations

import logging
import shlex
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent import log
from agent.acks import every_kind
from agent.cli import console
from agent.cli.exits import Exit
from agent.sandbox import SandboxSftp
from agent.service import Agent
from agent.settings.loader import load
from agent.stages.close import make_story

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.feedback.story import Story

_AGENT = """\
version: 1
drop: ../drop
state: ../state
scan: 1s
destinations:
  impact-sftp:
    type: sftp
    host: 127.0.0.1
    port: {port}
    username: {username}
    password: {{file: secrets/password}}
    host_keys: ["{host_key}"]
"""
_FEED = """\
name: refunds
pattern: "*.csv"
level: item
template: refunds.csv.j2
variables: {action_tracker_id: "16027"}
destination: impact-sftp
delimiter: semicolon
numbers: {decimal: ","}
reasons: {changed mind: ITEM_RETURNED, never arrived: OTHER}
bad_rows: {policy: split, at_most: 50%}
settle: 0s
"""
_TEMPLATE = """\
{#- The shop's list of refunds: what is left of each item -#}
Oid,ActionTrackerID,SKU,Amount,Quantity,Reason
{% for row in rows if row.Status == "refunded" %}
{{ row["Order no"] | order_id }},{{ feed.action_tracker_id }},{{ row.Article }},\
{{ row["New total"] | amount }},{{ row["New quantity"] | quantity }},{{ row.Why | reason }}
{% endfor %}
"""
_HEADER = "Order no;Article;Status;New total;New quantity;Why\n"
_DROPPED = {
    "monday.csv": _HEADER
    + "A-1001;RED-1;refunded;0;0;changed mind\n"
    + "A-1001;RED-2;refunded;19,90;1;changed mind\n"
    + "A-1002;BLUE-7;paid;;;\n"
    + "A-1003;RED-1;refunded;0;0;never arrived\n",
    "tuesday.csv": _HEADER
    + "A-2001;RED-1;refunded;0;0;changed mind\n"
    + "A-2002;RED-2;refunded;12,5O;1;changed mind\n"
    + "A-2002;RED-3;refunded;0;0;changed mind\n"
    + "A-2003;BLUE-7;refunded;5,00;1;never arrived\n",
    "wednesday.csv": _HEADER
    + 'A-3001;"RED-1;refunded;0;0;changed mind\n'
    + "A-3002;RED-2;refunded;0;0;changed mind\n",
}
_ABOUT = {
    "monday.csv": "three refunded items of two orders; a third order was paid and stays",
    "tuesday.csv": "has a typing error in an amount: 12,5O, with the letter O",
    "wednesday.csv": "opens a quotation mark and never closes it: where the cell ends, nobody can tell",
}
_FIRST = b"Oid,ActionTrackerID,SKU,Amount,Quantity,Reason\r\n"
EXPECTED = (
    _FIRST
    + b"A-1001,16027,RED-1,0,0,ITEM_RETURNED\r\n"
    + b"A-1001,16027,RED-2,19.90,1,ITEM_RETURNED\r\n"
    + b"A-1003,16027,RED-1,0,0,OTHER\r\n",
    _FIRST + b"A-2001,16027,RED-1,0,0,ITEM_RETURNED\r\n" + b"A-2003,16027,BLUE-7,5.00,1,OTHER\r\n",
)
_LEFT = (
    ("report.html", "what was sent, what was not and why, to be opened in a browser"),
    ("*.rejects.csv", "the records that were not sent, to be corrected and dropped again"),
)


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Where to set it up; must be empty."
)
@click.pass_context
def demo(ctx: click.Context, folder: Path | None) -> None:
    """Show the whole way of three files (good, partly bad, unreadable) on this machine."""
    home = (folder or Path(tempfile.mkdtemp(prefix="impact-agent-demo-"))).resolve()
    if home.exists() and any(home.iterdir()):
        raise click.UsageError(f"{home} is not empty")
    log.configure(level=logging.ERROR)
    with SandboxSftp(home / "impact.com") as server:
        click.echo("The way of three files to impact.com, on this machine only.")
        click.echo(f"A stand-in takes impact.com's place: an SFTP server on 127.0.0.1:{server.port}.\n")
        _set_up(home, server)
        _drop(home)
        stories = _worked(home)
        wrong = differences(accepted(home / "impact.com"), len(server.accepted))
    _tell_received(home / "impact.com", stories, exact=not wrong)
    _tell_places(home, stories)
    if wrong:
        click.echo("\n".join(("The demo failed:", *wrong)), err=True)
        ctx.exit(Exit.FAILED)


def accepted(folder: Path) -> list[bytes]:
    """Return every file the receiver has, hidden and half-written ones too."""
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


def differences(received: Iterable[bytes], times: int) -> list[str]:
    """Say how what the receiver has differs from what it must have; `times`: files it was given so far."""
    found, wanted = Counter(received), Counter(EXPECTED)
    told = [f"The receiver lacks a file of {len(one)} bytes: {one!r}" for one in (wanted - found).elements()]
    told += [f"The receiver has a file it should not have: {one!r}" for one in (found - wanted).elements()]
    if times != len(EXPECTED):
        told.append(f"The receiver was given {times} files, not {len(EXPECTED)}.")
    return told


def _set_up(home: Path, server: SandboxSftp) -> None:
    config = home / "config"
    for place in (home / "drop" / "refunds", config / "feeds", config / "templates", config / "secrets"):
        place.mkdir(parents=True, exist_ok=True)
    secret = config / "secrets" / "password"
    secret.touch(mode=0o600)
    secret.write_text(server.password, encoding="utf-8")
    form = _AGENT.format(port=server.port, username=server.username, host_key=server.host_key_line)
    (config / "agent.yaml").write_text(form, encoding="utf-8")
    (config / "feeds" / "refunds.yaml").write_text(_FEED, encoding="utf-8")
    (config / "templates" / "refunds.csv.j2").write_text(_TEMPLATE, encoding="utf-8")


def _drop(home: Path) -> None:
    click.echo("1. A shop drops three files into its folder\n")
    for name, text in _DROPPED.items():
        (home / "drop" / "refunds" / name).write_text(text, encoding="utf-8")
        click.echo(f"   {name:<15}{_ABOUT[name]}")


def _worked(home: Path) -> list[Story]:
    click.echo("\n2. The agent checks them and delivers what can be delivered\n")
    with Agent(load(home / "config" / "agent.yaml", every_kind())) as agent:
        agent.once()
        found = agent.ledger.submissions(None, None, limit=10, newest_first=False)
        stories = [make_story(agent.engine.context, one) for one in found]
    stories.sort(key=lambda story: story.submission.name)
    for story in stories:
        click.echo(f"   {story.submission.name:<15}{console.stands(story)}")
    return stories


def _tell_received(received: Path, stories: Sequence[Story], *, exact: bool) -> None:
    click.echo("\n3. What impact.com's side has now\n")
    for story in stories:
        for delivery in story.deliveries:
            place = received / delivery.batch.name
            click.echo(f"   {delivery.batch.name}  (of {story.submission.name})")
            text = place.read_text(encoding="utf-8", errors="replace") if place.exists() else "is not there"
            click.echo("".join(f"     {line}\n" for line in text.splitlines()))
    click.echo(f"   Byte for byte what it should be: {'yes' if exact else 'NO'}.")


def _tell_places(home: Path, stories: Sequence[Story]) -> None:
    click.echo(f"\n4. Where to look, below {home}\n")
    for story in stories:
        folder = home / "drop" / "refunds" / story.files.folder
        click.echo(f"   {folder.relative_to(home)}/")
        for pattern, words in _LEFT:
            for file in sorted(folder.glob(pattern)):
                click.echo(f"     {file.name:<20}  {words}")
    click.echo("   impact.com/              what the other side has")
    click.echo("   state/archive/           each finished file with its batches and its report")
    click.echo("   config/                  the settings and the template that did it")
    command = f"{_program()} -c {shlex.quote(str(home / 'config'))}"
    click.echo(f"\n   {command} status")
    click.echo(f"   {command} show {stories[-1].submission.id if stories else 'ID'}\n")


def _program() -> str:
    """Return how this program was called, to be called so again."""
    if shutil.which("impact-agent"):
        return "impact-agent"
    called = Path(sys.argv[0])
    return f"{sys.executable} -m agent" if called.name == "__main__.py" else str(called)
