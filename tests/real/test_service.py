"""The daemon under a service manager: ready, alive, reloaded, restarted; a socket stands in for systemd's."""

from __future__ import annotations

import contextlib
import copy
import csv
import http.client
import io
import itertools
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import assert_recorded, assert_told_once, at_rest
from tests.running import PATIENCE, TOP, Installation, arrived, put
from tests.servers import free_port, wait_until

FEED = """\
level: item
template: {template}
headers: impact
destination: {destination}
settle: 0s
"""
HEADER = "ActionTrackerID,Oid,SKU,Amount,Quantity,Reason"
_TEMPLATE = """\
ActionTrackerID,Oid,SKU,Amount,Quantity,Reason
{% for row in rows %}
{{ row.ActionTrackerID }},MARK-{{ row.Oid }},{{ row.SKU }},0,0,{{ row.Reason }}
{% endfor %}
"""


def feed(template="impact-items.csv.j2", destination="there"):
    """Return a feed's YAML."""
    return FEED.format(template=template, destination=destination)


def template(mark: str) -> str:
    """Return a template that marks each order."""
    return _TEMPLATE.replace("MARK", mark)


def source(name: str) -> bytes:
    """Return a file of one row."""
    return f"{HEADER}\n16027,{name},RED-1,0,0,ITEM_RETURNED\n".encode()


class Manager:
    """A stand-in for systemd: hears what its service says, and when."""

    def __init__(self, folder, watchdog: float = 0.0) -> None:
        self.said: list[tuple[float, str]] = []
        self.watchdog = watchdog
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.settimeout(0.1)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        self.environment = {"NOTIFY_SOCKET": str(folder / "notify")}
        if watchdog:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog * 1e6))

    def _listen(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                self.said.append((time.monotonic(), self._socket.recv(65536).decode()))

    def words(self, kind: str = "") -> list[str]:
        """Return what was said, of one kind, in order."""
        return [words for _, words in tuple(self.said) if words.startswith(kind)]

    def silence(self) -> float:
        """Return the seconds since the watchdog was last fed."""
        return time.monotonic() - max(at for at, words in tuple(self.said) if words == "WATCHDOG=1")

    def gaps(self) -> list[float]:
        """Return the seconds between two feedings."""
        times = [at for at, words in tuple(self.said) if words == "WATCHDOG=1"]
        return [later - earlier for earlier, later in itertools.pairwise(times)]

    def close(self) -> None:
        """Hear no more."""
        self._ended.set()
        self._thread.join()
        self._socket.close()


@pytest.fixture
def managed(tmp_path):
    """Make managers; the argument is the seconds of their watchdog."""
    with contextlib.ExitStack() as stack:

        def made(watchdog: float = 0.0) -> Manager:
            one = Manager(tmp_path, watchdog)
            stack.callback(one.close)
            return one

        yield made


@pytest.fixture
def installation(install, sshd, inbox) -> Installation:
    """Make an installation with one feed, `shop`, that scans once a second."""
    made = install(sshd, directory=str(inbox), sweeps=False)
    made.feed("shop", feed())
    return made


def rest(installation: Installation, count: int) -> None:
    """Wait until so many files have come to rest."""

    def there() -> bool:
        with installation.ledger() as ledger:
            return len(ledger.submissions(limit=100)) == count and at_rest(installation)

    installation.latest.wait_until(there, f"{count} files to come to rest")


def rows(inbox) -> list[str]:
    """Return the orders that arrived."""
    texts = (content.decode() for content in arrived(inbox).values())
    return sorted(row["Oid"] for text in texts for row in csv.DictReader(io.StringIO(text, newline="")))


def asked(port: int, path: str) -> tuple[int, str]:
    """Ask the monitor."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.request("GET", path)
    reply = line.getresponse()
    body = reply.read().decode()
    line.close()
    return reply.status, body


def test_ready_alive_and_stopping(installation, managed, inbox):
    """READY after the first scan, one line about how things stand, fed while it works, STOPPING at the end."""
    manager = managed(watchdog=4.0)
    installation.settings["scan"] = "60s"  # longer than the watchdog waits
    installation.save()
    put(installation.drop / "shop", "refunds.csv", source("A"))
    with installation.run(**manager.environment) as agent:
        wait_until(lambda: manager.words("READY=1"), "the agent to be ready", PATIENCE)
        assert agent.events("submission.taken")  # by the first scan, so before
        rest(installation, 1)
        fed = len(manager.gaps())
        wait_until(lambda: len(manager.gaps()) >= fed + 5, "it to be fed with nothing to do", PATIENCE)
        assert agent.stop() == 0
    assert manager.words()[-1] == "STOPPING=1"
    assert manager.words("READY=1") == ["READY=1"]
    assert manager.words("STATUS=")[0].startswith("STATUS=1 feed watched; ")
    assert len(manager.words("STATUS=")) <= 5
    assert max(manager.gaps()) < manager.watchdog * 2 / 3  # it means to be heard after a quarter
    assert rows(inbox) == ["A"]


def test_the_gate_comes_before_ready(installation, managed):
    """A ledger that is not sound: the agent ends with 78 and was never ready."""
    with installation.run() as agent:
        assert agent.stop() == 0
    (installation.state / "ledger.db").write_bytes(b"this is no database" * 1000)
    manager = managed()
    process = installation.run(**manager.environment).process
    assert process.wait(PATIENCE) == 78
    assert manager.words("READY") == []


def test_the_line_for_people_is_kept_current(installation, managed):
    """What waits is counted; when it is gone, nothing waits."""
    manager = managed()
    there = installation.settings["destinations"]["there"]
    there.update(
        port=free_port(), retries={"first": "1h", "at_most": "1h"}
    )  # one attempt: none while it is cancelled
    installation.save()
    put(installation.drop / "shop", "refunds.csv", source("A"))
    with installation.run(**manager.environment) as agent:
        line = "STATUS=1 feed watched; 1 batch waiting"
        agent.wait_until(lambda: manager.words("STATUS=")[-1:] == [line], "the batch to be told")
        agent.wait_for("batch.deferred")
        (batch,) = [one["batch"]["id"] for one in installation.told("status")["submissions"][0]["batches"]]
        installation.told("cancel", batch, "--why", "test")
        line = "STATUS=1 feed watched; nothing waits"
        agent.wait_until(lambda: manager.words("STATUS=")[-1:] == [line], "that to be over")
        assert agent.stop() == 0


def started_on(installation, stderr, manager):
    """Start an agent that logs to a descriptor."""
    return subprocess.Popen(
        installation.command("run"),
        cwd=TOP,
        stdin=subprocess.DEVNULL,
        stderr=stderr,
        env={**os.environ, **manager.environment},
    )


def test_a_hung_scan_starves_the_watchdog_and_a_restart_goes_on(installation, managed, inbox):
    """Nobody reads the log, so the scan hangs in the middle of its work; systemd ends it, and nothing is lost."""
    manager = managed(watchdog=2.0)
    reading, writing = os.pipe()
    installation.settings["scan"] = "100ms"
    installation.save()
    hung = started_on(installation, writing, manager)
    try:
        wait_until(lambda: manager.words("READY=1"), "the agent to be ready", PATIENCE)
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):  # the pipe is full now
            while True:
                os.write(writing, b"x" * 512)
        os.set_blocking(writing, True)
        put(installation.drop / "shop", "refunds.csv", source("A"))
        wait_until(lambda: manager.silence() > manager.watchdog, "the watchdog to be starved", 20)
        assert hung.poll() is None
        hung.send_signal(signal.SIGABRT)  # as systemd does
        assert hung.wait(PATIENCE) == -signal.SIGABRT
    finally:
        hung.kill()
        hung.wait()
        os.close(reading)
        os.close(writing)
    with installation.run(**manager.environment) as agent:
        rest(installation, 1)
        wait_until(lambda: manager.silence() < 1, "the watchdog to be fed again", PATIENCE)
        assert agent.stop() == 0
    assert rows(inbox) == ["A"]
    assert_told_once(installation.drop / "shop", {"refunds.csv": source("A")})
    assert_recorded(installation, ["refunds.csv"])


def test_a_ledger_kept_locked_starves_the_watchdog_for_so_long(installation, managed):
    """Another process writes and writes: nothing is fed while the scan waits for it, and all goes on after."""
    manager = managed(watchdog=1.0)
    with installation.run(**manager.environment) as agent:
        wait_until(lambda: manager.words("READY=1"), "the agent to be ready", PATIENCE)
        other = sqlite3.connect(installation.state / "ledger.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        put(installation.drop / "shop", "refunds.csv", source("A"))
        wait_until(lambda: manager.silence() > manager.watchdog, "the watchdog to be starved", 8)
        other.execute("ROLLBACK")
        other.close()
        rest(installation, 1)
        wait_until(lambda: manager.silence() < 0.5, "the watchdog to be fed again", 10)
        assert agent.stop() == 0


def hang_up(agent, event: str) -> dict[str, Any]:
    """Send SIGHUP; return what was logged about it."""
    before = len(agent.events("settings."))
    agent.process.send_signal(signal.SIGHUP)
    agent.wait_until(lambda: len(agent.events("settings.")) > before, "settings to be read")
    told = agent.events("settings.")[-1]
    assert told["event"] == event, told
    return told


def test_a_feed_is_added_while_it_works(installation, managed, inbox):
    """Its folders are made, its files are taken; the manager hears RELOADING with the time, then READY."""
    manager = managed()
    with installation.run(**manager.environment) as agent:
        put(installation.drop / "shop", "refunds.csv", source("A"))
        rest(installation, 1)
        installation.feed("more", feed())
        assert hang_up(agent, "settings.reloaded")["feeds"] == 2
        wait_until(lambda: len(manager.words("READY=1")) == 2, "ready again", PATIENCE)
        put(installation.drop / "more", "others.csv", source("B"))
        put(installation.drop / "shop", "again.csv", source("C"))
        rest(installation, 3)
        agent.wait_until(
            lambda: manager.words("STATUS=")[-1:] == ["STATUS=2 feeds watched; nothing waits"], "the line"
        )
        assert agent.stop() == 0
    assert rows(inbox) == ["A", "B", "C"]
    kinds = [words.partition("=")[0] for words in manager.words() if words.startswith(("READY", "RELOAD"))]
    assert kinds == ["READY", "RELOADING", "READY"]
    (told,) = manager.words("RELOADING")
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", told)


def test_a_template_changes_when_it_is_told_to(installation, inbox):
    """Not before: what was checked stays until the settings are read again."""
    installation.feed("shop", feed("shop.csv.j2"), template("OLD"))
    drop = installation.drop / "shop"
    with installation.run() as agent:
        put(drop, "first.csv", source("A"))
        rest(installation, 1)
        installation.feed("shop", feed("shop.csv.j2"), template("NEW"))
        put(drop, "second.csv", source("B"))
        rest(installation, 2)
        hang_up(agent, "settings.reloaded")
        put(drop, "third.csv", source("C"))
        rest(installation, 3)
        assert agent.stop() == 0
    assert rows(inbox) == ["NEW-C", "OLD-A", "OLD-B"]


def test_wrong_settings_change_nothing_until_they_are_mended(installation, managed, inbox):
    """A key, a template, a path that needs a restart: refused with the reason, said once, work goes on."""
    manager = managed()
    installation.feed("shop", feed("shop.csv.j2"), template("OLD"))
    drop, config = installation.drop / "shop", installation.config
    sound = (config / "agent.yaml").read_text()
    with installation.run(**manager.environment) as agent:
        agent.wait_for("agent.ready")
        (config / "agent.yaml").write_text(sound + "scann: 5s\npassword: hunter2\n")
        refused = hang_up(agent, "settings.refused")
        assert refused["count"] == 2
        assert any("scann" in problem and "did you mean 'scan'" in problem for problem in refused["problems"])
        assert "hunter2" not in agent.log.read_text()
        agent.wait_until(lambda: "scann" in "".join(manager.words("STATUS=")[-1:]), "the line to say so")
        (config / "agent.yaml").write_text(sound.replace("../state", "../other"))
        (problem,) = hang_up(agent, "settings.refused")["problems"]
        assert problem == "agent.yaml: state cannot change while the agent runs; restart it"
        (config / "agent.yaml").write_text(sound)
        (config / "templates" / "shop.csv.j2").write_bytes(b"Oid\n{% for row in rows %}\n\xff{% endfor %}\n")
        (problem,) = hang_up(agent, "settings.refused")["problems"]
        assert problem == "templates/shop.csv.j2: C-FILE cannot be read: it is not UTF-8"
        put(drop, "first.csv", source("A"))
        rest(installation, 1)
        (config / "templates" / "shop.csv.j2").write_text(template("MENDED"))
        hang_up(agent, "settings.reloaded")
        put(drop, "second.csv", source("B"))
        rest(installation, 2)
        agent.wait_until(
            lambda: "".join(manager.words("STATUS=")[-1:]) == "STATUS=1 feed watched; nothing waits",
            "the line",
        )
        assert len(agent.events("settings.refused")) == 3
        assert agent.stop() == 0
    assert rows(inbox) == ["MENDED-B", "OLD-A"]
    assert len(manager.words("READY=1")) == 5
    assert "hunter2" not in str(manager.words())


def test_destinations_come_and_go_while_it_works(installation, inbox, tmp_path):
    """A new one delivers at once; what waits for one that is gone is held; nothing is lost or doubled."""
    there = installation.settings["destinations"]["there"]
    with installation.run() as agent:
        second = tmp_path / "second"
        second.mkdir()
        installation.settings["destinations"]["second"] = {**copy.deepcopy(there), "directory": str(second)}
        installation.settings["destinations"]["away"] = {**copy.deepcopy(there), "port": free_port()}
        installation.save()
        installation.feed("more", feed(destination="second"))
        installation.feed("lost", feed(destination="away"))
        assert hang_up(agent, "settings.reloaded")["destinations"] == 3
        put(installation.drop / "more", "a.csv", source("A"))
        put(installation.drop / "lost", "b.csv", source("B"))
        agent.wait_until(lambda: rows(second) == ["A"], "the new destination to be served")
        agent.wait_for("batch.deferred")
        del installation.settings["destinations"]["away"]
        installation.save()
        (installation.config / "feeds" / "lost.yaml").unlink()
        hang_up(agent, "settings.reloaded")
        agent.wait_for("batch.held")
        put(installation.drop / "shop", "c.csv", source("C"))
        agent.wait_until(lambda: rows(inbox) == ["C"], "the old destination to be served")
        assert agent.stop() == 0
    states = [batch.state for batch in _batches(installation)]
    assert sorted(states) == ["HELD", "SENT", "SENT"]


def _batches(installation):
    with installation.ledger() as ledger:
        return [one for each in ledger.submissions(limit=100) for one in ledger.batches_of(each.id)]


def test_metrics_and_health_of_a_running_agent(installation):
    """They follow the agent, move with the settings, and are gone when they are switched off."""
    first, second = free_port(), free_port()
    installation.settings["monitor"] = {"listen": f"127.0.0.1:{first}"}
    installation.save()
    with installation.run() as agent:
        agent.wait_for("agent.ready")
        assert asked(first, "/readyz") == (200, "ok\n")
        assert asked(first, "/healthz") == (200, "ok\n")
        put(installation.drop / "shop", "refunds.csv", source("A"))
        rest(installation, 1)
        assert 'impact_agent_rows_sent_total{destination="there"} 1.0' in asked(first, "/metrics")[1]
        installation.settings["monitor"] = {"listen": f"127.0.0.1:{second}"}
        installation.save()
        hang_up(agent, "settings.reloaded")
        assert 'impact_agent_reloads_total{outcome="taken"} 1.0' in asked(second, "/metrics")[1]
        with pytest.raises(ConnectionRefusedError):
            asked(first, "/healthz")
        del installation.settings["monitor"]
        installation.save()
        hang_up(agent, "settings.reloaded")
        with pytest.raises(ConnectionRefusedError):
            asked(second, "/healthz")
        assert agent.stop() == 0


def test_a_port_that_is_in_use_is_told_at_the_start(installation):
    """With 75 and the address; at a reload the old settings stay."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        agent = installation.run()
        agent.wait_for("agent.ready")
        installation.settings["monitor"] = {"listen": f"127.0.0.1:{port}"}
        installation.save()
        (problem,) = hang_up(agent, "settings.refused")["problems"]
        assert f"cannot listen at 127.0.0.1:{port}" in problem
        assert agent.stop() == 0
        refused = installation.ask("run")
        assert refused.returncode == 75
        assert f"cannot listen at 127.0.0.1:{port}" in refused.stderr


def test_reloads_leave_nothing_behind(installation, tmp_path):
    """Feeds, destinations and the monitor come and go: descriptors and threads are as after the first time."""
    there = installation.settings["destinations"]["there"]
    (tmp_path / "second").mkdir()

    def used(agent) -> tuple[int, int]:
        place = Path("/proc") / str(agent.process.pid)
        return len(list((place / "fd").iterdir())), len(list((place / "task").iterdir()))

    with installation.run() as agent:
        agent.wait_for("agent.ready")
        wanted: list[tuple[int, int]] = []
        for number in range(6):
            installation.settings["destinations"]["second"] = {**copy.deepcopy(there), "port": 1 + number}
            installation.settings["monitor"] = {"listen": f"127.0.0.1:{free_port()}"}
            installation.save()
            installation.feed("more", feed(destination="second") + f"max_rows: {number + 1}\n")
            hang_up(agent, "settings.reloaded")
            if wanted:
                agent.wait_until(lambda: used(agent) <= wanted[0], "what is no longer needed to be let go")
            else:
                agent.wait_until(lambda: used(agent)[1] > 5, "the threads to be there")
                time.sleep(2.5)  # longer than a thread waits before it looks whether it is still wanted
                wanted.append(used(agent))
            del installation.settings["destinations"]["second"], installation.settings["monitor"]
            installation.save()
            (installation.config / "feeds" / "more.yaml").unlink()
            hang_up(agent, "settings.reloaded")
        assert agent.stop() == 0
