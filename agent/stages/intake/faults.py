"""What intake says about files it cannot take as they are: pure, one function per fault.

Words name the file in printable form and say what follows; they never hold anything from inside it.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from agent.model import Fault
from agent.settle import bad_name, printable
from agent.spool import NoRoomError

if TYPE_CHECKING:
    from pathlib import Path

    from agent.settings.models import Feed
    from agent.settle import Look

SHORT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})  # errors that pass by themselves

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_DROP_A_FILE = "drop an ordinary file"


def unsafe(look: Look) -> Fault | None:
    """Say why something is moved aside without being opened, None when it may be opened."""
    shown, kind = printable(look.name), stat.S_IFMT(look.mode)
    if kind == stat.S_IFLNK:
        return Fault("Q-SYMLINK", f"{shown} is a symbolic link; links are not followed", _DROP_A_FILE, shown)
    if kind != stat.S_IFREG:
        what = _KINDS.get(kind, "no file")
        return Fault("Q-NOTREGULAR", f"{shown} is {what}, not an ordinary file", _DROP_A_FILE, shown)
    if fault := bad_name(look.name):
        return fault
    if look.nlink > 1:
        words = f"{shown} is one of {look.nlink} hard links to the same file, so others can change it unseen"
        return Fault("Q-HARDLINK", words, "drop a copy", shown)
    return None


def too_big(look: Look, limit: int) -> Fault:
    """Say that a file is over the feed's cap."""
    words = f"the file has {look.size:,} bytes; this feed takes at most {limit:,}"
    return Fault("E-TOOBIG", words, "split the file, or raise max_size of the feed", f"{look.size:,}")


def unreadable(look: Look, error: OSError) -> Fault:
    """Say that a file may not or cannot be read."""
    shown = printable(look.name)
    words = f"{shown} cannot be read ({_why(error)}), so it is left where it is"
    return Fault("E-PERM", words, "let the agent's user or group read it", shown)


def immovable(look: Look, error: OSError) -> Fault:
    """Say that a file cannot be moved out of the drop folder."""
    shown = printable(look.name)
    return Fault(
        "E-STUCK",
        f"{shown} cannot be moved out of the drop folder ({_why(error)})",
        "let the agent own the drop folder or take its sticky bit away; check the file's attributes",
        shown,
    )


def sticky(look: Look) -> Fault:
    """Say that a file was not taken because it could not be moved out afterwards."""
    return immovable(look, PermissionError(errno.EPERM, os.strerror(errno.EPERM)))


def gone(look: Look, submission: str) -> Fault:
    """Say that the sender took a file away after its bytes were recorded."""
    shown = printable(look.name)
    words = f"{shown} was taken as {submission}, but left the drop folder before it could be moved"
    return Fault("W-GONE", words, f"cancel {submission} if it should not be sent", shown)


def written_late(look: Look, submission: str) -> Fault:
    """Say that somebody wrote to a file after its bytes were recorded."""
    shown = printable(look.name)
    return Fault(
        "W-LATEWRITE",
        f"{shown} was written to after it was taken as {submission}; what was added is not in it",
        "have the sender write to a name ending in .part and rename when complete; drop the whole file again",
        shown,
    )


def out_of_reach(folder: Path, error: OSError) -> Fault:
    """Say that the drop folder cannot be used."""
    return Fault(
        "E-FOLDER",
        f"the drop folder {printable(folder.name)} cannot be used ({_why(error)})",
        "bring it back (is its file system mounted?) and let the agent read, write and enter it",
    )


def replaced(folder: Path) -> Fault:
    """Say that another folder has the drop folder's name now."""
    return Fault(
        "W-REPLACED",
        f"under the name of the drop folder {printable(folder.name)} there is another folder now",
        "check that no file system was mounted or unmounted by mistake; what is in the old folder waits",
    )


def folder_inside(look: Look) -> Fault:
    """Say that folders in a drop folder are not looked into."""
    shown = printable(look.name)
    words = f"{shown} is a folder; folders are not looked into"
    return Fault("W-FOLDER", words, "drop the files themselves", shown)


def of_no_feed(look: Look, feed: Feed) -> Fault:
    """Say that the feed does not take files of this name."""
    shown = printable(look.name)
    return Fault(
        "E-NOFEED",
        f"{shown} is left where it is: feed {feed.name} takes {', '.join(feed.pattern)}",
        "rename it (small and capital letters count), drop it elsewhere, or widen the feed's pattern",
        shown,
    )


def short_of(error: Exception) -> Fault | None:
    """Say what the machine has run out of, None when the error is another and must not be waited out."""
    cause = error if isinstance(error, OSError) else error.__cause__
    mend = "the files wait where they are and are taken once that has passed"
    if isinstance(error, NoRoomError):
        return Fault("W-SHORT", str(error), mend)
    if isinstance(cause, OSError) and cause.errno in SHORT:
        return Fault("W-SHORT", f"the agent has run out of something: {_why(cause)}", mend)
    return None


def _why(error: OSError) -> str:
    return error.strerror or str(error)
