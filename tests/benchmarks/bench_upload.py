"""Upload speed against OpenSSH's own sftp: whole processes, taking turns, the same server on loopback.

Prints how long each took (median) and the ratio of the agent's time to sftp's (median of the ratios within a round, so
that other work on the machine weighs on both alike). Run alone: `python -m tests.benchmarks.bench_upload`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.channels.base import Parcel
from agent.channels.sftp import Channel, Options
from tests.servers import Sshd, reveal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BIG = 100_000_000
_SMALL, _MANY = 20_000, 1_000


@dataclass(frozen=True, slots=True)
class Case:
    """Some files to send over one connection, and what is asked of the agent."""

    title: str
    files: tuple[Path, ...]
    rate_at_least: float | None = None  # of sftp's rate
    time_at_most: float | None = None  # of sftp's time

    def verdict(self, ratio: float) -> str:
        """Say in one line how the agent's time compares."""
        if self.rate_at_least is not None:
            kept = 1 / ratio >= self.rate_at_least
            return f"{1 / ratio:.2f} of its rate (asked: at least {self.rate_at_least:g}){'' if kept else '  MISSED'}"
        kept = self.time_at_most is None or ratio <= self.time_at_most
        return f"{ratio:.2f} of its time (asked: at most {self.time_at_most:g}){'' if kept else '  MISSED'}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--deliver", type=Path, help=argparse.SUPPRESS)  # the measured process itself
    chosen = parser.parse_args(arguments)
    if chosen.deliver:
        return deliver(json.loads(chosen.deliver.read_text()))
    with tempfile.TemporaryDirectory() as folder, Sshd(Path(folder) / "sshd") as server:
        for case in _cases(Path(folder) / "files"):
            print(_compared(case, server, Path(folder), chosen.rounds), flush=True)  # noqa: T201 - its purpose
    return 0


def deliver(order: dict[str, Any]) -> int:
    """Send the files over one connection as the agent does, with its look, sync and rename."""
    channel = Channel(Options.model_validate(order["options"]), reveal)
    for number, (name, size, digest) in enumerate(order["files"]):
        path = Path(name)
        channel.send(Parcel(f"{number:020}", path.name, path, size, digest, 1), lambda: None)
    channel.close()
    return 0


def _cases(folder: Path) -> tuple[Case, ...]:
    folder.mkdir()
    big = folder / "big.csv"
    big.write_bytes(os.urandom(_BIG))
    small = []
    for number in range(_MANY):
        small.append(folder / f"small-{number:04}.csv")
        small[-1].write_bytes(os.urandom(_SMALL))
    return (
        Case("one file of 100 MB", (big,), rate_at_least=0.7),
        Case("1,000 files of 20 kB over one connection", tuple(small), time_at_most=1.1),
    )


def _compared(case: Case, server: Sshd, folder: Path, rounds: int) -> str:
    order, batch = folder / "order.json", folder / "batch"
    files = [(str(path), path.stat().st_size, _digest(path)) for path in case.files]
    order.write_text(json.dumps({"options": server.options().model_dump(mode="json"), "files": files}))
    batch.write_text("".join(f"put {path} {server.inbox}/{path.name}\n" for path in case.files))
    contestants = {
        "sftp -b": _sftp(server, folder, batch),
        "agent": [sys.executable, "-m", "tests.benchmarks.bench_upload", "--deliver", str(order)],
    }
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, command in contestants.items():
            taken[name].append(_timed(command))
            _check_and_clear(case, server.inbox)
    ratio = statistics.median(ours / theirs for ours, theirs in zip(taken["agent"], taken["sftp -b"], strict=True))
    medians = ", ".join(f"{name} {statistics.median(times):.2f} s" for name, times in taken.items())
    return f"upload, {case.title}: {case.verdict(ratio)}; {medians}, {rounds} rounds"


def _sftp(server: Sshd, folder: Path, batch: Path) -> list[str]:
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {server.host_key_line}\n")
    settings = {"UserKnownHostsFile": known, "IdentityFile": server.user_key, "IdentitiesOnly": "yes"}
    asked = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    return ["sftp", "-q", "-F", "none", *asked, "-P", str(server.port), "-b", str(batch), "127.0.0.1"]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _timed(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def _check_and_clear(case: Case, inbox: Path) -> None:
    _same: Callable[[Path], bool] = lambda path: (inbox / path.name).read_bytes() == path.read_bytes()  # noqa: E731
    assert all(map(_same, case.files)), "the server has other bytes"
    for path in inbox.iterdir():
        path.unlink()


if __name__ == "__main__":
    sys.exit(main())
