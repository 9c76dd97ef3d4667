"""Decide whether a dropped file is finished, and whether its name may be used.

Pure: it is handed what a look at the folder showed and what two clocks said, and touches neither disk nor
clock. Time is counted on the monotonic clock; the wall clock only serves to notice a time of change that lies
in the future. It must not look into files. A fault of a name is handed back as a `Fault`, never raised.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.model import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "OWN_FOLDERS",
    "Look",
    "Readiness",
    "Seen",
    "Verdict",
    "bad_name",
    "fitting",
    "ignored",
    "is_overdue",
    "judge",
    "observe",
    "overdue",
    "printable",
    "shown_name",
    "twins",
]

OWN_FOLDERS = ("working", "done", "attention", "sent")

PATIENCE = 600.0  # seconds after which a file that is still not finished is named
LINK_PATIENCE = 60.0  # seconds a second hard link may last: link-and-unlink publishers have two for a moment
CLOCK_SLACK = 5.0  # seconds a time of change may lie in the future
CLOCK_PATIENCE = 60.0  # seconds waited at most for a time of change in the future to pass

_UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload", "~")
_LITTER = frozenset({"lost+found", "thumbs.db", "desktop.ini", *OWN_FOLDERS})
_DISGUISE = re.compile(r"%2f|%5c|%00|\\", re.IGNORECASE)  # a path in other clothes
_JOINERS = "\u200c\u200d"  # invisible, but part of how some languages and emoji are written
LONGEST = 255  # bytes of a file name
_KEPT_ENDING = 32  # bytes of a cut name's ending that are kept
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # Unicode categories a name may not hold


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a name in a drop folder showed; `name` is as `os.fsdecode` has it."""

    name: str
    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int
    nlink: int = 1
    mode: int = stat.S_IFREG

    @property
    def fingerprint(self) -> str:
        """Tell this file from another one with equal bytes: a hint, never a key (inodes are used again)."""
        return f"{self.dev}:{self.ino}:{self.size}:{self.mtime_ns}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is remembered of a name between looks; times are monotonic seconds."""

    look: Look
    first: float  # when the name was first there
    still: float  # since when it looks as it does
    ahead: float  # seconds its time of change lay in the future when it came to look like this
    linked: float | None  # since when it has more than one link


class Readiness(StrEnum):
    """Whether a file may be taken."""

    SETTLED = "settled"
    WAITING = "waiting"
    OVERDUE = "overdue"  # waiting for so long that people should know


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of `judge`; `again_in` is in seconds, None when only a change can settle the file."""

    readiness: Readiness
    again_in: float | None = None


def observe(before: Seen | None, look: Look, *, monotonic: float, wall: float) -> Seen:
    """Add one look to what is remembered of its name."""
    if before is not None and before.look == look:
        return before
    ahead = max(0.0, look.mtime_ns / 1e9 - wall)
    first = monotonic if before is None else before.first
    return Seen(look, first=first, still=monotonic, ahead=ahead, linked=_linked(before, look, monotonic))


def _linked(before: Seen | None, look: Look, monotonic: float) -> float | None:
    if look.nlink <= 1:
        return None
    if before is None or before.linked is None or (before.look.dev, before.look.ino) != (look.dev, look.ino):
        return monotonic
    return before.linked


def judge(seen: Seen, *, settle: float, monotonic: float, marker: Look | None, marked: bool) -> Verdict:
    """Say whether a file may be taken.

    Args:
        seen: what is remembered of it.
        settle: seconds it has to be still; not asked for where `marked`.
        monotonic: now.
        marker: the look at its ready marker, None when there is none.
        marked: whether the feed's files are finished only when their ready marker is there.

    """
    left = 0.0
    if seen.linked is not None:
        left = LINK_PATIENCE - (monotonic - seen.linked)
    if not marked:
        left = max(left, _stillness(seen, settle) - (monotonic - seen.still))
    elif marker is None or marker.mtime_ns < seen.look.mtime_ns:  # none, or an earlier file's
        return Verdict(_patience(seen, settle, monotonic))
    if left <= 0:
        return Verdict(Readiness.SETTLED)
    return Verdict(_patience(seen, settle, monotonic), left)


def _stillness(seen: Seen, settle: float) -> float:
    if seen.ahead <= CLOCK_SLACK:
        return settle
    return max(settle, min(seen.ahead, CLOCK_PATIENCE))


def _patience(seen: Seen, settle: float, monotonic: float) -> Readiness:
    return Readiness.OVERDUE if is_overdue(seen, settle=settle, monotonic=monotonic) else Readiness.WAITING


def is_overdue(seen: Seen, *, settle: float, monotonic: float) -> bool:
    """Whether people should know that a file is still not finished."""
    return monotonic - seen.first >= max(PATIENCE, 2 * settle)


def overdue(seen: Seen, *, marker: str) -> Fault:
    """Name a file that is not finished after ten minutes; `marker` is the ending of ready markers, or ""."""
    name = printable(seen.look.name)
    if marker:
        return Fault(
            "W-NOTREADY",
            f"{name} has waited for more than 10 minutes for its ready marker",
            f"create {name}{marker} once the file is complete; a marker older than the file does not count",
            name,
        )
    return Fault(
        "W-NOTREADY",
        f"{name} has been changing, or open for writing, for more than 10 minutes",
        "let the writing program finish, or write under a name ending in .part and rename it when complete",
        name,
    )


def ignored(name: str) -> bool:
    """Whether a name is that of an unfinished upload, a lock, litter, or one of our own folders."""
    if _DISGUISE.search(name):
        return False
    small = name.casefold()
    return name.startswith((".", "~$")) or small.endswith(_UNFINISHED) or small in _LITTER


def bad_name(name: str) -> Fault | None:
    """Say why a name may not be used. Leading dashes and 255 bytes are fine: names are data."""
    if name.isascii() and name.isprintable() and not _DISGUISE.search(name):
        return None
    if any(_undecodable(sign) for sign in name):
        return _unusable(name, "is not UTF-8; its bytes that are not are shown as \\x and two digits")
    unseen = [sign for sign in name if sign not in _JOINERS and unicodedata.category(sign) in _UNSEEN]
    if unseen:
        points = ", ".join(f"U+{ord(sign):04X}" for sign in dict.fromkeys(unseen))
        return _unusable(name, f"holds signs nobody can see ({points})")
    if _DISGUISE.search(name):
        return _unusable(name, "holds a backslash or an encoded slash, as if it were a path")
    return None


def _unusable(name: str, why: str) -> Fault:
    shown = printable(name)
    return Fault(
        "Q-NAME", f"the name {shown} {why}", "rename the file with plain letters, digits, - and _", shown
    )


def _undecodable(sign: str) -> bool:
    return "\udc80" <= sign <= "\udcff"


def printable(name: str) -> str:
    """Return a name as it can be shown and stored; what cannot be seen is written as its number."""
    if name.isascii() and name.isprintable():
        return name
    return "".join(_shown(sign) for sign in name)


def shown_name(name: str) -> str:
    """Return a name as the ledger has it: printable, and not longer than a file name may be."""
    return fitting(printable(name))


def fitting(name: str, longest: int = LONGEST) -> str:
    """Cut a name in its middle so that it has so many bytes at most, as a file system takes; its ending stays."""
    raw = os.fsencode(name)
    if len(raw) <= longest:
        return name
    ending = raw[-_KEPT_ENDING:].decode(errors="ignore")
    return raw[: longest - len(ending.encode())].decode(errors="ignore") + ending


def _shown(sign: str) -> str:
    if _undecodable(sign):
        return f"\\x{ord(sign) - 0xDC00:02x}"
    if sign in _JOINERS or unicodedata.category(sign) not in _UNSEEN:
        return sign
    return repr(sign)[1:-1]  # none of these categories is printable, so this is its number


def twins(names: Iterable[str]) -> dict[str, Fault]:
    """Find names that look equal but are spelt with other code points (NFC and NFD); the fault of each."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if not name.isascii():
            groups[unicodedata.normalize("NFC", name)].append(name)
    return {name: _twin(name) for group in groups.values() if len(group) > 1 for name in group}


def _twin(name: str) -> Fault:
    shown = printable(name)
    return Fault(
        "N-TWIN",
        f"{shown} looks like the name of another file beside it but is spelt otherwise; both are taken",
        "check that the sender did not upload the same file from two systems",
        shown,
    )
