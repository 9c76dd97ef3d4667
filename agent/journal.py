"""Hands events to systemd's journal with a field for each fact, so that `journalctl BATCH=…` finds them.

The journal's own form (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram an event, a line for each field, and
values of several lines behind their length. Where it cannot be had, `write` says so and the caller writes
elsewhere.
"""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

SOCKET = Path("/run/systemd/journal/socket")
_IDENTIFIER = "impact-agent"
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}  # syslog(3)
_PATIENCE = 2.0  # seconds for a journal that is busy
_LONGEST_NAME = 64  # bytes of a field's name; the journal leaves out what is longer


def is_journal(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a stream leads to the journal: JOURNAL_STREAM names its device and inode."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class Journal:
    """The way to the journal; safe to use from several threads."""

    def __init__(self, path: Path = SOCKET) -> None:
        self._path = str(path)

    def write(self, event: str, level: str, facts: Mapping[str, object]) -> bool:
        """Hand one event over; false where the journal would not have it."""
        fields = {
            "MESSAGE": " ".join([event, *(f"{name}={_text(value)}" for name, value in facts.items())]),
            "PRIORITY": str(_PRIORITIES[level]),
            "SYSLOG_IDENTIFIER": _IDENTIFIER,
            "EVENT": event,
        }
        for name, value in facts.items():
            fields.setdefault(_field(name), _text(value))
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
                way.settimeout(_PATIENCE)
                way.sendto(b"".join(_line(*field) for field in fields.items()), self._path)
        except OSError:
            return False
        return True


def _field(name: str) -> str:
    """Return a field's name as the journal takes it: capitals, digits and _, beginning with a letter."""
    plain = re.sub(r"[^A-Z0-9_]", "_", name.upper()).lstrip("_0123456789")
    return plain[:_LONGEST_NAME] or "FACT"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _line(name: str, value: str) -> bytes:
    content = value.encode("utf-8", "backslashreplace")
    if b"\n" not in content:
        return name.encode() + b"=" + content + b"\n"
    return name.encode() + b"\n" + len(content).to_bytes(8, "little") + content + b"\n"
