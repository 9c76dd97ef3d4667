"""Runs `ledger_way` under strace: what it asked of the system, and what it does when that goes wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.faults.ledger_way import DROPPED

TOP = Path(__file__).resolve().parents[2]
CALLS = (
    *("fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat"),
    *("mkdir", "mkdirat", "write", "pwrite64", "openat"),
)
_LINE = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
_OPEN = re.compile(r"\d+<([^>]*)>")
_TEXT = re.compile(r'(?:(?:\d+|AT_FDCWD)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Call:
    """One call that concerned the state folder; `number` counts the calls of its name from 1, all of them."""

    name: str
    number: int
    paths: tuple[str, ...]  # absolute: of the open file, or the names given
    result: int
    text: str


def new_state(folder: Path) -> Path:
    """Make a state folder with the dropped file beside everything else."""
    folder.mkdir()
    (folder / "dropped.csv").write_bytes(DROPPED)
    return folder


def run(state: Path, *options: str) -> tuple[int, str, list[Call]]:
    """Go the way under strace; return its exit code, what it said, and its calls."""
    log = state.with_suffix(".calls")
    trace = ["strace", "-f", "-y", "-s", "100000", "-o", str(log), "-e", f"trace={','.join(CALLS)}", *options]
    done = subprocess.run(
        [*trace, sys.executable, "-m", "tests.faults.ledger_way", str(state)],
        cwd=TOP,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr, calls(log, state)


def calls(log: Path, state: Path) -> list[Call]:
    """Read strace's log; only calls about the state folder are kept, but all are counted."""
    counted: dict[str, int] = {}
    found = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        name, arguments, result = match[1], match[2], int(match[3])
        counted[name] = counted.get(name, 0) + 1
        paths = _paths(name, arguments)
        if any(path.startswith(f"{state}") for path in paths):
            found.append(Call(name, counted[name], paths, result, line))
    return found


def _paths(name: str, arguments: str) -> tuple[str, ...]:
    if name in ("fsync", "fdatasync", "write", "pwrite64"):
        return (_OPEN.match(arguments)[1],)  # type: ignore[index] - strace -y always names an open file
    return tuple(str(Path(folder) / path) for folder, path in _TEXT.findall(arguments))
