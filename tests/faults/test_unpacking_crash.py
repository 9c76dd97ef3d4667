"""The agent dies in the middle of unpacking: every file inside ends up recorded once, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from agent.settings.models import Limits
from agent.workers import Workers
from tests.house import House, feed, source
from tests.workbooks import zipped

if TYPE_CHECKING:
    from pathlib import Path

EACH = {"archive": "each", "pattern": ("*.zip", "*.csv")}
CONTENT = zipped(
    ("a.csv", source("A")), ("b.csv", source("B")), ("again.csv", source("A")), ("readme.txt", b"1"),
    ("x/c.csv", source("C")), (".DS_Store", b""),
)  # fmt: skip
ENDS = {
    "all.zip": "CLOSED", "a.csv": "CLOSED", "b.csv": "CLOSED", "again.csv": "DUPLICATE",
    "readme.txt": "REJECTED", "c.csv": "CLOSED",
}  # fmt: skip
ONE_RUN = textwrap.dedent("""
    import sys
    from pathlib import Path
    from agent.stages.prepare import unpack
    from tests.faults.test_unpacking_crash import EACH
    from tests.house import House, feed

    house = House(Path(sys.argv[1]), feed(**EACH))
    house.workers.start()
    print("started", flush=True)
    if sys.argv[2] == "all":
        house.drain()
    else:
        house.ledger.commit(unpack(house.context, sys.argv[2]), at=house.now)
    print("done", flush=True)
    house.stop()
    house.workers.close()
""")


def killed_run(root: Path, what: str, call: str, time: int) -> str:
    """Unpack an archive, or do all that is due, in a process that is killed when a thread makes a call so often."""
    trace = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}"]
    kill = ["-e", f"inject={call}:signal=SIGKILL:when={time}"]
    run = [sys.executable, "-c", ONE_RUN, str(root), what]
    return subprocess.run([*trace, *kill, *run], capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def workers():
    """Start one preparing process for all that is done after a crash."""
    made = Workers(Limits())
    yield made
    made.close()


def survives(house: House) -> None:
    """Everything inside is there once, whole, and went out once."""
    house.engine.recover()
    house.drain(later=3600.0)
    found = house.ledger.submissions()
    assert sorted((one.name, str(one.state)) for one in found) == sorted(ENDS.items())
    assert [batch.state for batch in house.batches()] == ["SENT"] * 3
    for one in found:
        house.spool.verify(f"spool/obj/{one.sha256}", one.sha256)
    assert house.spool.orphans(house.ledger.known_paths()) == []
    assert house.ledger.verify_audit() == []
    archived = {path.name for path in (house.settings.state / "archive").glob("*/*/*/*")}
    assert archived == {one.id for one in found if one.state == "CLOSED"}
    for kind, names in (
        ("attention", ["again.csv", "readme.txt"]),
        ("done", ["a.csv", "all.zip", "b.csv", "c.csv"]),
    ):
        told = house.told(kind)
        assert sorted(told) == names
        for name, files in told.items():
            assert sorted(files) == sorted([name, "report.html", "report.txt"])


def killed_everywhere(folder: Path, workers: Workers, call: str, apart: int, *, everything: bool) -> None:
    """Kill at every call of a name, or each of so many, until one run comes to its end."""
    for time in range(1, 1000, apart):
        root = folder / str(time)
        root.mkdir()
        house = House(root, feed(**EACH), workers=workers)
        archive = house.taken("all.zip", CONTENT)
        house.stop()
        output = killed_run(root, "all" if everything else archive.id, call, time)
        house.start()
        survives(house)
        house.stop()
        if "done" in output:
            return
    raise AssertionError(f"killed at {call} {time}: {output}")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(
    ("call", "apart"), [("fsync", 1), ("fdatasync", 1), ("renameat2", 1), ("unlinkat", 1), ("pwrite64", 6)]
)
def test_a_kill_at_every_call_that_changes_the_disk(tmp_path, workers, call, apart):
    """Wherever unpacking dies, the next start ends with every file inside recorded, delivered and told once."""
    killed_everywhere(tmp_path, workers, call, apart, everything=False)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(("call", "apart"), [("fdatasync", 1), ("fsync", 11)])
def test_a_kill_on_the_whole_way_of_an_archive(tmp_path, workers, call, apart):
    """The same from the archive in the spool to all of its files in `done` and `attention`."""
    killed_everywhere(tmp_path, workers, call, apart, everything=True)
