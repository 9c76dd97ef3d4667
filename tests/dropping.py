"""A feed's drop folder with a real ledger and spool behind it, and clocks that tests move by hand."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agent.ledger.ledger import Ledger
from agent.model import Level
from agent.settings.models import Feed
from agent.spool import Spool
from agent.stages.intake import Intake, make_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.stages.intake import ScanResult

WALL = 1_800_000_000.0  # later than any file that a test writes, so that none is from the future


NOBODY = 65534
ROOT = os.geteuid() == 0


@contextmanager
def unprivileged() -> Iterator[Path]:
    """Be somebody without privileges, in a folder of their own."""
    home = Path(tempfile.mkdtemp(prefix="intake-"))
    if ROOT:
        os.chown(home, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield home
    finally:
        if ROOT:
            os.seteuid(0)
        shutil.rmtree(home)


def feed(**fields) -> Feed:
    """Return the settings of a feed with as much of them changed."""
    plain = {"name": "shop", "level": Level.ITEM, "template": "t.csv.j2", "destination": "there"}
    return Feed(**(plain | fields))


class Drop:
    """One drop folder and the agent's first stage on it."""

    def __init__(self, root: Path, **fields) -> None:
        self.root, self.feed = root, feed(**fields)
        self.folder = root / "drop" / self.feed.name
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        make_folders(self.folder)
        self.seconds = 1000.0
        self.start()

    def start(self) -> None:
        """Start the agent's part, anew if it ran before: its memory is gone, its ledger and spool are not."""
        self.spool = Spool(self.root / "state")
        self.spool.make()
        self.ledger = Ledger.open(self.root / "state" / "ledger.db", must_exist=not self.spool.is_empty())
        self.intake = Intake(self.feed, self.folder, self.ledger, self.spool)

    def stop(self) -> None:
        """Let go of everything."""
        self.intake.close()
        self.ledger.close()

    def put(self, name: str | bytes, content: bytes = b"a,b\r\n1,2\r\n") -> Path:
        """Write a file into the folder."""
        path = self.folder / os.fsdecode(name)
        path.write_bytes(content)
        return path

    def scan(self, later: float = 0.0) -> ScanResult:
        """Scan once, so many seconds later."""
        self.seconds += later
        return self.intake.scan(WALL + self.seconds, self.seconds)

    def settle(self) -> ScanResult:
        """See what is there, let the settle time pass, and take what has settled."""
        self.scan()
        return self.scan(self.feed.settle)

    def drain(self) -> int:
        """Scan until nothing is to be taken at once; return how many scans that took."""
        scans = 1
        while self.scan().next_look == 0:
            scans += 1
        return scans

    @property
    def states(self) -> dict[str, list[str]]:
        """How every submission in the ledger stands: names by state."""
        found: dict[str, list[str]] = {}
        for submission in self.ledger.submissions(limit=1_000_000):
            found.setdefault(submission.state, []).append(submission.name)
        return {state: sorted(names) for state, names in found.items()}

    @property
    def names(self) -> Counter:
        """How often each name stands in the ledger."""
        return Counter(submission.name for submission in self.ledger.submissions(limit=1_000_000))

    def left(self) -> list[str]:
        """Return the names in the drop folder that are not ours."""
        return sorted({path.name for path in self.folder.iterdir()} - {"working", "done", "attention"})

    def working(self) -> list[str]:
        """Return the names in `working/`."""
        return sorted(path.name for path in (self.folder / "working").iterdir())
