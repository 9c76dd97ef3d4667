"""Starts agents by forking a process that has everything imported, for tests that start hundreds.

Run as `python -m tests.forking CONFIG`. For each line on standard input, the path of a log, it forks an agent
that works as `impact-agent run` does, and answers with its process number. The kernel reaps the agents.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Self

from tests.running import STOP, TOP

if TYPE_CHECKING:
    from pathlib import Path


class Agents:
    """Starts agents on one installation, quickly."""

    def __init__(self, config: Path) -> None:
        self._command = [sys.executable, "-m", "tests.forking", str(config)]

    def start(self, log: Path) -> Forked:
        """Start an agent; it has not even read its settings when this returns."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{log}\n".encode())
        return Forked(int(self._process.stdout.readline()))

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, cwd=TOP, stdin=pipe, stdout=pipe, bufsize=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=STOP)


class Forked:
    """A forked agent."""

    def __init__(self, process: int) -> None:
        self.process = process
        self._handle = os.pidfd_open(process)

    def kill(self) -> None:
        """Kill it, and wait until the kernel has closed its files."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        assert select.select([self._handle], [], [], STOP)[0], "the agent does not die"
        os.close(self._handle)


def serve(config: str) -> None:
    """Fork an agent per line."""
    from agent.channels.ssh import connection  # noqa: F401, PLC0415 - imported once, for all of them
    from agent.cli import main, working  # noqa: F401, PLC0415 - the same

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while line := sys.stdin.buffer.readline():
        process = os.fork()
        if process == 0:
            _become_agent(config, line.decode().strip())
        os.write(sys.stdout.fileno(), b"%d\n" % process)


def _become_agent(config: str, log: str) -> None:
    """Run the agent and leave; never returns."""
    from agent.cli.main import main  # noqa: PLC0415 - as above

    nothing = os.open(os.devnull, os.O_RDWR)
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, source in enumerate((nothing, nothing, stream)):
        os.dup2(source, number)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    sys.argv = ["impact-agent", "-c", config, "run"]
    code = 70
    try:
        main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else code
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
