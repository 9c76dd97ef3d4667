"""A long run by the agent's clock, in minutes by ours: nothing piles up in it, whatever comes between."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.sandbox.answers import into_folder, result
from tests.meanwhile import Meanwhile
from tests.oracle import assert_answers_kept, assert_recorded, assert_told_once, at_rest
from tests.running import PATIENCE, Agent, arrived, put, reached
from tests.servers import descendants, wait_until

if TYPE_CHECKING:
    from agent.sandbox import SandboxSftp

FEED = """\
level: item
template: impact-items.csv.j2
headers: impact
destination: {destination}
settle: 10s
"""
FASTER = 240  # times: a day takes six minutes
OUTAGE = 1200.0  # seconds by the agent's clock
WARM_UP = 0.3  # of the files
MORE_MEMORY = 3 * 2**20  # bytes that may be in use at the end beyond those after the warm-up
FEEDS = ("one", "two")
_PAGE = 4096


@dataclass(frozen=True)
class Held:
    """What an agent and its children hold."""

    threads: int
    files: list[str]  # what its descriptors lead to, numbers left out
    children: int
    memory: int

    @classmethod
    def by(cls, process: int) -> Held:
        """Look at a process."""
        root = Path(f"/proc/{process}")
        links = [str(one.readlink()) for one in (root / "fd").iterdir()]
        names = sorted(link.partition(":")[0] if link[0] != "/" else link for link in links)
        children = descendants(process)
        pages = [int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in (process, *children)]
        return cls(len(list((root / "task").iterdir())), names, len(children), _PAGE * sum(pages))


class FarSides(Meanwhile):
    """Takes away what arrives, and answers it with a result."""

    every = 0.05

    def __init__(self, inboxes: tuple[Path, ...], results: Path) -> None:
        super().__init__()
        self.came: dict[str, bytes] = {}
        self._inboxes, self._put = inboxes, into_folder(results)

    def look(self) -> None:
        """Take and answer what is there."""
        for inbox in self._inboxes:
            for name, content in arrived(inbox).items():
                assert name not in self.came, "the same batch came twice"
                self.came[name] = content
                (inbox / name).unlink()
                self._put(f"result_{name}", result(name, content.count(b"\n") - 1))


def source(number: int) -> bytes:
    """Return a file with two rows."""
    rows = "".join(f"16027,L-{number}-{row},RED-1,0,0,ITEM_RETURNED\n" for row in range(2))
    return f"ActionTrackerID,Oid,SKU,Amount,Quantity,Reason\n{rows}".encode()


def to_stand_in(server: SandboxSftp, port: int) -> dict:
    """Return the settings of a destination that is the stand-in."""
    return {
        "type": "sftp",
        "host": "127.0.0.1",
        "port": port,
        "username": server.username,
        "password": {"env": "STAND_IN"},
        "host_keys": [server.host_key_line],
    }


@pytest.fixture
def proxies(start_sshd, stand_in, proxied):
    """Start both servers, each behind a relay that can be cut; returns servers and relays."""
    servers = start_sshd(), stand_in()
    return servers, tuple(proxied(server.port) for server in servers)


@pytest.fixture
def installation(proxies, install, tmp_path):
    """Return an installation that delivers to both, with patience for a clock that runs fast."""
    (sshd, stand_in), (first, second) = proxies
    made = install(sshd)
    patient = {"connect_timeout": "2h", "idle_timeout": "4h", "deadline": "12h", "keepalive": "1h"}
    ways = {**reached(sshd), "port": first.port}, to_stand_in(stand_in, second.port)
    made.settings["destinations"] = {
        name: {**way, **patient, "retries": {"first": "30s", "at_most": "5m"}}
        for name, way in zip(FEEDS, ways, strict=True)
    }
    made.settings["acknowledgements"] = [
        {
            "type": "resultfiles",
            "folder": str(tmp_path / "results"),
            "settle": "0s",
            "poll": "60s",
            "afterwards": "remove",
        }
    ]
    made.save()
    for name in FEEDS:
        made.feed(name, FEED.format(destination=name))
    return made


@contextlib.contextmanager
def in_a_hurry(installation, password: str):
    """Run an agent whose clock goes faster."""
    command = [sys.executable, "-m", "tests.hasty", str(FASTER), str(installation.config)]
    agent = Agent(command, installation.folder / "hasty.log", {"STAND_IN": password})
    try:
        with agent:
            yield agent
    finally:
        agent.kill()


@pytest.mark.parametrize(("hours", "count"), [(2, 200), pytest.param(24, 2000, marks=pytest.mark.soak)])
def test_nothing_piles_up(hours, count, installation, proxies, tmp_path):
    """Two outages and new settings later: as many threads, files and children as after the warm-up, no more memory."""
    (sshd, stand_in), relays = proxies
    inboxes = sshd.inbox, stand_in.storage.root
    pause = hours * 3600 / FASTER / count
    dropped: dict[str, bytes] = {}
    outages = dict(zip((count // 2, count * 3 // 4), relays, strict=True))
    with FarSides(inboxes, tmp_path / "results") as far, in_a_hurry(installation, stand_in.password) as agent:
        before = None
        begun = time.monotonic()
        for number in range(count):
            if number == int(count * WARM_UP):
                come_to_rest(agent, installation, far, len(dropped))
                before = Held.by(agent.process.pid)
                begun = time.monotonic() - number * pause
            if number in outages:
                break_off(outages[number])
            if number == count * 5 // 8:
                reload(agent, installation)
            name = f"{number:04}.csv"
            dropped[name] = put(installation.drop / FEEDS[number % 2], name, source(number)).read_bytes()
            time.sleep(max(0.0, begun + (number + 1) * pause - time.monotonic()))
        come_to_rest(agent, installation, far, count)
        after = Held.by(agent.process.pid)
        assert len(agent.events("batch.deferred")) >= 2
        assert agent.stop() == 0
    print(f"after the warm-up {before}\nat the end {after}")  # noqa: T201 - with -s
    assert before is not None
    assert (after.threads, after.children) == (before.threads, before.children)
    assert after.files == before.files
    assert after.memory - before.memory < MORE_MEMORY
    assert_all_is_well(installation, dropped)


def assert_all_is_well(installation, dropped: dict[str, bytes]) -> None:
    """Every file was told once, every answer heard."""
    assert sum(assert_answers_kept(installation).values()) == len(dropped)
    assert_recorded(installation, list(dropped))
    for place, name in enumerate(FEEDS):
        mine = {file: content for file, content in dropped.items() if int(file[:4]) % 2 == place}
        assert_told_once(installation.drop / name, mine)


def come_to_rest(agent, installation, far: FarSides, count: int) -> None:
    """Wait until everything dropped was delivered, answered and told."""

    def rests() -> bool:
        with installation.ledger() as ledger:
            closed = ledger.counts_by_state()
        return (
            len(far.came) == count
            and at_rest(installation)
            and closed.get(("submission", "CLOSED"), 0) == count
        )

    agent.wait_until(rests, f"{count} files to come to their end", 3 * PATIENCE)


def break_off(relay) -> None:
    """Let nothing through for a while, and then again; what was on its way is cut."""
    relay.to_client = 0
    relay.cut()

    def mend() -> None:
        relay.to_client = None

    threading.Timer(OUTAGE / FASTER, mend).start()


def reload(agent, installation) -> None:
    """Have new settings read, with other patience for one of the destinations."""
    installation.settings["destinations"]["one"]["keepalive"] = "2h"
    installation.save()
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: agent.events("settings.reloaded"), "settings to be read", PATIENCE)
