"""The command demo: the whole way of some files to a stand-in for impact.com's side and back, on this machine only.

One feed goes over SFTP, one by mail; both are answered. It proves what it shows: it ends well only if the receiver
has exactly the bytes, and every row the end, that are written down in `demo_scene`.
"""

from __future__ import annotations

import json
import logging
import shlex
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent import log
from agent.acks import every_kind
from agent.cli import console
from agent.cli.demo_checks import differences, end_of, received, wrong_ends
from agent.cli.demo_scene import ABOUT, AGENT, CONFIG, DROPPED, EXPECTED, REFUSED
from agent.cli.exits import Exit
from agent.sandbox import (
    Authority,
    Office,
    SandboxImap,
    SandboxSftp,
    SandboxSmtp,
    into_folder,
    into_mailbox,
)
from agent.service import Agent
from agent.settings.loader import load
from agent.stages.close import make_story

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.feedback.story import Story

_PATIENCE = 20.0  # seconds the answers have to be heard
_PAUSE = 0.05  # seconds between two passes
_LEFT = (
    ("report.html", "what was sent, what came back and why, to be opened in a browser"),
    ("*.rejects.csv", "the records that were not sent, to be corrected and dropped again"),
)


@dataclass(frozen=True, slots=True)
class _Side:
    """Everything that stands in for impact.com."""

    home: Path
    sftp: SandboxSftp
    smtp: SandboxSmtp
    imap: SandboxImap
    offices: tuple[Office, ...]

    def wrong(self) -> list[str]:
        """Say how what was received differs from what must have been."""
        over_sftp = received(self.sftp.storage.root, but="results")
        by_mail = received(self.smtp.root)
        return [
            *differences(over_sftp, len(self.sftp.accepted), EXPECTED["sftp"]),
            *differences(by_mail, len(self.smtp.mails), EXPECTED["mail"]),
        ]


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Where to set it up; must be empty."
)
@click.pass_context
def demo(ctx: click.Context, folder: Path | None) -> None:
    """Show the whole way of four files (good, partly bad, unreadable) there and back, on this machine."""
    if find_spec("aiosmtpd") is None:
        raise click.ClickException(
            "the demo needs aiosmtpd; install it with: pip install 'impact-batch-agent[demo]'"
        )
    home = (folder or Path(tempfile.mkdtemp(prefix="impact-agent-demo-"))).resolve()
    if home.exists() and any(home.iterdir()):
        raise click.UsageError(f"{home} is not empty")
    log.configure(level=logging.ERROR)
    with ExitStack() as stack:
        side = _opened(home, stack)
        _set_up(side)
        _drop(home)
        with Agent(load(home / "config" / "agent.yaml", every_kind())) as agent:
            stories = _told(agent, side)
        wrong = side.wrong()
    _tell_received(side, stories, exact=not wrong)
    _tell_answers(stories)
    _tell_places(home, stories)
    wrong += wrong_ends({story.submission.name: end_of(story) for story in stories})
    if wrong:
        click.echo("\n".join(("The demo failed:", *wrong)), err=True)
        ctx.exit(Exit.FAILED)


def _opened(home: Path, stack: ExitStack) -> _Side:
    there = home / "impact.com"
    authority = Authority(there / "certificates")
    sftp = stack.enter_context(SandboxSftp(there / "sftp"))
    smtp = stack.enter_context(SandboxSmtp(there / "mail", authority))
    imap = stack.enter_context(SandboxImap(authority))
    results = there / "sftp" / "results"
    results.mkdir()
    offices = (
        Office(sftp, into_folder(results), refused=REFUSED),
        Office(smtp, into_mailbox(imap), refused=REFUSED, form="json"),
    )
    click.echo("The way of four files to impact.com and back, on this machine only.")
    click.echo(f"A stand-in takes impact.com's place: an SFTP server on 127.0.0.1:{sftp.port},")
    click.echo(f"a mail server on port {smtp.port}, and a mailbox for its answers on port {imap.port}.\n")
    return _Side(home, sftp, smtp, imap, offices)


def _set_up(side: _Side) -> None:
    config = side.home / "config"
    for place in ("feeds", "templates", "secrets"):
        (config / place).mkdir(parents=True)
    for name, server in (("sftp", side.sftp), ("smtp", side.smtp), ("imap", side.imap)):
        secret = config / "secrets" / name
        secret.touch(mode=0o600)
        secret.write_text(server.password, encoding="utf-8")
    ca_file = side.home / "impact.com" / "certificates" / "ca.pem"
    form = AGENT.format(  # JSON is YAML, whatever the path
        sftp=side.sftp, smtp=side.smtp, imap=side.imap, ca_file=json.dumps(str(ca_file))
    )
    (config / "agent.yaml").write_text(form, encoding="utf-8")
    for name, text in CONFIG.items():
        (config / name).write_text(text, encoding="utf-8")


def _drop(home: Path) -> None:
    click.echo(
        "1. A shop drops files into two folders: refunds, which go over SFTP, and corrections, by mail\n"
    )
    for (feed, name), text in DROPPED.items():
        folder = home / "drop" / feed
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        click.echo(f"   {name:<15}{ABOUT[name]}")


def _told(agent: Agent, side: _Side) -> list[Story]:
    """Let the agent do its work and the other side answer, and tell it step by step."""
    agent.once()
    _tell_stands("2. The agent checks them and delivers what can be delivered", _stories(agent))
    _heard(agent, [office.receipts for office in side.offices], "TAKEN")
    _tell_stands("3. impact.com's side sends receipts: it has them", _stories(agent))
    _heard(agent, [office.results for office in side.offices], "PROCESSED")
    _tell_stands("4. Later it sends results: what became of each row", _stories(agent))
    return _stories(agent)


def _heard(agent: Agent, answers: Sequence[Callable[[], list[str]]], state: str) -> None:
    """Have answers handed out; let the agent work until it has heard them all, or for as long as can be."""
    for answer in answers:
        answer()
    until = time.monotonic() + _PATIENCE
    agent.once()
    while time.monotonic() < until and any(
        delivery.batch.state != state for story in _stories(agent) for delivery in story.deliveries
    ):
        time.sleep(_PAUSE)
        agent.once()


def _stories(agent: Agent) -> list[Story]:
    found = agent.ledger.submissions(None, None, limit=10, newest_first=False)
    stories = [make_story(agent.engine.context, one) for one in found]
    return sorted(stories, key=lambda story: list(ABOUT).index(story.submission.name))


def _tell_stands(heading: str, stories: Sequence[Story]) -> None:
    click.echo(f"\n{heading}\n")
    for story in stories:
        click.echo(f"   {story.submission.name:<15}{console.stands(story)}")


def _tell_received(side: _Side, stories: Sequence[Story], *, exact: bool) -> None:
    click.echo("\n5. What impact.com's side has now\n")
    roots = {"impact-sftp": side.sftp.storage.root, "impact-mail": side.smtp.root}
    for story in stories:
        for delivery in story.deliveries:
            place = roots[delivery.batch.destination] / delivery.batch.name
            click.echo(f"   {delivery.batch.name}  (of {story.submission.name})")
            text = place.read_text(encoding="utf-8", errors="replace") if place.exists() else "is not there"
            click.echo("".join(f"     {line}\n" for line in text.splitlines()))
    click.echo(f"   Byte for byte what it should be: {'yes' if exact else 'NO'}.")


def _tell_answers(stories: Sequence[Story]) -> None:
    click.echo("\n6. What came back\n")
    for story in stories:
        answers = [answer for delivery in story.deliveries for answer in delivery.answers]
        for answer in answers:
            click.echo(f"   {answer.name}  (of {story.submission.name}): {answer.remark}")
        for row in end_of(story).refused:
            click.echo(f"     refused: order {row.order}, SKU {row.sku}: {row.code}")


def _tell_places(home: Path, stories: Sequence[Story]) -> None:
    click.echo(f"\n7. Where to look, below {home}\n")
    for story in stories:
        folder = home / "drop" / story.submission.feed / story.files.folder
        click.echo(f"   {folder.relative_to(home)}/")
        for pattern, words in _LEFT:
            for file in sorted(folder.glob(pattern)):
                click.echo(f"     {file.name:<20}  {words}")
    click.echo("   impact.com/sftp/         what the other side has got, and its answers in results/")
    click.echo("   impact.com/mail/         the attachments it has got by mail")
    click.echo("   state/archive/           each finished file with its batches, its answers and its report")
    click.echo("   config/                  the settings and the templates that did it")
    command = f"{_program()} -c {shlex.quote(str(home / 'config'))}"
    click.echo(f"\n   {command} status")
    click.echo(f"   {command} show {stories[0].submission.id if stories else 'ID'}\n")


def _program() -> str:
    """Return how this program was called, to be called so again."""
    if shutil.which("impact-agent"):
        return "impact-agent"
    called = Path(sys.argv[0])
    return f"{sys.executable} -m agent" if called.name == "__main__.py" else str(called)
