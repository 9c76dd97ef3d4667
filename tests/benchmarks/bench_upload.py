"""Upload speed against OpenSSH's own `sftp -b`: whole processes, taking turns, one server on loopback.

The ratio is the median of the ratios within a round, so that other work on the machine weighs on both
alike. The server keeps its files in memory where it can: the disk is the same for both and would blur the
picture. The agent does more than sftp is asked to: it has each file synced, checks its size, renames it and
looks again. Alone: `python -m tests.benchmarks.bench_upload [ROUNDS]`.
"""

from __future__ import annotations

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
from typing import TYPE_CHECKING

from tests.servers import Sshd

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUNDS = 7
_MEMORY = Path("/dev/shm")  # noqa: S108 - only a place that is fast; the folder in it is private
_SINGLY = "agent, one by one"
_AGENT = Path(__file__).with_name("deliver_files.py")


@dataclass(frozen=True, slots=True)
class Case:
    """Some files to send over one connection, and the most time it may take, as a multiple of sftp's."""

    title: str
    count: int
    size: int
    at_most: float
    goal: str


_CASES = (
    Case("one file of 100 MB", 1, 100_000_000, 1 / 0.7, "at least 0.7 of its rate"),
    Case("1,000 files of 20 kB over one connection", 1_000, 20_000, 1.1, "at most 1.1 of its time"),
)


def main(rounds: int = _ROUNDS) -> int:
    """Run the comparison and print it; return how many goals were missed."""
    missed = 0
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    for case in _CASES:
        with tempfile.TemporaryDirectory(dir=place) as folder, Sshd(Path(folder) / "sshd") as server:
            taken = _compared(server, Path(folder), _files(case, Path(folder)), rounds)
        ratio = _ratio(taken, "agent")
        kept = ratio <= case.at_most
        missed += not kept
        times = ", ".join(f"{name} {statistics.median(times):.2f} s" for name, times in taken.items())
        print(  # noqa: T201 - it is what the program is for
            f"upload, {case.title}: {1 / ratio:.2f} of sftp's rate, {ratio:.2f} of its time "
            f"({case.goal}: {'yes' if kept else 'MISSED'}); {times}; {rounds} rounds",
            flush=True,
        )
        if _SINGLY in taken:
            print(f"  one after the other instead of side by side: {_ratio(taken, _SINGLY):.2f} of its time")  # noqa: T201
    return missed


def _ratio(taken: dict[str, list[float]], name: str) -> float:
    return statistics.median(ours / theirs for theirs, ours in zip(taken["sftp"], taken[name], strict=True))


def _files(case: Case, folder: Path) -> list[Path]:
    made = [folder / f"file-{number:04}.csv" for number in range(case.count)]
    for path in made:
        path.write_bytes(os.urandom(case.size))
    return made


def _compared(server: Sshd, folder: Path, files: Sequence[Path], rounds: int) -> dict[str, list[float]]:
    agent = _agent(server, folder, files)
    contestants = {"sftp": _sftp(server, folder, files), "agent": [*agent, "together"]}
    if len(files) > 1:
        contestants[_SINGLY] = [*agent, "single"]
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, command in contestants.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            taken[name].append(time.perf_counter() - started)
            _check_and_clear(server.inbox, files)
    return taken


def _agent(server: Sshd, folder: Path, files: Sequence[Path]) -> list[str]:
    order = folder / "order.json"
    listed = [
        (str(path), path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files
    ]
    order.write_text(json.dumps({"options": server.options().model_dump(mode="json"), "files": listed}))
    return [sys.executable, str(_AGENT), str(order)]


def _sftp(server: Sshd, folder: Path, files: Sequence[Path]) -> list[str]:
    batch, known = folder / "batch", folder / "known_hosts"
    batch.write_text("".join(f"put {path} {server.inbox}/{path.name}\n" for path in files))
    known.write_text(f"[127.0.0.1]:{server.port} {server.host_key_line}\n")
    settings = {"UserKnownHostsFile": known, "IdentityFile": server.user_key, "IdentitiesOnly": "yes"}
    asked = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    return ["sftp", "-q", "-F", "none", *asked, "-P", str(server.port), "-b", str(batch), "127.0.0.1"]


def _check_and_clear(inbox: Path, files: Sequence[Path]) -> None:
    there = sorted(inbox.iterdir())
    if [path.name for path in there] != [path.name for path in files]:
        raise SystemExit(f"the server has {len(there)} files instead of {len(files)}")
    for ours, theirs in zip(files, there, strict=True):
        if ours.read_bytes() != theirs.read_bytes():
            raise SystemExit(f"the server has other bytes in {theirs.name}")
        theirs.unlink()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
