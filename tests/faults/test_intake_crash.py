"""The agent dies in the middle of taking files: at every point each file ends up recorded once and moved."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from agent.ledger.transition import Transition
from agent.stages.intake import Intake
from tests.dropping import WALL, Drop

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def drop(tmp_path):
    """Make a drop folder with the usual settings."""
    made = Drop(tmp_path)
    yield made
    made.stop()


class PowerCutError(Exception):
    """The moment after which nothing is done any more."""


class DyingLedger:
    """A ledger whose first commit is the last thing that happens."""

    def __init__(self, ledger) -> None:
        self._ledger = ledger

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    def commit(self, *args, **kwargs) -> None:
        """Commit, and die."""
        self._ledger.commit(*args, **kwargs)
        raise PowerCutError


def die_after_commit(drop) -> None:
    """Take what has settled, die between the commit and the moves, and start again."""
    drop.intake.close()
    drop.intake = Intake(drop.feed, drop.folder, DyingLedger(drop.ledger), drop.spool)
    with pytest.raises(PowerCutError):
        drop.settle()
    drop.stop()
    drop.start()


def test_what_was_recorded_is_only_moved_after_a_crash(drop):
    """No second submission, whatever became of the first: taken, repeated, refused or set aside."""
    drop.put("a.csv", b"1")
    drop.put("again.csv", b"1")
    (drop.folder / "link.csv").symlink_to("a.csv")
    with (drop.folder / "big.csv").open("wb") as file:
        file.truncate(3 * 2**30)
    die_after_commit(drop)
    states = drop.states
    assert states == {
        "RECEIVED": ["a.csv"], "DUPLICATE": ["again.csv"], "QUARANTINED": ["link.csv"],
        "REJECTED": ["big.csv"],
    }  # fmt: skip
    assert drop.left() == ["a.csv", "again.csv", "big.csv", "link.csv"]
    result = drop.scan()
    assert (result.taken, result.aside, drop.left(), drop.states) == ((), (), [], states)
    assert sorted(name.partition("--")[2] for name in drop.working()) == sorted(chain(*states.values()))


def test_after_a_crash_nothing_waits_to_be_still(drop):
    """What the ledger has already is moved by the first scan, before anything is sent and closed."""
    drop.put("a.csv")
    die_after_commit(drop)
    drop.scan()
    assert drop.left() == []


def test_the_same_bytes_dropped_anew_after_a_crash_are_a_repetition(drop):
    """Equal bytes in another file are a second drop, not the first one come back."""
    path = drop.put("a.csv", b"same")
    die_after_commit(drop)
    path.unlink()
    drop.put("keeps-the-inode-from-being-used-again", b"other")
    drop.put("a.csv", b"same")
    drop.settle()
    assert drop.names["a.csv"] == 2
    assert drop.states["DUPLICATE"] == ["a.csv"]


@pytest.mark.parametrize("events", [["told"], ["cancelled"]])
def test_a_file_dropped_back_from_where_it_was_moved_on_to_is_no_leftover(drop, events):
    """The same file, bytes and name, once its submission was dealt with: a person dropped it once more."""
    drop.put("first.csv", b"same")
    drop.put("second.csv", b"same")
    (second,) = drop.settle().aside
    moves = [Transition(second, "submission", event, told_at=1.0) for event in events]
    drop.ledger.commit(moves, at=WALL)
    (drop.folder / "working" / f"{second}--second.csv").rename(drop.folder / "second.csv")
    (third,) = drop.settle().aside
    assert third != second
    assert drop.ledger.submission(third).state == "DUPLICATE"


def test_a_file_moved_by_mistake_before_a_crash_is_put_back(drop):
    """A sender swapped the file, we moved the new one and died before noticing: it is a candidate again."""
    drop.put("a.csv", b"one")
    (taken,) = drop.settle().taken
    drop.stop()
    swapped = drop.folder / "working" / f"{taken}--a.csv"
    drop.put("a.csv", b"number two").replace(swapped)
    drop.start()
    drop.scan()
    assert drop.left() == ["a.csv"]
    drop.scan(10)
    assert [submission.size for submission in drop.ledger.submissions()] == [3, 10]


def test_what_somebody_else_put_into_working_is_left_alone(drop):
    """Not ours, not understood, not touched."""
    drop.put("a.csv")
    drop.settle()
    for name in ("notes.txt", "20270115-zzzzzzzz--b.csv"):
        (drop.folder / "working" / name).write_bytes(b"?")
    before = drop.working()
    drop.stop()
    drop.start()
    drop.settle()
    assert drop.working() == before


ONE_RUN = textwrap.dedent("""
    import sys
    from pathlib import Path
    from tests.dropping import WALL, Drop

    drop = Drop(Path(sys.argv[1]), settle="0s")
    print("started", flush=True)
    drop.scan()
    print("taken", flush=True)
    drop.stop()
""")


def killed_run(root: Path, call: str, time: int) -> str:
    """Take the files below `root` in a process that is killed when a thread makes a call so often."""
    trace = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}"]
    kill = ["-e", f"inject={call}:signal=SIGKILL:when={time}"]
    run = [sys.executable, "-c", ONE_RUN, str(root)]
    return subprocess.run([*trace, *kill, *run], capture_output=True, text=True, check=False).stdout


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("call", ["fsync", "fdatasync", "renameat", "renameat2", "unlinkat"])
def test_a_kill_at_every_call_that_changes_the_disk(tmp_path, call):
    """Wherever it dies, the next start ends with every file recorded once, moved, its bytes in the spool."""
    for time in range(1, 100):
        drop = Drop(tmp_path / str(time), settle="0s")
        for name in ("a.csv", "b.csv", "c.csv"):
            drop.put(name, name.encode())
        drop.stop()
        output = killed_run(drop.root, call, time)
        drop.start()
        drop.drain()
        assert drop.names == {"a.csv": 1, "b.csv": 1, "c.csv": 1}, f"killed at {call} {time}: {output}"
        assert (drop.left(), len(drop.working())) == ([], 3)
        for submission in drop.ledger.submissions():
            drop.spool.verify(f"spool/obj/{submission.sha256}", submission.sha256)
        assert drop.states == {"RECEIVED": ["a.csv", "b.csv", "c.csv"]}
        assert drop.ledger.verify_audit() == []
        drop.stop()
        if "taken" in output:
            break
    assert "taken" in output
