"""Archives and the daemon as a process: killed again and again, it loses no file inside and sends none twice."""

from __future__ import annotations

import time

import pytest

from tests.house import source
from tests.running import Installation, arrived, put
from tests.workbooks import zipped

FEED = """\
level: item
template: impact-items.csv.j2
headers: impact
destination: there
settle: 0s
archive: each
pattern: ["*.zip", "*.csv"]
"""
ARCHIVES, INSIDE, KILLS = 6, 5, 8


@pytest.fixture
def server(start_sshd):
    """Start a server of one's own."""
    return start_sshd()


@pytest.fixture
def installation(install, server) -> Installation:
    """Make an installation whose feed takes each file inside archives by itself."""
    made = install(server, sweeps=False)
    made.feed("shop", FEED)
    return made


def orders(archive: int) -> list[str]:
    """Return the orders of the files inside an archive."""
    return [f"A{archive}-{number}" for number in range(INSIDE)]


def ended(installation: Installation) -> bool:
    """Whether everything has come to where it ends."""
    with installation.ledger() as ledger:
        found = ledger.submissions(limit=1000)
    return len(found) == ARCHIVES * (INSIDE + 2) and all(
        one.state in {"CLOSED", "REJECTED"} and one.told_at > 0 for one in found
    )


def test_a_daemon_that_is_killed_over_and_over_sends_every_file_inside_once(installation, server, dice):
    """Whenever it dies between the drop and the end."""
    for archive in range(ARCHIVES):
        files = [(f"{order}.csv", source(order)) for order in orders(archive)]
        put(installation.drop / "shop", f"{archive}.zip", zipped(*files, ("note.txt", f"{archive}".encode())))
    for _ in range(KILLS):
        with installation.run() as agent:
            time.sleep(dice.uniform(0.1, 1.5))
            agent.kill()
    with installation.run() as agent:
        agent.wait_until(lambda: ended(installation), "everything to end", seconds=120)
        assert agent.stop() == 0
    sent = sorted(
        line.split(",")[1]
        for content in arrived(server.inbox).values()
        for line in content.decode().splitlines()[1:]
    )
    assert sent == sorted(order for archive in range(ARCHIVES) for order in orders(archive))
    with installation.ledger() as ledger:
        assert ledger.verify_audit() == []
        for one in ledger.submissions(limit=1000):
            kind = "attention" if one.state == "REJECTED" else "done"
            folder = installation.drop / "shop" / kind / f"{one.id}--{one.name}"
            assert {path.name for path in folder.iterdir()} == {one.name, "report.html", "report.txt"}
