"""Loads paramiko late and light: at the first connection, and without what the agent never uses of it.

paramiko takes longer to load than most commands run, and a third of that goes into `invoke`, which it loads
only for `Match exec` in ssh_config files and does without where it is not installed.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.channels.sftp import Options
    from agent.channels.ssh.connection import Connection
    from agent.settings.models import Secret


def connect(options: Options, reveal: Callable[[Secret], bytes]) -> Connection:
    """Connect; see `connection.connect`."""
    with _looking_uninstalled("invoke"):
        from agent.channels.ssh import connection  # noqa: PLC0415 - only who sends pays for loading it
    return connection.connect(options, reveal)


@contextmanager
def _looking_uninstalled(name: str) -> Iterator[None]:
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # marks it as not importable
    try:
        yield
    finally:
        del sys.modules[name]
