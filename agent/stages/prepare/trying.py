"""Have a file worked on in a limited process, and say what follows where that fails.

A file that breaks the process twice is quarantined, so that the rest goes on; where the machine is at fault (a full
disk, no process to be had) the file is not blamed.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from agent.codes import counted_once
from agent.errors import SettingsError, SpoolError, WorkerBroke
from agent.ledger.transition import Transition
from agent.model import Counts, Fault
from agent.spool import NoRoomError
from agent.workers import TemplateUnusableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.model import Submission
    from agent.stages.context import Context

_TRIES = 2  # a file that broke the worker so often is quarantined
_ROOM = 4 * 2**20  # bytes; with less left on the disk it was the disk that broke the worker


def tried(
    context: Context, received: Submission, work: Callable[[Path, Path], tuple[Transition, ...]]
) -> tuple[Transition, ...]:
    """Do some work on a file's bytes and in a scratch folder; return what follows, also where it failed.

    Raises:
        NoRoomError: the disk is full; nothing is wrong with the file.
        SpoolError: its bytes cannot be read, or what came out could not be kept.

    """
    try:
        source = context.spool.verify(f"spool/obj/{received.sha256}", received.sha256)
    except SpoolError as error:
        if isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, FileNotFoundError):
            raise  # the disk does not let us read it
        words = f"the agent's copy of this file is no longer what was taken: {error}"
        return (quarantined(received, Fault("Q-ALTERED", words, "drop the file again; cancel this one")),)
    scratch = context.spool.scratch()
    try:
        return work(source, scratch)
    except (TemplateUnusableError, SettingsError) as error:
        return (unusable(received, f"the feed's template cannot be used: {error}"),)
    except WorkerBroke as error:
        _blame_a_full_disk(scratch)
        return (_broke(received, error),)
    finally:
        context.spool.discard(scratch)


def unusable(received: Submission, reason: str) -> Transition:
    """Refuse a file because of the settings."""
    fault = Fault("C-FEED", reason, "mend the settings, then release the file")
    return refused(received, "rejected", fault)


def quarantined(received: Submission, fault: Fault) -> Transition:
    """Set a file aside."""
    return refused(received, "quarantined", fault)


def refused(received: Submission, event: str, *faults: Fault) -> Transition:
    """Refuse a file as a whole; the first fault is the reason."""
    return Transition(
        received.id,
        "submission",
        event,
        reason=faults[0].words,
        groups=tuple(map(counted_once, faults)),
        counts=Counts(),
        tries=0,
    )


def _broke(received: Submission, error: WorkerBroke) -> Transition:
    tries = received.tries + 1
    if tries < _TRIES:
        return Transition(received.id, "submission", "broke", note=str(error), tries=tries)
    words = f"preparing this file broke the agent's worker {tries} times: {error}"
    fault = Fault("Q-BROKE", words, "look at the file, or raise the limits")
    return replace(quarantined(received, fault), tries=tries)


def _blame_a_full_disk(scratch: Path) -> None:
    """Tell a worker that a full disk broke from one that a file broke."""
    found = os.statvfs(scratch)
    if found.f_bavail * found.f_frsize < _ROOM or (found.f_files and not found.f_favail):
        raise NoRoomError("cannot prepare files: the disk is full; make room")
