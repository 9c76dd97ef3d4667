"""What sending a batch by mail costs: against the library's usual way, and in memory.

The far side takes mails and throws them away. Processor time: mails of 5 MB over one connection, by two processes
that take turns. Memory: the peak of `impact-agent once` while it delivers a batch of 50 MB that was prepared before,
against one of 1 MB. Run alone: `python -m tests.benchmarks.bench_mail`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.told import tell
from tests.running import TOP, Installation
from tests.servers import Sshd, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIZE, MAILS = 5_000_000, 20
CPU_AT_MOST = 0.25  # of the usual way's
SMALL, LARGE = 1_000_000, 50_000_000  # bytes of a batch
MORE_AT_MOST = 8.0  # MiB with the large one
MIB = 2**20
_BLOCK = 2**20
_ROW = "16027,M-{:010},SKU-{:04},0,0,ITEM_RETURNED\n"
_BATCH_ROW = 44  # bytes of such a row in the batch
FEED = """\
level: item
template: impact-items.csv.j2
headers: impact
destination: there
settle: 0s
max_rows: 10000000
"""


class _Sink(socketserver.StreamRequestHandler):
    """One connection of a server that takes every mail and keeps none; `taken` counts their bytes."""

    taken = 0
    rbufsize = 0

    def handle(self) -> None:
        """Answer commands until it is told to end."""
        self._say("220 sink")
        while line := self._line():
            word = line[:4].upper()
            if word == b"DATA":
                self._say("354 go on")
                self._swallow()
            self._say("221 bye" if word == b"QUIT" else "250 ok")
            if word == b"QUIT":
                return

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())

    def _line(self) -> bytes:
        found = b""
        while not found.endswith(b"\n"):
            one = self.connection.recv(1)
            if not one:
                return b""
            found += one
        return found

    def _swallow(self) -> None:
        tail = b""
        while not tail.endswith(b"\r\n.\r\n"):
            block = self.connection.recv(_BLOCK)
            if not block:
                return
            type(self).taken += len(block)
            tail = (tail + block)[-5:]


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """Run the server; yields its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Sink) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, sink() as port:
        kept = _processor_time(Path(folder), port, chosen.rounds)
        kept = _memory(Path(folder), port) and kept
    return 0 if kept else 1


def _processor_time(folder: Path, port: int, rounds: int) -> bool:
    path = folder / "batch.csv"
    path.write_bytes(os.urandom(SIZE // 2).hex().encode())
    spent: dict[str, list[float]] = {"usual": [], "streamed": []}
    for _ in range(rounds):
        for way, times in spent.items():
            command = [sys.executable, "-m", "tests.benchmarks.send_mails", way, str(port), path, str(MAILS)]
            told = subprocess.run(command, cwd=TOP, check=True, capture_output=True)
            times.append(json.loads(told.stdout)["cpu"])
    assert _Sink.taken > rounds * 2 * MAILS * SIZE
    ratio = statistics.median(
        ours / theirs for theirs, ours in zip(spent["usual"], spent["streamed"], strict=True)
    )
    usual, ours = (statistics.median(times) for times in spent.values())
    words = f"{ours:.1f} s against {usual:.1f} s for {MAILS} mails of {SIZE // 10**6} MB, {rounds} rounds"
    title = "mail, streamed: CPU of EmailMessage and send_message"
    return tell(title, ratio, at_most=CPU_AT_MOST, words=words)


def _memory(folder: Path, port: int) -> bool:
    with Sshd(folder / "sshd") as server:
        small, large = (_peak(folder / str(size), server, port, size) for size in (SMALL, LARGE))
    words = f"{small:.0f} MiB with {SMALL // 10**6} MB, {large:.0f} MiB with {LARGE // 10**6} MB"
    return tell("mail, a large batch: MiB more at the peak", large - small, at_most=MORE_AT_MOST, words=words)


def _peak(folder: Path, server: Sshd, port: int, size: int) -> float:
    """Return the peak in MiB of the process that delivers a batch of so many bytes, prepared by another."""
    installation = Installation(folder, server)
    drop = installation.feed("shop", FEED)
    with (drop / ".large.csv").open(
        "w"
    ) as file:  # line by line: what we use at most is laid at the agent's door
        file.write("ActionTrackerID,Oid,SKU,Amount,Quantity,Reason\n")
        file.writelines(_ROW.format(number, number % 1000) for number in range(size // _BATCH_ROW))
    (drop / ".large.csv").rename(drop / "large.csv")
    for at in (free_port(), port):  # nobody is there the first time
        installation.settings["destinations"]["there"] = {
            "type": "smtp",
            "host": "127.0.0.1",
            "port": at,
            "security": "none",
            "allow_plain_smtp": True,
            "sender": "agent@example.net",
            "recipient": "far@batch.example.com",
            "retries": {"first": "1ms", "at_most": "1ms", "hold_after": "1d"},
        }
        installation.save()
        before = _Sink.taken
        peak = _measured(installation.command("once"), stopping=at != port)
    assert _Sink.taken - before > size
    return peak


def _measured(command: list[str], *, stopping: bool) -> float:
    """Run a command to its end, or until it has deferred what it cannot deliver; return its peak in MiB."""
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if stopping and b"batch.deferred" in line:
                process.terminate()
                stopping = False
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    return usage.ru_maxrss * 1024 / MIB


if __name__ == "__main__":
    sys.exit(main())
