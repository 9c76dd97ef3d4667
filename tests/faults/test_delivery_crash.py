"""The agent dies at every point of a file's way: at the next start all ends as if it had not."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.channels.base import Receipt, Sighting
from agent.settings.models import BadRows, Limits
from agent.stages.decide import Word, decide
from agent.workers import Workers
from tests.house import House, feed, source

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.channels.base import Parcel

HALF = feed(bad_rows=BadRows(policy="split", at_most=0.6))
CHANGING = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.link", "ctypes.get_errno"}
WRITING = os.O_WRONLY | os.O_RDWR


class FolderSide:
    """A far side that is a folder; what arrives twice is there twice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def look(self, parcel: Parcel) -> Sighting:
        """Look into the folder."""
        return Sighting((self.folder / parcel.name).exists(), "looked")

    def send(self, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        """Keep it."""
        hidden = self.folder.with_suffix(".part")
        hidden.write_bytes(parcel.path.read_bytes())
        will_publish()
        name = f"{parcel.name}.twice" if (self.folder / parcel.name).exists() else parcel.name
        hidden.rename(self.folder / name)
        return Receipt("verified", "seen")

    def close(self) -> None:
        """Nothing to let go of."""


@pytest.fixture
def roots(tmp_path):
    """Yield fresh folders, in memory where the system has such a place: a kill needs no disk."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:

        def made():
            for number in itertools.count():
                (Path(folder) / str(number)).mkdir()
                yield Path(folder) / str(number)

        yield made()


@pytest.fixture(scope="module")
def workers():
    """Start the preparing process once: a fork may use it as well."""
    made = Workers(Limits())
    made.start()
    yield made
    made.close()


def die_at(point: int) -> None:
    """End this process the hard way when it is about to change the disk for the so-manieth time."""
    left = [point]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        opens = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if event in CHANGING or opens:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def killed(work: Callable[[], None], point: int) -> bool:
    """Do some work in a fork that dies at a point; whether it died before it was done."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            die_at(point)
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def started(house: House) -> House:
    """Start it as the agent is started."""
    house.start()
    house.far = FolderSide(house.root / "far")
    house.engine.recover()
    return house


def stands(house: House) -> dict[str, object]:
    """Return what people, the far side and the archive have, without times and ids."""
    places = [path for kind in ("done", "attention") for path in sorted((house.drop() / kind).iterdir())]
    archive = sorted((house.root / "state" / "archive").glob("*/*/*/*"))
    return {
        "told": {
            f"{place.parent.name}/{place.name.partition('--')[2]}": sorted(
                path.name for path in place.iterdir()
            )
            for place in places
        },
        "working": sorted(path.name for path in (house.drop() / "working").iterdir()),
        "arrivals": len(list((house.root / "far").iterdir())),
        "archive": [len(list(folder.iterdir())) for folder in archive],
        "states": sorted(one.state for one in house.ledger.submissions()),
        "scratch": len(list((house.root / "state" / "spool" / "out").iterdir())),
    }


def at_every_point(
    make: Callable[[], House], work: Callable[[House], None], wanted: dict[str, object]
) -> int:
    """Have the work killed at its first, second, … point, each time anew; return how many points it has."""
    for point in range(1, 500):
        house = make()
        house.stop()

        def do(house=house) -> None:
            work(started(house))

        died = killed(do, point)
        work(started(house))
        found = stands(house)
        assert {key: found[key] for key in wanted} == wanted, f"killed at point {point}"
        assert house.ledger.verify_audit() == []
        for submission in house.ledger.submissions():
            for paper in house.ledger.papers(submission.id):
                house.spool.verify(paper.path, paper.sha256)
        house.stop()
        if not died:
            return point - 1
    raise AssertionError("it never comes to its end")


@pytest.mark.soak  # minutes: one life for each point at which it may die
def test_a_whole_way_killed_anywhere_ends_the_same(roots, workers):
    """Prepared, delivered, told, archived: one arrival, one archive, one place, whole papers."""

    def made() -> House:
        house = House(next(roots), HALF, workers=workers)
        house.taken("refunds.csv", source("A", "B", bad=("B",)))
        return house

    points = at_every_point(
        made,
        lambda house: house.drain(),
        {
            "told": {
                "attention/refunds.csv": ["refunds.csv", "refunds.rejects.csv", "report.html", "report.txt"]
            },
            "working": [],
            "arrivals": 1,
            "archive": [7],
            "states": ["CLOSED"],
            "scratch": 1,
        },
    )
    assert points > 25


@pytest.mark.soak  # minutes: one life for each point at which it may die
def test_from_attention_to_done_killed_anywhere_ends_the_same(roots, workers):
    """A released file moves over: never in both, never in none."""

    def made() -> House:
        house = House(next(roots), HALF, workers=workers)
        submission = house.taken("refunds.csv", source("A", "B", bad=("A", "B")))
        house.drain()
        assert house.submission(submission.id).state == "REJECTED"
        word = Word("cancel", submission.id, "never mind", house.now)
        house.ledger.commit(decide(house.ledger, house.settings, word).transitions, at=house.now)
        return house

    points = at_every_point(
        made,
        lambda house: house.drain(),
        {
            "told": {"done/refunds.csv": ["refunds.csv", "refunds.rejects.csv", "report.html", "report.txt"]},
            "working": [],
            "archive": [6],
            "states": ["CLOSED"],
        },
    )
    assert points > 10
