"""What preparing a large file costs, against a bare copy of the same file by the csv module.

The file is the online-retail sample repeated; every line is mapped and checked. Both sides are processes of their
own that take turns; what counts is the processor time of the whole stage (proving the spooled bytes, reading,
mapping, checking, writing, recording), children included. Run alone: `python -m tests.benchmarks.bench_prepare`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent import log
from agent.acks import every_kind
from agent.service import Agent
from agent.settings.loader import load
from agent.stages.prepare import job_of
from agent.states import SubmissionState
from agent.workers import Workers
from tests.benchmarks.told import tell
from tests.samples import look_alike, repeated, sample

if TYPE_CHECKING:
    from collections.abc import Sequence

LINES = 2_000_000
CPU_AT_MOST = 2.0  # of the copy's
MEMORY_AT_MOST = 64.0  # MiB
MORE_AT_MOST = 4.0  # MiB with four times the lines
MIB = 2**20
FEED = """\
name: retail
level: item
template: retail.csv.j2
variables: {action_tracker_id: "16027"}
destination: nowhere
settle: 0s
allow_duplicates: true
"""
TEMPLATE = """\
ActionTrackerID,Oid,SKU,Amount,Quantity,Reason
{% for row in rows %}
{{ feed.action_tracker_id }},{{ row.InvoiceNo }},{{ row.StockCode }},{{ row.UnitPrice | amount }},\
{{ row.Quantity | replace("-", "") | quantity }},ORDER_UPDATE
{% endfor %}
"""
SETTINGS = """\
version: 1
drop: ../drop
state: ../state
destinations:
  nowhere:
    type: sftp
    host: localhost
    username: nobody
    password: {env: NOTHING}
    host_keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2MdN7uI3o8bUuRkmf6ejqDgkFXBsRxTVXNPdVpULxV"]
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A file to prepare; `cpu_at_most` is what is asked for, None where it is only told."""

    title: str
    as_other_orders: bool
    cpu_at_most: float | None


CASES = (
    Case("every line an order line of its own", as_other_orders=True, cpu_at_most=CPU_AT_MOST),
    Case("the sample's lines come again as they are", as_other_orders=False, cpu_at_most=CPU_AT_MOST),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args(arguments)
    log.configure(level=logging.WARNING)
    ledger = sample() or look_alike()
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            with _written(Path(folder), ledger, chosen.lines, case) as file:
                kept = _compare(Path(folder), file, case, chosen.rounds) and kept
        kept = _memory(Path(folder), ledger, chosen.lines) and kept
    return 0 if kept else 1


@contextlib.contextmanager
def _written(folder: Path, ledger: bytes, lines: int, case: Case):
    """Write the file of a case; it is removed at the end."""
    file = folder / f"{lines}-lines.csv"
    with file.open("wb") as target:
        target.writelines(repeated(ledger, lines, as_other_orders=case.as_other_orders))
    yield file
    file.unlink()


def _compare(folder: Path, file: Path, case: Case, rounds: int) -> bool:
    """Have both sides take turns; print and return whether what is asked was kept."""
    home = folder / str(case.as_other_orders)
    received = _taken(home, file, rounds)
    spent: dict[str, list[float]] = {"copy": [], "prepare": [], "process": []}
    for subject in received:
        spent["copy"].append(
            _measured("tests.benchmarks.copy_csv", str(file), str(folder / "copy.csv"))["stage"]
        )
        told = _measured("tests.benchmarks.prepare_file", str(home / "config"), subject)
        spent["prepare"].append(told["stage"])
        spent["process"].append(told["process"])
    copy, stage, process = (statistics.median(times) for times in spent.values())
    ratio = statistics.median(
        ours / theirs for ours, theirs in zip(spent["prepare"], spent["copy"], strict=True)
    )
    counts = told["counts"]
    words = f"{stage:.1f} s against {copy:.1f} s, {rounds} rounds, with the process's start {process:.1f} s"
    rows = f"{counts['records']:,} lines, {counts['sent']:,} sent, {counts['repeated']:,} repeats, "
    rows += f"{counts['kept_back']:,} kept back"
    return tell(
        f"prepare, {case.title}: CPU of a csv copy", ratio, at_most=case.cpu_at_most, words=f"{words}; {rows}"
    )


def _taken(home: Path, file: Path, times: int) -> list[str]:
    """Make an installation that has taken a file so often; return the submissions."""
    settings = _installation(home)
    for number in range(times):
        copy = settings.drop / "retail" / f".{number}"
        copy.write_bytes(file.read_bytes())
        copy.rename(copy.with_name(f"{number}.csv"))
    with Agent(settings) as agent:
        while agent.scanner.scan() == 0 or len(_received(agent)) < times:
            pass
        return _received(agent)


def _installation(home: Path):
    for place in (home / "config" / "feeds", home / "config" / "templates", home / "drop" / "retail"):
        place.mkdir(parents=True)
    (home / "config" / "agent.yaml").write_text(SETTINGS)
    (home / "config" / "feeds" / "retail.yaml").write_text(FEED)
    (home / "config" / "templates" / "retail.csv.j2").write_text(TEMPLATE)
    return load(home / "config" / "agent.yaml", every_kind())


def _received(agent: Agent) -> list[str]:
    return [found.id for found in agent.ledger.submissions([SubmissionState.RECEIVED])]


def _measured(module: str, *words: str) -> dict:
    """Run one of the two sides; return what it tells, with the processor seconds of the whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run([sys.executable, "-m", module, *words], check=True, stdout=subprocess.PIPE)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**json.loads(ended.stdout), "process": process}


def _memory(folder: Path, ledger: bytes, lines: int) -> bool:
    """Prepare in the real, limited process, and the same with four times the lines."""
    settings = _installation(folder / "memory")
    workers = Workers(settings.limits)
    peaks = []
    for many in (lines, 4 * lines):
        with (
            _written(folder, ledger, many, CASES[0]) as file,
            tempfile.TemporaryDirectory(dir=folder) as scratch,
        ):
            job = job_of(settings, settings.feeds["retail"], file, Path(scratch))
            peaks.append(workers.prepare(job).peak_memory / MIB)
    workers.close()
    small, large = peaks
    first = tell("prepare, peak memory in MiB", small, at_most=MEMORY_AT_MOST, words=f"{lines:,} lines")
    words = f"{4 * lines:,} lines: {large:.1f} MiB"
    return (
        tell("prepare, MiB more at 4 times the lines", large - small, at_most=MORE_AT_MOST, words=words)
        and first
    )


if __name__ == "__main__":
    sys.exit(main())
