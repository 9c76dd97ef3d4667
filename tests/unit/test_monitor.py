"""Metrics and health as somebody asks for them, over real connections on loopback."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time

import pytest

from agent.ledger.transition import Transition
from agent.model import Attempt, FindingGroup, Severity
from agent.monitor import METRICS, Figures, Monitor, MonitorError, Pulse
from agent.states import Phase
from tests.house import NOON, source
from tests.servers import free_port


class Asked:
    """A monitor of a house's ledger, with a clock that is moved by hand."""

    def __init__(self, house) -> None:
        self.house, self.clock = house, 100.0
        self.pulse = Pulse(5.0, lambda: self.clock)
        self.figures = Figures(house.ledger, self.pulse, lambda: house.now)
        house.engine.heard = self.figures.heard
        self.port = free_port()
        self.monitor = Monitor(f"127.0.0.1:{self.port}", self.pulse, self.figures)
        self.monitor.start()

    def ask(self, path: str, method: str = "GET") -> tuple[int, str]:
        """Ask for a path; return status and body."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        line.request(method, path)
        reply = line.getresponse()
        body = reply.read().decode()
        line.close()
        return reply.status, body

    def metrics(self) -> dict[str, float]:
        """Return every sample that is asked for now."""
        lines = [line for line in self.ask("/metrics")[1].splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def raw(self, *pieces: bytes, wait: float = 10) -> bytes:
        """Send bytes as they are; return all that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as line:
            for piece in pieces:
                line.sendall(piece)
            return b"".join(iter(lambda: line.recv(65536), b""))


@pytest.fixture
def asked(house_of):
    """A monitor that answers."""
    made = Asked(house_of())
    yield made
    made.monitor.stop()


@pytest.fixture
def answering(house_of):
    """The same, of an agent that awaits answers."""
    made = Asked(house_of(answers={}))
    yield made
    made.monitor.stop()


def result(house, name: str, refused: int) -> None:
    """Have impact.com process a batch; so many of its rows are refused."""
    text = f"FileName: {name}\nStatus: Complete\nTotalRecords: 2\nTotalErrors: {refused}\n"
    house.postbox.put(f"result_{name}", text)


def test_answers_are_counted(answering):
    """Rows refused, batches whose answer is overdue, and what was made of what came back."""
    house = answering.house
    for name in "ab":
        house.taken(f"{name}.csv", source(name, f"{name}2"))
        house.drain()
    first, _ = house.batches()
    result(house, first.name, refused=1)
    house.postbox.put("result_x.csv", "of nobody")
    house.engine.collector._next.clear()
    house.drain(later=27 * 3600)
    found = answering.metrics()
    assert found['impact_agent_rows_refused_total{destination="there"}'] == 1
    assert found['impact_agent_overdue_acknowledgements{destination="there"}'] == 1
    assert found['impact_agent_acknowledgements{state="APPLIED"}'] == 1
    assert found['impact_agent_acknowledgements{state="UNMATCHED"}'] == 1


def test_every_metric_is_documented_and_none_is_missing(answering):
    """What is told about a metric is what METRICS says, kind and HELP; with something in each of them."""
    asked = answering
    asked.pulse.scanned(0.5)
    for name in "ab":
        asked.house.taken(f"{name}.csv", source(*(f"{name}{n}" for n in range(20)), "X", bad=("X",)))
        asked.house.drain()
    result(asked.house, asked.house.batches()[0].name, refused=1)
    asked.house.engine.collector._next.clear()
    asked.house.drain(later=27 * 3600)
    asked.figures.reloaded("taken")
    lines = asked.ask("/metrics")[1].splitlines()
    helps = dict(line.split(" ", 3)[2:] for line in lines if line.startswith("# HELP"))
    kinds = dict(line.split(" ", 3)[2:] for line in lines if line.startswith("# TYPE"))
    told = {name: about for name, about in helps.items() if not name.endswith("_created")}
    assert told == {name: about.words for name, about in METRICS.items()}
    assert {name: kinds[name] for name in told} == {name: about.kind for name, about in METRICS.items()}
    samples = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    labels = {name.partition("{")[0]: tuple(re.findall(r"(\w+)=", name)) for name in samples}
    assert {name: labels[name] for name in METRICS} == {name: about.labels for name, about in METRICS.items()}


def test_the_way_of_a_file_is_counted(asked):
    """A file, its batch, the attempts, the rows and what was found."""
    asked.house.far.sends.append("busy")
    asked.house.taken("refunds.csv", source(*map(str, range(20)), "X", bad=("X",)))
    asked.house.drain()
    first = asked.metrics()
    assert first['impact_agent_batches{destination="there",state="DEFERRED"}'] == 1
    assert first['impact_agent_submissions{state="PREPARED"}'] == 1
    asked.house.drain(later=3600)
    found = asked.metrics()
    assert found['impact_agent_attempts_total{destination="there",outcome="deferred"}'] == 1
    assert found['impact_agent_attempts_total{destination="there",outcome="sent"}'] == 1
    assert found['impact_agent_rows_sent_total{destination="there"}'] == 20
    assert found['impact_agent_batches{destination="there",state="SENT"}'] == 1
    assert found['impact_agent_submissions{state="CLOSED"}'] == 1
    assert sum(value for name, value in found.items() if name.startswith("impact_agent_findings_total")) >= 1


def test_the_oldest_that_waits_is_told(asked):
    """Age of the oldest batch that is to be sent and of the oldest file that is to be prepared."""
    asked.house.batch("a")
    asked.house.batch("b", state="HELD")
    asked.house.taken("refunds.csv", source("A"))
    asked.house.now = NOON + 1000
    found = asked.metrics()
    assert found['impact_agent_oldest_waiting_seconds{destination="there"}'] == pytest.approx(998, abs=2)
    assert found["impact_agent_oldest_received_seconds"] == pytest.approx(995, abs=3)
    asked.house.drain()
    found = asked.metrics()
    assert found['impact_agent_oldest_waiting_seconds{destination="there"}'] == 0
    assert found["impact_agent_oldest_received_seconds"] == 0


def test_records_about_which_something_was_found_are_counted(asked):
    """By code, as many as there are."""
    group = FindingGroup("E-REASON", Severity.ERROR, "Reason", 7, "unknown", "mend", ())
    asked.figures.heard(Transition("s1", "submission", "prepared", groups=(group,)))
    asked.figures.heard(Transition("s2", "submission", "prepared", groups=(group,)))
    assert asked.metrics()['impact_agent_findings_total{code="E-REASON"}'] == 14


def test_an_attempt_that_goes_on_is_not_counted(asked):
    """Only how it ended counts."""
    batch = asked.house.batch()
    asked.figures.heard(
        Transition(batch.id, "batch", "started", attempt=Attempt(batch.id, 1, NOON, Phase.STARTED))
    )
    assert not [name for name in asked.metrics() if name.startswith("impact_agent_attempts_total")]


def test_health_is_that_of_the_last_finished_scan(asked):
    """Before the first, and three intervals after the last: 503, with the reason."""
    assert asked.ask("/healthz") == (503, "the first scan has not finished\n")
    asked.pulse.scanned(0.5)
    assert asked.ask("/healthz") == (200, "ok\n")
    asked.clock += 15.0
    assert asked.ask("/healthz") == (200, "ok\n")
    asked.clock += 0.1
    status, words = asked.ask("/healthz")
    assert (status, words) == (503, "the last scan finished 15 seconds ago; one is due every 5 seconds\n")
    asked.pulse.scanned(0.5)
    assert asked.ask("/healthz") == (200, "ok\n")
    asked.pulse.failure = lambda: "the disk is gone"
    assert asked.ask("/healthz") == (503, "the agent cannot go on: the disk is gone\n")


def test_ready_is_who_takes_files(asked):
    """From the first finished scan to the stop."""
    assert asked.ask("/readyz") == (503, "the first scan has not finished\n")
    asked.pulse.scanned(0.5)
    assert asked.ask("/readyz") == (200, "ok\n")
    asked.pulse.stopping = True
    assert asked.ask("/readyz") == (503, "the agent is stopping\n")


def test_a_ledger_that_cannot_be_read_is_told(asked):
    """503 and why; the agent is not disturbed."""
    asked.house.ledger.close()
    status, words = asked.ask("/metrics")
    assert status == 503
    assert "was closed" in words


def test_only_what_is_meant_is_answered(asked):
    """Other paths, other methods, what is no HTTP: a plain refusal each; HEAD has no body."""
    asked.pulse.scanned(0.5)
    assert asked.ask("/")[0] == 404
    assert asked.ask("/metrics/../healthz")[0] == 404
    assert asked.ask("/healthz?verbose")[0] == 200
    assert asked.ask("/healthz", "HEAD") == (200, "")
    for method in ("POST", "PUT", "DELETE", "TRACE"):
        assert asked.ask("/metrics", method)[0] == 405
    assert asked.raw(b"hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert asked.raw(b"GET /healthz HTTP/2\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_a_request_without_end_is_cut(asked):
    """It may neither be long nor take long, whatever comes in between."""
    assert asked.raw(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 2000) == b""
    begun = time.monotonic()
    assert asked.raw(b"GET / HTTP/1.1\r\n") == b""
    assert 4 < time.monotonic() - begun < 9


def test_many_callers_at_once_are_turned_away_and_none_stays(asked):
    """Eight may be slow; the ninth is hung up on; when they are gone there is room again."""
    asked.pulse.scanned(0.5)
    slow = [socket.create_connection(("127.0.0.1", asked.port), timeout=10) for _ in range(8)]
    for line in slow:
        line.sendall(b"GET ")
    time.sleep(0.3)  # all of them are being listened to
    with socket.create_connection(("127.0.0.1", asked.port), timeout=10) as ninth:
        assert ninth.recv(100) == b""
    for line in slow:
        line.close()
    deadline = time.monotonic() + 10
    while "monitor-answer" in {thread.name for thread in threading.enumerate()}:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert asked.ask("/healthz") == (200, "ok\n")


def test_a_stop_waits_for_nobody(asked):
    """Not for a caller that is slow; the port is free afterwards."""
    slow = socket.create_connection(("127.0.0.1", asked.port), timeout=10)
    slow.sendall(b"GET ")
    begun = time.monotonic()
    asked.monitor.stop()
    assert time.monotonic() - begun < 3
    Monitor(f"127.0.0.1:{asked.port}", asked.pulse, asked.figures).stop()
    slow.close()


def test_a_port_that_is_in_use_is_told(asked):
    """With the address and what to do; the exit code says that it may be another time."""
    with pytest.raises(
        MonitorError, match=f"cannot listen at 127.0.0.1:{asked.port}: .*in use; choose"
    ) as wrong:
        Monitor(f"127.0.0.1:{asked.port}", asked.pulse, asked.figures)
    assert wrong.value.exit == 75
