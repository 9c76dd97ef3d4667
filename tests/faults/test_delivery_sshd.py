"""A whole agent against OpenSSH over a wire that breaks: found by looking, never sent twice, stopped in time."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from agent.channels.sftp import Channel
from agent.engine import Engine
from tests.house import House, source
from tests.running import Installation, arrived, put
from tests.servers import make_key, reveal, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.channels.base import Parcel, Receipt, Sighting
    from tests.servers import Proxy

FEED = "level: item\ntemplate: impact-items.csv.j2\nheaders: impact\ndestination: there\nsettle: 0s\n"


class CutAtPublishing(Channel):
    """The real channel; once, when the ledger has noted WILL_PUBLISH, no answer comes through any more."""

    proxy: Proxy
    cut = False
    back_for_the_look = True
    sends = 0

    def send(self, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        """Send, and let the wire go dead behind the rename request."""
        self.sends += 1

        def noted() -> None:
            will_publish()
            if not self.cut:
                self.cut = True
                self.proxy.limit("client", 0)

        return super().send(parcel, noted)

    def look(self, parcel: Parcel) -> Sighting:
        """Look, over a wire that is whole again or not."""
        if self.back_for_the_look:
            self.proxy.limit("client", None)
        return super().look(parcel)


@pytest.fixture
def cut_house(tmp_path, sshd, inbox, proxied):
    """Make an agent's inside that delivers over such a wire."""
    proxy = proxied(sshd.port)
    options = sshd.options(port=proxy.port, directory=str(inbox), sweeps=False, idle_timeout="2s")
    channel = CutAtPublishing(options, reveal)
    channel.proxy = proxy
    house = House(tmp_path)
    house.set(destinations={"there": options})
    house.engine = Engine(house.context, lambda _: channel, lambda _: house.postbox)
    yield house, channel
    channel.close()
    house.stop()


def test_the_answer_to_the_rename_is_lost_and_the_file_is_found(cut_house, inbox):
    """Looked for at once: SENT in the same attempt, one file, one upload."""
    house, channel = cut_house
    batch = house.batch("a", b"Oid\r\n1\r\n")
    house.drain()
    assert house.again(batch).state == "SENT"
    assert "found at the other end" in house.ledger.attempts(batch.id)[0].evidence
    assert arrived(inbox) == {"shop_a.csv": b"Oid\r\n1\r\n"}
    assert (channel.cut, channel.sends) == (True, 1)
    assert len(list(inbox.iterdir())) == 1  # no temporary file is left


def test_where_not_even_a_look_comes_through_the_next_attempt_looks(cut_house, inbox):
    """DEFERRED as maybe there, the line comes back, the restarted agent looks: SENT without a second upload."""
    house, channel = cut_house
    channel.back_for_the_look = False
    batch = house.batch("a", b"Oid\r\n1\r\n")
    house.drain()
    assert house.again(batch).state == "DEFERRED"
    assert "the next attempt looks first" in house.again(batch).reason
    house.stop()
    house.start()
    channel.back_for_the_look = True
    house.engine = Engine(house.context, lambda _: channel, lambda _: house.postbox)
    house.engine.recover()
    house.drain(60)
    assert house.again(batch).state == "SENT"
    assert arrived(inbox) == {"shop_a.csv": b"Oid\r\n1\r\n"}
    assert channel.sends == 1


def test_a_wrong_key_is_tried_once_an_hour(tmp_path, sshd, inbox):
    """However many files wait and however often the agent is started: servers lock accounts."""
    wrong = make_key(tmp_path / "wrong")
    options = sshd.options(directory=str(inbox), private_key={"file": str(wrong)})
    house = House(tmp_path)
    house.set(destinations={"there": options})
    before = sshd.log.read_text().count("Connection closed by authenticating user")
    batches = [house.batch(name) for name in "abcd"]
    for _ in range(5):
        channel = Channel(options, reveal)
        house.engine = Engine(house.context, lambda _, channel=channel: channel, lambda _: house.postbox)
        house.engine.recover()
        house.drain(60)
        channel.close()
        house.stop()
        house.start()
    wait_until(
        lambda: sshd.log.read_text().count("Connection closed by authenticating user") > before,
        "the server to note it",
    )
    assert sshd.log.read_text().count("Connection closed by authenticating user") == before + 1
    assert [house.again(batch).state for batch in batches] == ["HELD", "READY", "READY", "READY"]
    assert "refused the login" in house.again(batches[0]).reason
    house.stop()


@pytest.fixture
def installation(tmp_path, sshd, inbox, proxied):
    """Make an installation behind a wire."""
    proxy = proxied(sshd.port, swallow=True)
    made = Installation(tmp_path / "here", sshd, port=proxy.port, directory=str(inbox), sweeps=False)
    made.feed("shop", FEED)
    yield made, proxy
    made.end()


def test_a_stop_in_the_middle_of_a_dead_transfer_is_in_time(installation, inbox):
    """The server is silent, the attempt would wait for a minute: cut short, taken up, delivered once."""
    made, proxy = installation
    drop = made.drop / "shop"
    with made.run() as agent:
        put(drop, "first.csv", source("A"))
        agent.wait_for("batch.sent")
        proxy.limit("server", 2000)  # from here on the wire swallows nearly everything
        put(drop, "second.csv", source(*map(str, range(3000))))
        agent.wait_for("submission.prepared", 2)
        time.sleep(0.5)
        begun = time.monotonic()
        assert agent.stop(signal.SIGTERM) == 0
        assert time.monotonic() - begun < 30
        assert agent.events()[-1]["event"] == "agent.stopped"
    with made.ledger() as ledger:
        (batch,) = ledger.batches(["DEFERRED"])
        assert [attempt.outcome for attempt in ledger.attempts(batch.id)] == ["interrupted"]
        assert "the agent was stopped while sending" in batch.reason
    proxy.limit("server", None)
    assert made.ask("once").returncode == 0
    assert len(arrived(inbox)) == 2
    assert len(list(inbox.iterdir())) == 2


def test_an_idle_daemon_costs_less_than_half_a_percent(installation):
    """Counted by the system over some seconds in which nothing is to be done."""
    made, _ = installation

    def used(process: int) -> float:
        with open(f"/proc/{process}/stat", encoding="ascii") as stat:  # noqa: PTH123 - no file
            numbers = stat.read().rpartition(")")[2].split()
        return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")

    with made.run() as agent:
        put(made.drop / "shop", "first.csv", source("A"))
        agent.wait_for("submission.closed")
        time.sleep(1)
        before, begun = used(agent.process.pid), time.monotonic()
        time.sleep(6)
        assert used(agent.process.pid) - before <= 0.005 * (time.monotonic() - begun) + 0.01  # a tick more
        assert agent.stop() == 0
