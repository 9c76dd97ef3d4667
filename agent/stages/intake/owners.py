"""Whose files a feed takes, and that nobody else may write to them: asked of an open file, so that no name deceives."""

from __future__ import annotations

import pwd
import stat
from typing import TYPE_CHECKING

from agent.model import Fault
from agent.settle import printable

if TYPE_CHECKING:
    import os

    from agent.settings.models import Feed


def not_trusted(feed: Feed, name: str, found: os.stat_result) -> Fault | None:
    """Say why a file is not read, by its owner and mode; None where the feed takes it."""
    shown = printable(name)
    if feed.owners and found.st_uid not in map(_number, feed.owners):
        words = f"{shown} belongs to {_name(found.st_uid)}; feed {feed.name} takes files of {', '.join(feed.owners)}"
        mend = "have one of these write the file, or name its owner under `owners:` of the feed; then drop it again"
        return Fault("Q-OWNER", words, mend, shown)
    if feed.world_writable == "refuse" and found.st_mode & stat.S_IWOTH:
        words = (
            f"{shown} may be written to by everybody on this machine (mode {stat.S_IMODE(found.st_mode):04o})"
        )
        mend = "have it written with a mode such as 0640, then drop it again; `chmod o-w` mends this one"
        return Fault("Q-OWNER", words, mend, shown)
    return None


def _number(user: str) -> int | None:
    """Return a user's number; None where there is no such user."""
    if user.isdecimal():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None


def _name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
