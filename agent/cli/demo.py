"""The command demo: the whole way of three files on a stand-in for impact.com's side, on this machine only.

It proves what it shows: the end is success only if the receiver has exactly the bytes written down here.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import click

from agent import log
from agent.channels import kinds
from agent.cli import console
from agent.cli.exits import Exit
from agent.sandbox import SandboxSftp
from agent.service import Agent
from agent.settings.loader import load
from agent.stages.close import make_story

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
ActionTrackerID,Oid,SKU,Amount,Quantity,Reason
{% for row in rows if row.Status == "refunded" %}
{{ feed.action_tracker_id }},{{ row["Order no"] }},{{ row.Article }},{{ row["New total"] | amount }},\
{{ row["New quantity"] | quantity }},{{ row.Why | reason }}
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
    + "A-2002;RED-2;refunded;12.5O;1;changed mind\n"
    + "A-2002;RED-3;refunded;0;0;changed mind\n"
    + "A-2003;BLUE-7;refunded;5,00;1;never arrived\n",
    "wednesday.csv": _HEADER + 'A-3001;"RED-1;refunded;0;0;changed mind\n' + "A-3002;RED-2;refunded;0;0;changed mind\n",
}
_FIRST = "Oid,ActionTrackerID,SKU,Amount,Quantity,Reason\r\n"
_EXPECTED = {
    _FIRST
    + "A-1001,16027,RED-1,0,0,ITEM_RETURNED\r\n"
    + "A-1001,16027,RED-2,19.90,1,ITEM_RETURNED\r\n"
    + "A-1003,16027,RED-1,0,0,OTHER\r\n",
    _FIRST + "A-2001,16027,RED-1,0,0,ITEM_RETURNED\r\n" + "A-2003,16027,BLUE-7,5.00,1,OTHER\r\n",
}


@click.command()
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Where to set it up; must be empty.")
@click.pass_context
def demo(ctx: click.Context, folder: Path | None) -> None:
    """Show the whole way of three files (good, partly bad, unreadable) on this machine."""
    home = folder or Path(tempfile.mkdtemp(prefix="impact-agent-demo-"))
    if home.exists() and any(home.iterdir()):
        raise click.UsageError(f"{home} is not empty")
    log.configure(level=logging.ERROR)
    received = home / "impact.com"
    with SandboxSftp(received) as server:
        _set_up(home, server)
        click.echo(f"A stand-in for impact.com listens on 127.0.0.1:{server.port}.")
        for name, text in _DROPPED.items():
            (home / "drop" / "refunds" / name).write_text(text, encoding="utf-8")
            click.echo(f"Dropped {name} into {home / 'drop' / 'refunds'}.")
        with Agent(load(home / "config", kinds())) as agent:
            agent.once()
            found = agent.ledger.submissions(None, None, limit=10, newest_first=False)
            click.echo()
            console.status([make_story(agent.engine.context, one) for one in found])
    _tell(home, received)
    if not _exact(received):
        click.echo("The receiver does NOT have what it should have: the demo failed.", err=True)
        ctx.exit(Exit.FAILED)
    click.echo("The receiver has exactly the bytes it should have.")


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


def _tell(home: Path, received: Path) -> None:
    click.echo("\nWhere to look:")
    click.echo(f"  what impact.com got      {received}")
    for place, words in (("done", "what ended well"), ("attention", "what needs a person")):
        for folder in sorted((home / "drop" / "refunds" / place).glob("*/")):
            click.echo(f"  {words:<24} {folder}")
            for file in sorted(folder.iterdir()):
                click.echo(f"    {file.name}")
    click.echo(f"  the archive              {home / 'state' / 'archive'}")
    click.echo(f"  settings and template    {home / 'config'}")
    click.echo(f"  go on with it            impact-agent -c {home / 'config'} status\n")


def _exact(received: Path) -> bool:
    there = [path.read_bytes().decode() for path in sorted(received.rglob("*")) if path.is_file()]
    return len(there) == len(_EXPECTED) and set(there) == _EXPECTED
