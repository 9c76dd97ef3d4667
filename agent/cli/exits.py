"""The one table of exit codes (sysexits.h where it has one)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from agent.errors import LedgerError, Permanent, RefusedFile, SettingsError, Transient
from agent.spool import NoRoomError
from agent.workers import NoWorkerError, TemplateUnusableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.errors import AgentError


class Exit(IntEnum):
    """How a command ended, for scripts."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    DATA_REFUSED = 65
    UNAVAILABLE = 69
    TRY_AGAIN = 75
    NOT_PERMITTED = 77
    SETTINGS = 78


MEANINGS: Mapping[Exit, str] = {
    Exit.DONE: "done",
    Exit.FAILED: "failed",
    Exit.USAGE: "the command was not understood",
    Exit.DATA_REFUSED: "data refused: something is in attention/",
    Exit.UNAVAILABLE: "the destination is unavailable",
    Exit.TRY_AGAIN: "try again later",
    Exit.NOT_PERMITTED: "not permitted",
    Exit.SETTINGS: "settings (or the ledger) are wrong",
}

_BY_KIND: tuple[tuple[type[BaseException], Exit], ...] = (
    (SettingsError, Exit.SETTINGS),
    (TemplateUnusableError, Exit.SETTINGS),
    (LedgerError, Exit.SETTINGS),
    (NoRoomError, Exit.TRY_AGAIN),
    (NoWorkerError, Exit.TRY_AGAIN),
    (RefusedFile, Exit.DATA_REFUSED),
    (Transient, Exit.TRY_AGAIN),
    (Permanent, Exit.UNAVAILABLE),
    (PermissionError, Exit.NOT_PERMITTED),
)


def exit_of(error: AgentError | OSError) -> Exit:
    """Return the exit code of an error."""
    named = getattr(error, "exit", None)
    if isinstance(named, int):
        return Exit(named)
    return next((code for kind, code in _BY_KIND if isinstance(error, kind)), Exit.FAILED)
