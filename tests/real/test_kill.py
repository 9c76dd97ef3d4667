"""SIGKILL at random moments, over and over: nothing lost, nothing sent twice, everything told once."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from agent.states import BatchState
from tests.forking import Agents
from tests.oracle import (
    assert_nothing_half_was_visible,
    assert_recorded,
    assert_sent_has_come,
    assert_told_once,
    at_rest,
)
from tests.running import PATIENCE, arrived, put, told_in
from tests.servers import wait_until

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.forking import Forked
    from tests.running import Installation

FEED = """\
level: item
template: shop.csv.j2
variables: {tracker: "16027"}
destination: there
reasons: {changed mind: ITEM_RETURNED, never arrived: OTHER}
settle: 0s
"""
CELLS = (
    "{{ row.Order }},{{ feed.tracker }},{{ row.SKU }},{{ row.Amount }},{{ row.Left }},{{ row.Why | reason }}"
)
TEMPLATE = (
    f"Oid,ActionTrackerID,SKU,Amount,Quantity,Reason\n{{% for row in rows %}}\n{CELLS}\n{{% endfor %}}\n"
)
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
ORDERS = 10  # of a file, with two items each
WARM_UP = 3  # starts that are measured before the kills are aimed
WORKING = 0.3  # seconds after the start-up in which most kills come: connecting, and two or three files


class Refunds:
    """The files of a run and what has to become of each; a file's number tells of what kind it is."""

    def __init__(self, count: int) -> None:
        self.numbers = range(count - 1)
        self.files = {f"refunds-{number:03}.csv": self._source(number) for number in self.numbers}
        self.files["twin.csv"] = self._source(count - 2)

    def _partly(self, number: int) -> bool:
        """Whether one of the file's orders has a reason that nobody knows."""
        return number % 20 == 7

    def _broken(self, number: int) -> bool:
        """Whether the file cannot be read."""
        return number % 30 == 11

    def _rows(self, number: int) -> Iterator[tuple[str, str, str, str, str]]:
        for order in range(ORDERS):
            why = "no idea" if self._partly(number) and order == 3 else "changed mind"
            yield f"A-{number:03}-{order:02}", "RED", "19.90", "1", why
            yield f"A-{number:03}-{order:02}", "BLUE", "0", "0", why

    def _source(self, number: int) -> bytes:
        lines = [",".join(row) for row in self._rows(number)]
        if self._broken(number):
            lines[4] = lines[4].replace("RED", '"RED')
        return "\n".join(["Order,SKU,Amount,Left,Why", *lines, ""]).encode()

    def _batch(self, number: int) -> bytes:
        good = [row for row in self._rows(number) if row[4] == "changed mind"]
        lines = [f"{order},16027,{sku},{amount},{left},ITEM_RETURNED" for order, sku, amount, left, _ in good]
        return "\r\n".join(["Oid,ActionTrackerID,SKU,Amount,Quantity,Reason", *lines, ""]).encode()

    def batches(self) -> list[bytes]:
        """Return what the receiver must have, sorted."""
        return sorted(self._batch(number) for number in self.numbers if not self._broken(number))

    def states(self) -> Counter[str]:
        """Return how many files must be in each state; of the twins one is the other's repetition."""
        refused = sum(map(self._broken, self.numbers))
        return Counter(CLOSED=len(self.numbers) - refused, REJECTED=refused, DUPLICATE=1)

    def aside(self) -> set[str]:
        """Return the names that people must find in attention/, but for one of the twins."""
        numbers = [number for number in self.numbers if self._partly(number) or self._broken(number)]
        return {f"refunds-{number:03}.csv" for number in numbers}

    def twins(self) -> set[str]:
        """Return the names of the two files with the same bytes."""
        return {"twin.csv", f"refunds-{self.numbers[-1]:03}.csv"}


class Killer:
    """Starts the agent again and again, drops a file now and then, and kills at random moments."""

    def __init__(self, installation: Installation, refunds: Refunds, dice: random.Random) -> None:
        self.installation, self.dice = installation, dice
        self.folder = installation.feed("shop", FEED, TEMPLATE)
        self.waiting = list(refunds.files.items())[::-1]
        self.logs: list[Path] = []

    def run(self, kills: int) -> None:
        """Kill so often; every file is dropped before the last kills."""
        with Agents(self.installation.config) as agents:
            start_up = statistics.median(self._first(agents) for _ in range(WARM_UP))
            for left in range(kills - WARM_UP, 0, -1):
                drop = self.dice.random() * left * 0.9 < len(self.waiting)
                self._life(agents, self._moment(start_up), drop=drop)

    def worked(self) -> int:
        """In how many lives something was done."""
        return sum(len(log.read_text().splitlines()) > 1 for log in self.logs)

    def _moment(self, start_up: float) -> float:
        """Aim: one kill in five comes while the agent starts, the others while it works."""
        if self.dice.random() < 0.2:
            return self.dice.uniform(0, start_up)
        return start_up + self.dice.uniform(-0.05, WORKING)

    def _first(self, agents: Agents) -> float:
        """Let an agent live until it takes a file; return how long that took."""
        begun = time.monotonic()
        agent = self._start(agents)
        self._drop()
        wait_until(lambda: "submission.taken" in self.logs[-1].read_text(), "a file to be taken", PATIENCE)
        agent.kill()
        return time.monotonic() - begun

    def _life(self, agents: Agents, moment: float, *, drop: bool) -> None:
        begun = time.monotonic()
        drop_at = moment - self.dice.uniform(0, WORKING)
        if drop and drop_at <= 0:
            self._drop()
        agent = self._start(agents)
        if drop and drop_at > 0:
            _sleep_until(begun + drop_at)
            self._drop()
        _sleep_until(begun + moment)
        agent.kill()

    def _start(self, agents: Agents) -> Forked:
        self.logs.append(self.installation.folder / f"life-{len(self.logs)}.log")
        self.logs[-1].touch()
        return agents.start(self.logs[-1])

    def _drop(self) -> None:
        if self.waiting:
            put(self.folder, *self.waiting.pop())


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


@pytest.fixture
def receiver(start_sshd, tmp_path):
    """Start a server that records every open, rename and removal."""
    return start_sshd(more=f"ForceCommand {SFTP_SERVER} -e -l VERBOSE 2>>{tmp_path}/recorded.log")


@pytest.mark.parametrize("kills", [200, pytest.param(2000, marks=pytest.mark.soak)])
def test_kills_lose_nothing_and_send_nothing_twice(kills, install, receiver, dice, tmp_path):
    """A hundred files: each in exactly one state, each batch accepted once, each file told once."""
    installation, refunds = install(receiver, sweeps=False), Refunds(kills // 2)
    killer = Killer(installation, refunds, dice)
    killer.run(kills)
    finish(installation)
    came = arrived(receiver.inbox)
    assert sorted(came.values()) == refunds.batches()
    assert states(installation) == refunds.states()
    assert_sent_has_come(installation, came)
    assert_nothing_half_was_visible(tmp_path / "recorded.log", receiver.inbox)
    assert_recorded(installation, list(refunds.files))
    assert_told_once(killer.folder, refunds.files)
    aside = set(told_in(killer.folder, "attention"))
    assert (aside - refunds.twins(), len(aside & refunds.twins())) == (refunds.aside(), 1)
    recovered = assert_the_kills_did_hit(installation, killer)
    print(f"{killer.worked()} of {kills} lives did something, {recovered} ended while sending")  # noqa: T201 - with -s


def test_kills_beside_a_server_that_takes_files_away(install, receiver, dice, tmp_path):
    """What cannot be known waits for a person; nothing that is called sent is missing, nothing came twice."""
    installation, refunds = install(receiver), Refunds(20)
    killer = Killer(installation, refunds, dice)
    with sweeping(receiver.inbox, tmp_path / "swept") as swept:
        killer.run(40)
        finish(installation)
        assert_sent_has_come(installation, by_name(swept()))
        doubtful = in_doubt(installation)
        for batch in doubtful:
            verb = "release" if batch.name in swept().values() else "resend"
            installation.told(verb, batch.id, "--why", "looked for at the server")
        finish(installation)
        came = by_name(swept())
    print(f"{len(doubtful)} were in doubt")  # noqa: T201 - with -s
    assert sorted(came.values()) == refunds.batches()
    assert in_doubt(installation) == ()
    assert states(installation) == refunds.states()
    assert_told_once(killer.folder, refunds.files)


@contextlib.contextmanager
def sweeping(inbox: Path, folder: Path) -> Iterator[Callable[[], dict[Path, str]]]:
    """Take every file away as soon as it is there; yields who tells what came: by place, its name."""
    folder.mkdir()
    stop = threading.Event()
    came: dict[Path, str] = {}

    def sweep() -> None:
        while not stop.wait(0.002):
            for name in arrived(inbox):
                place = folder / f"{len(came):05}"
                (inbox / name).rename(place)
                came[place] = name

    def told() -> dict[Path, str]:
        wait_until(lambda: not arrived(inbox), "the server to take the last file")
        return came.copy()

    thread = threading.Thread(target=sweep)
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join()


def by_name(swept: dict[Path, str]) -> dict[str, bytes]:
    """Return what came by its name; no name came twice."""
    assert sorted(set(swept.values())) == sorted(swept.values())
    return {name: place.read_bytes() for place, name in swept.items()}


def finish(installation: Installation) -> None:
    """Let an agent live until nothing is left to do, and end it as an administrator would."""
    with installation.run() as agent:
        agent.wait_until(lambda: at_rest(installation), "everything to come to its end", 2 * PATIENCE)
        assert agent.stop() == 0, agent.log.read_text()


def in_doubt(installation: Installation):
    """Return the batches that wait for a person."""
    with installation.ledger() as ledger:
        return ledger.batches([BatchState.IN_DOUBT, BatchState.HELD, BatchState.FAILED])


def states(installation: Installation) -> Counter[str]:
    """Return how many submissions are in each state."""
    with installation.ledger() as ledger:
        return Counter(found.state for found in ledger.submissions(limit=1_000_000))


def assert_the_kills_did_hit(installation: Installation, killer: Killer) -> int:
    """Agents were killed at work and not only while they started; return how many batches were under way."""
    with installation.ledger() as ledger:
        recovered = sum(event.event == "recovered" for event in ledger.audit(limit=1_000_000))
    assert killer.worked() > len(killer.logs) / 4
    assert recovered > 0
    return recovered
