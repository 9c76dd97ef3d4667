"""Two processes want the same edge, or one is killed while it writes: the ledger stays whole."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.errors import LedgerError
from agent.ledger.ledger import Ledger
from tests.faults.ledger_writer import BATCHES
from tests.unit.ledger.made import NOON, prepared, submission, taken

TOP = Path(__file__).resolve().parents[2]
KILLS = 30


@pytest.fixture
def path(tmp_path):
    """Make a ledger with many batches that are ready."""
    where = tmp_path / "ledger.db"
    with Ledger.open(where, must_exist=False) as ledger:
        owner = submission("race")
        ledger.commit([taken(owner), prepared(owner, *BATCHES)], at=NOON)
    return where


def start(path, *arguments):
    """Start a process that writes to the ledger."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.ledger_writer", str(path), *arguments],
        cwd=TOP,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_of_two_processes_one_wins_each_edge(path):
    """The daemon starts a batch while a person cancels it: exactly one of them does, the other is told."""
    racers = {event: start(path, "race", event) for event in ("started", "cancelled")}
    assert [racer.stdout.readline() for racer in racers.values()] == ["ready\n"] * 2
    won = dict.fromkeys(racers, 0)
    for turn in range(len(BATCHES)):
        order = sorted(racers, reverse=bool(turn % 2))
        for event in order:
            racers[event].stdin.write("go\n")
            racers[event].stdin.flush()
        granted = [event for event in order if racers[event].stdout.readline() == "granted\n"]
        assert len(granted) == 1
        won[granted[0]] += 1
    for racer in racers.values():
        racer.communicate(timeout=60)
    assert min(won.values()) > 0
    with Ledger.open(path, must_exist=True) as ledger:
        left = ledger.batches(["SENDING", "CANCELLED"])
        assert {(one.reason, one.state) for one in left} <= {
            ("started", "SENDING"),
            ("cancelled", "CANCELLED"),
        }
        assert [sum(one.reason == event for one in left) for event in won] == list(won.values())
        assert ledger.verify_audit() == []
        assert len(ledger.audit(limit=10_000)) == 2 + 2 * len(BATCHES)


def test_a_killed_writer_leaves_a_whole_ledger(path):
    """Killed again and again: every acknowledged commit is there, whole, and the audit's chain holds."""
    dice = random.Random(20261121)  # noqa: S311 - moments to kill at, no secrets
    acknowledged = -1
    for _ in range(KILLS):
        writer = start(path, "hurry")
        first = writer.stdout.readline()
        time.sleep(dice.random() * 0.03)
        writer.kill()
        said = [first, *writer.communicate()[0].splitlines()]
        acknowledged = max(int(line) for line in said if line.strip())
        with Ledger.open(path, must_exist=True) as ledger:
            counts = ledger.counts_by_state()
            prepared_files = counts["submission", "PREPARED"] - 1
            assert ledger.verify_audit() == []
            assert prepared_files == counts["batch", "READY"] - len(BATCHES)
            assert ledger.submission(submission(f"f{acknowledged}").id) is not None
    assert acknowledged >= KILLS


def test_two_fresh_starts_at_once_make_one_ledger(tmp_path):
    """Both find nothing and both may make it: in the end there is one, and both can write."""
    where = tmp_path / "ledger.db"
    program = (
        "import sys; from pathlib import Path; from agent.ledger.ledger import Ledger; "
        "Ledger.open(Path(sys.argv[1]), must_exist=False).close()"
    )
    starters = [subprocess.Popen([sys.executable, "-c", program, str(where)], cwd=TOP) for _ in range(4)]
    assert [starter.wait(60) for starter in starters] == [0, 0, 0, 0]
    with Ledger.open(where, must_exist=True) as ledger:
        assert ledger.verify_audit() == []


def test_a_reader_sees_a_commit_whole_or_not_at_all(path):
    """While another process writes two rows a commit, no question ever sees one without the other."""
    writer = start(path, "hurry")
    writer.stdout.readline()
    seen = set()
    with Ledger.open(path, must_exist=True) as ledger:
        for _ in range(100):
            counts = ledger.counts_by_state()
            seen.add(counts["batch", "READY"] - counts["submission", "PREPARED"])
    writer.kill()
    writer.communicate()
    assert seen == {len(BATCHES) - 1}


def test_a_ledger_deleted_under_a_running_agent_is_noticed(path):
    """At the next start at the latest: nothing is made anew in its place."""
    with Ledger.open(path, must_exist=True) as ledger:
        for left in path.parent.glob("ledger.db*"):
            left.unlink()
        ledger.counts_by_state()
    with pytest.raises(LedgerError, match="is missing"):
        Ledger.open(path, must_exist=False)
