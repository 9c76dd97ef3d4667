"""Secrets by reference: where one is kept is written in the settings, what it is never.

A secret lives in a systemd credential, in a file that only its owner may read, or in an environment variable.
What goes wrong is told with the reference; the secret itself is in no message. A `SettingsError` means that
the machine is not set up as the settings say.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import SettingsError
from agent.settings.problems import Problem, shown

if TYPE_CHECKING:
    from agent.settings.models import Secret

__all__ = ["CODE", "check_secret", "misnamed", "reveal"]

CODE = "C-SECRETREF"
_LONGEST_NAME = 200  # characters of a path that are told
_LARGEST = 64 * 1024  # bytes
_CREDENTIAL = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._@+=-]{1,255}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
# systemd lets a service read its credentials through an access list, which shows as the group's bits.
_FORBIDDEN = {"file": 0o077, "credential": 0o007}


def reveal(secret: Secret, folder: Path) -> bytes:
    """Return a secret without the line end behind it, or raise SettingsError.

    Refused are secrets that are not there or empty, and files that others may read. A file's relative path is
    taken from `folder`, where agent.yaml is.
    """
    kept = {kind: str(name) for kind, name in secret if name is not None}
    if len(kept) != 1:
        raise _refused("a secret needs one of credential, file and env")
    [(kind, name)] = kept.items()
    if words := misnamed(kind, name):
        raise _refused(f"a secret's {kind} {words}")
    if kind == "env":
        found = os.environb.get(os.fsencode(name))
        if found is None:
            raise _refused(f"the environment variable {name} is not set", "set it before the agent starts")
    else:
        found = _read(_path(kind, name, folder), kind, name)
    revealed = found.removesuffix(b"\n").removesuffix(b"\r")
    if not revealed:
        raise _refused(f"the secret in {kind} {shown(name)} is empty")
    return revealed


def check_secret(secret: Secret, folder: Path) -> str | None:
    """Return what is wrong with a secret and how to mend it, or None; nothing is contacted."""
    try:
        reveal(secret, folder)
    except SettingsError as error:
        return "\n".join(str(problem).removeprefix(f"{CODE} ") for problem in error.problems)
    return None


def misnamed(kind: str, name: str) -> str:
    """Return why no secret of this kind can have this name ("" when one can); the words do not quote it."""
    if kind == "credential" and not _CREDENTIAL.fullmatch(name):
        return "is not the name of a credential; write the name that LoadCredential= has, without a folder"
    if kind == "env" and not _VARIABLE.fullmatch(name):
        return "is not the name of an environment variable; write letters, digits and _ only"
    return ""


def _path(kind: str, name: str, folder: Path) -> Path:
    if kind == "file":
        return folder / name
    base = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not base:
        words = f"the credential {shown(name)} is not there: systemd did not start the agent with credentials"
        raise _refused(words, f"put LoadCredential={name} into the unit, or use file or env")
    return Path(base) / name


def _read(path: Path, kind: str, name: str) -> bytes:
    """Read a small plain file that others may not read; a link counts as what it leads to."""
    what = f"the secret in {kind} {shown(name, _LONGEST_NAME)}"
    try:
        # Not blocking: opening a pipe would wait for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _refused(f"{what} is not a plain file")
            if status.st_mode & _FORBIDDEN[kind]:
                words = f"{what} may be read by others (mode {stat.S_IMODE(status.st_mode):04o})"
                raise _refused(words, "chmod 600 it, and change the secret if others could have read it")
            content = stream.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = (
            error.strerror if isinstance(error, OSError) and error.strerror else "the path cannot be used"
        )
        raise _refused(f"{what} cannot be read: {reason}") from None
    if len(content) > _LARGEST:
        raise _refused(f"{what} is larger than {_LARGEST // 1024} KiB")
    return content


def _refused(words: str, mend: str = "") -> SettingsError:
    return SettingsError((Problem(CODE, words=words, mend=mend),))
