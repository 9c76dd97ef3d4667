"""What a running agent tells, step by step, to a stand-in for systemd's socket."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from agent.errors import SettingsError
from agent.notify import Notifier
from agent.settings.models import Monitor
from agent.vitals import Vitals
from tests.servers import free_port


class Told:
    """A house's vitals, and what was said at the socket."""

    def __init__(self, house, folder, watchdog="") -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.settimeout(0)
        environment = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": watchdog}
        self.vitals = Vitals(house.ledger, 5.0, Notifier(environment))

    def words(self) -> list[str]:
        """Return what was said since this was last asked."""
        said = []
        while True:
            try:
                said.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return said

    def close(self) -> None:
        """Let go of both."""
        self.vitals.close()
        self._socket.close()


@pytest.fixture
def told(house_of, tmp_path):
    """Make vitals with a watchdog of 0.6 seconds, and the house they belong to."""
    house = house_of()
    made = Told(house, tmp_path, "600000")
    yield made, house
    made.close()


def test_the_first_scan_makes_ready_and_only_the_first(told, said):
    """READY, then how things stand; later scans say neither again."""
    one, _ = told
    one.vitals.scanned(0.25, 3)
    assert one.words() == ["WATCHDOG=1", "READY=1", "STATUS=3 feeds watched; nothing waits"]
    one.vitals.scanned(0.25, 3)
    assert one.words() == []
    assert [event["seconds"] for event in said("agent.ready")] == [0.25]


def test_settings_read_before_the_agent_is_ready_do_not_make_it_ready(told):
    """Whether right or wrong: the first scan is still to come."""
    one, house = told
    one.vitals.reloading()
    one.vitals.refused(SettingsError(("agent.yaml:1:1: wrong",)))
    one.vitals.reloading()
    one.vitals.taken_over(house.settings)
    assert one.words() == []


def test_settings_that_were_refused_stay_told_until_others_are_taken(told, said):
    """In the line for people, with the first mistake and without its source line."""
    one, house = told
    one.vitals.scanned(0.1, 1)
    one.words()
    one.vitals.reloading()
    one.vitals.refused(SettingsError(("agent.yaml:1:1: wrong\nsource\n^", "agent.yaml:2:1: too")))
    one.vitals.scanned(0.1, 1)
    words = [word for word in one.words() if not word.startswith(("RELOADING", "WATCHDOG"))]
    line = "STATUS=1 feed watched; nothing waits; new settings were refused: agent.yaml:1:1: wrong"
    assert words == ["READY=1", line]
    (event,) = said("settings.refused")
    assert event["problems"] == ["agent.yaml:1:1: wrong", "agent.yaml:2:1: too"]
    one.vitals.taken_over(house.settings)
    one.vitals.scanned(0.1, 1)
    words = [word for word in one.words() if not word.startswith("WATCHDOG")]
    assert words == ["READY=1", "STATUS=1 feed watched; nothing waits"]


def test_what_waits_is_counted_by_what_it_waits_for(told):
    """Batches on their way, held ones and ones in doubt; what is done is not mentioned."""
    one, house = told
    for name, state in enumerate(["READY", "READY", "HELD", "READY"]):
        house.batch(str(name), state=state)
    one.vitals.scanned(0.1, 2)
    assert one.words()[-1] == "STATUS=2 feeds watched; 3 batches waiting, 1 batch held"


def test_the_watchdog_is_fed_while_the_loop_rests(told):
    """At least every third of its time, and not in between; being woken ends the rest at once."""
    one, _ = told
    begun = time.monotonic()
    one.vitals.rest(threading.Event(), 1.0)
    assert 0.9 < time.monotonic() - begun < 3
    assert 3 <= len(one.words()) <= 8
    woken = threading.Event()
    woken.set()
    begun = time.monotonic()
    one.vitals.rest(woken, 60.0)
    assert time.monotonic() - begun < 1


def test_a_busy_loop_does_not_flood_the_manager(told):
    """It may say that it is alive a thousand times; systemd hears it now and then."""
    one, _ = told
    for _ in range(1000):
        one.vitals.alive()
    assert 1 <= len(one.words()) <= 20


def test_the_end_is_said_and_readiness_with_it(told):
    """STOPPING, and no longer ready to take files."""
    one, _ = told
    one.vitals.scanned(0.1, 1)
    one.words()
    one.vitals.stopping()
    assert one.words() == ["STOPPING=1"]
    assert one.vitals.pulse.unready() == "the agent is stopping"


def test_the_monitor_moves_only_if_its_address_does(told, said):
    """The same again changes nothing; another one is had before the first is given up; none ends it."""
    one, _ = told
    first = Monitor(listen=f"127.0.0.1:{free_port()}")
    one.vitals.listen(first)
    one.vitals.listen(Monitor(listen=first.listen, allow_any_address=True))
    assert [event["listen"] for event in said("monitor.listening")] == [first.listen]
    second = Monitor(listen=f"127.0.0.1:{free_port()}")
    one.vitals.listen(second)
    assert [event["listen"] for event in said("monitor.listening")] == [first.listen, second.listen]
    one.vitals.listen(None)
    for port in (first.listen, second.listen):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(port.rpartition(":")[2])), timeout=5)
