"""The command install: the unit, the user, the folders and a first configuration; prints them unless told to write.

It never overwrites: what is there is left alone, and said. It starts and enables nothing; that is a person's word.
"""

from __future__ import annotations

import grp
import os
import pwd
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from agent.cli.exits import Exit
from agent.errors import AgentError
from agent.settings.shipped import shipped

_UNIT = "etc/systemd/system/impact-agent.service"
_ALLOW = f"{_UNIT}.d/allow-list.conf.sample"
_USER = "etc/sysusers.d/impact-agent.conf"
_CONFIG = "etc/impact-agent"
_DROP = "srv/impact"
_NAME = "impact-agent"  # of the user and the group
_HIDDEN = ("/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/")  # noqa: S108 - where the unit cannot look


class InstallError(AgentError):
    """What is to be installed cannot be written."""

    exit = Exit.NOT_PERMITTED


@dataclass(frozen=True, slots=True)
class Place:
    """A folder (without text) or a file that belongs to an installation; the path is below the root."""

    path: str
    mode: int
    group: str  # the owner is root, but where `ours`
    text: str | None = None
    ours: bool = False  # owned by the agent's user


@click.command()
@click.option("--write", is_flag=True, help="Write it all; otherwise it is only printed.")
@click.option(
    "--prefix",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/"),
    help="Write below this folder instead of /, for packages; no user is made, no owner changed.",
)
def install(write: bool, prefix: Path) -> None:  # noqa: FBT001 - click's way
    """Print what makes this a system service (unit, user, folders, first settings), or write it.

    Nothing that is there is overwritten; nothing is started.
    """
    places = wanted(command())
    if not write:
        _show(places)
        return
    root = prefix.resolve()
    real = root == Path("/")
    if real and os.geteuid() != 0:
        raise InstallError("only root can write below /; try sudo, or --prefix")
    for place in places:
        made = _made(place, root, give=real)
        click.echo(f"{'wrote' if made else 'left alone, it is there:'} {root / place.path}")
        if real and place.path == _USER:
            _make_user(root / _USER)
    _warn(places)
    click.echo("\nNow change what is marked CHANGE, put the secrets into their place, and then:")
    click.echo(f"  impact-agent -c /{_CONFIG} check")
    click.echo("  systemctl daemon-reload && systemctl enable --now impact-agent")


def command() -> str:
    """Return the command line that runs this very program, as the unit has it."""
    called = Path(shutil.which(sys.argv[0]) or sys.argv[0]).absolute()
    if called.name == _NAME and os.access(called, os.X_OK):
        return shlex.quote(str(called))
    return f"{shlex.quote(sys.executable)} -P -m agent"


def wanted(program: str) -> list[Place]:
    """Return all that an installation consists of, in the order in which it is made."""
    samples, systemd = shipped("config"), shipped("config") / "systemd"
    unit = (systemd / "impact-agent.service").read_text(encoding="utf-8")
    lines = [
        f"ExecStart={program.replace('%', '%%')} run" if line.startswith("ExecStart=") else line
        for line in unit.splitlines()
    ]
    return [
        Place(_USER, 0o644, "root", (systemd / "sysusers.conf").read_text(encoding="utf-8")),
        Place(_UNIT, 0o644, "root", "\n".join(lines) + "\n"),
        Place(_ALLOW, 0o644, "root", (systemd / "allow-list.conf").read_text(encoding="utf-8")),
        Place(_CONFIG, 0o750, _NAME),
        Place(f"{_CONFIG}/feeds", 0o750, _NAME),
        Place(f"{_CONFIG}/templates", 0o750, _NAME),
        Place(f"{_CONFIG}/secrets", 0o700, "root"),
        *(
            Place(f"{_CONFIG}/{file.relative_to(samples)}", 0o640, _NAME, file.read_text(encoding="utf-8"))
            for file in sorted(samples.rglob("*.yaml"))
        ),
        Place(_DROP, 0o2770, _NAME, ours=True),
    ]


def _show(places: list[Place]) -> None:
    for place in places:
        click.echo(f"# /{place.path}  ({_about(place)})")
        if place.text is not None and not place.path.startswith(_CONFIG):
            click.echo(f"{place.text}")
    click.echo(
        "# The files below /etc are the samples that are shipped, to be changed where they say CHANGE."
    )
    click.echo("# `impact-agent install --write` writes all of this; what is there already stays as it is.")
    _warn(places)


def _about(place: Place) -> str:
    owner = _NAME if place.ours else "root"
    kind = "folder" if place.text is None else "file"
    return f"{kind}, {owner}:{place.group}, mode {place.mode:04o}"


def _warn(places: list[Place]) -> None:
    """Say when the unit's user could not reach the program."""
    text = next(place.text or "" for place in places if place.path == _UNIT)
    (start,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    if start.removeprefix("ExecStart=").lstrip("'").startswith(_HIDDEN):
        words = "is where the service may not look (ProtectHome, PrivateTmp); install it below /opt or /usr"
        click.echo(f"impact-agent: {start.removeprefix('ExecStart=')} {words}", err=True)


def _made(place: Place, root: Path, *, give: bool) -> bool:
    """Make a folder or a file with its mode and, if to `give`, its owner; false where something is there."""
    path = root / place.path
    try:
        _make_way(path.parent)
        if place.text is None:
            path.mkdir(0o700)
        else:
            _write_new(path, place.text)
        if give:
            shutil.chown(path, _NAME if place.ours else "root", place.group)
        path.chmod(place.mode)  # last: a change of the owner takes bits away
    except FileExistsError:
        return False
    except OSError as error:
        raise InstallError(f"{path} cannot be written: {error.strerror}") from error
    return True


def _make_way(folder: Path) -> None:
    """Make the folders above a place, as everybody has them."""
    for one in (*reversed(folder.parents), folder):
        with suppress(FileExistsError):
            one.mkdir()
            one.chmod(0o755)


def _write_new(path: Path, text: str) -> None:
    """Write a file that was not there, closed to others until it has its mode; whole or not at all."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise


def _make_user(file: Path) -> None:
    """Have systemd-sysusers make the user and group, if they are not there."""
    if program := shutil.which("systemd-sysusers"):
        subprocess.run([program, str(file)], check=False, stdin=subprocess.DEVNULL)  # noqa: S603 - the system's own
    try:
        pwd.getpwnam(_NAME), grp.getgrnam(_NAME)
    except KeyError as error:
        words = f"useradd --system --user-group --home-dir /var/lib/{_NAME} --shell /usr/sbin/nologin {_NAME}"
        raise InstallError(f"the user {_NAME} could not be made; make it with `{words}`") from error
