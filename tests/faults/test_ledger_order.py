"""Everything is on disk before the ledger names it: the order of system calls, read from a real run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.ledger_way import leftovers, problems
from tests.faults.traced import Call, new_state, run

WAYS = {
    "as usual": [],
    "no rename without overwriting": ["-e", "inject=renameat2:error=EINVAL"],
    "no such call at all": ["-e", "inject=renameat2:error=ENOSYS"],
    "no hard links": ["-e", "inject=link,linkat:error=EPERM"],
}


class Disk:
    """What a power cut could take: bytes written and names changed that were not synced."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.ledger = f"{state}/ledger.db-wal"
        self.scratch = f"{state}/spool/tmp/"
        self.unsynced_bytes: set[str] = set()
        self.unsynced_names: set[str] = set()
        self.commits = 0
        self.broken: list[str] = []

    def see(self, call: Call) -> None:
        """Follow one call that went well."""
        kind = {"pwrite64": "write", "fdatasync": "fsync", "mkdirat": "mkdir", "unlinkat": "unlink"}
        kind |= dict.fromkeys(("rename", "renameat", "renameat2"), "move") | {"linkat": "link"}
        getattr(self, kind.get(call.name, call.name))(call)

    def openat(self, call: Call) -> None:
        """Note a file made anew: its name changed."""
        if "O_CREAT" in call.text and f"{self.state}/ledger" not in call.paths[0]:
            self.unsynced_names.add(call.paths[0])

    def mkdir(self, call: Call) -> None:
        """Note a new folder."""
        self.unsynced_names.add(call.paths[0])

    def write(self, call: Call) -> None:
        """Note bytes: they are not on disk until their file is synced."""
        if "/ledger." not in call.paths[0]:
            self.unsynced_bytes.add(call.paths[0])

    def unlink(self, call: Call) -> None:
        """Forget what is gone."""
        self.unsynced_bytes.discard(call.paths[0])
        self.unsynced_names.discard(call.paths[0])

    def link(self, call: Call) -> None:
        """Check bytes that get a second name."""
        self.need_synced(call, call.paths[0])
        self.unsynced_names.add(call.paths[1])

    def move(self, call: Call) -> None:
        """Check what gets its last name, a folder with all that is in it."""
        source, target = call.paths
        self.need_synced(call, source)
        self.unsynced_names = {name for name in self.unsynced_names if name != source} | {target}

    def need_synced(self, call: Call, source: str) -> None:
        """Note it if bytes or names below are not on disk yet."""
        left = [path for path in self.unsynced_bytes if path == source or path.startswith(f"{source}/")]
        left += [name for name in self.unsynced_names if name.startswith(f"{source}/")]
        if left:
            self.broken.append(f"{left} not on disk before {call.text}")

    def fsync(self, call: Call) -> None:
        """Forget what is on disk now; a sync of the ledger is a commit."""
        path = call.paths[0]
        self.unsynced_bytes.discard(path)
        self.unsynced_names = {name for name in self.unsynced_names if str(Path(name).parent) != path}
        if path == self.ledger:
            self.commits += 1
            left = {*self.unsynced_bytes, *self.unsynced_names}
            if names := [name for name in left if not name.startswith(self.scratch)]:
                self.broken.append(f"{names} not on disk before commit {self.commits}")


@pytest.mark.parametrize("way", WAYS)
def test_bytes_and_names_are_on_disk_before_they_are_relied_on(tmp_path, way):
    """A file is synced before it gets its name, its folder before the ledger's commit, on any file system."""
    state = new_state(tmp_path / "state")
    code, said, calls = run(state, *WAYS[way])
    disk = Disk(state)
    for call in calls:
        if call.result >= 0:
            disk.see(call)
    assert (code, said) == (0, "")
    assert disk.broken == []
    assert disk.commits >= 10  # the schema, taken, prepared, three for each of two batches, closed
    assert problems(state) + leftovers(state) == []


def test_each_state_change_costs_one_sync_of_the_ledger(tmp_path):
    """Nine commits for the whole way of a file with two batches, and no sync of the ledger besides."""
    state = new_state(tmp_path / "state")
    calls = run(state)[2]
    first = next(place for place, call in enumerate(calls) if call.paths[0].endswith("/dropped.csv"))
    before, then = (
        [call.paths[0] for call in some if call.name in ("fsync", "fdatasync")]
        for some in (calls[:first], calls[first:])
    )
    assert then.count(f"{state}/ledger.db-wal") == 9 + 1  # and one when the file is carried over at the end
    assert (before.count(f"{state}/ledger.head"), then.count(f"{state}/ledger.head")) == (1, 0)
