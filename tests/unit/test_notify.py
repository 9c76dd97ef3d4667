"""Words to the service manager, heard at a socket of the test's own."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time

import pytest

from agent.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """A stand-in for systemd: its socket, and the name that stands in NOTIFY_SOCKET."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        listening.settimeout(0)
        yield listening, name


def words(listening):
    """Return all that was said so far."""
    said = []
    while True:
        try:
            said.append(listening.recv(4096).decode())
        except BlockingIOError:
            return said


def test_every_word_arrives_at_both_kinds_of_sockets(manager):
    """Ready, status, alive, stopping, each as a datagram of its own."""
    listening, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"})
    notifier.ready()
    notifier.status("1 feed watched")
    notifier.alive()
    notifier.stopping()
    assert words(listening) == ["READY=1", "STATUS=1 feed watched", "WATCHDOG=1", "STOPPING=1"]


def test_a_status_that_a_busy_manager_did_not_take_is_said_again(manager):
    """Its queue is short; what fell beside it is not taken for said."""
    listening, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other, contextlib.suppress(BlockingIOError):
        other.settimeout(0)
        while True:
            other.sendto(b"noise", listening.getsockname())
    notifier.status("1 batch waiting")
    assert set(words(listening)) == {"noise"}
    notifier.status("1 batch waiting")
    notifier.status("1 batch waiting")
    assert words(listening) == ["STATUS=1 batch waiting"]


def test_reloading_says_when(manager):
    """The manager tells an old word from a new one by the monotonic clock."""
    listening, name = manager
    Notifier({"NOTIFY_SOCKET": name}).reloading()
    (said,) = words(listening)
    found = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", said)
    assert found
    assert 0 <= time.monotonic_ns() // 1000 - int(found[1]) < 10_000_000


def test_a_status_is_one_line_and_said_once(manager):
    """Line ends would begin another word; the same line again is no news."""
    listening, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.status("refused:\nREADY=1")
    notifier.status("refused: READY=1")
    notifier.status("x" * 1000)
    said = words(listening)
    assert said == ["STATUS=refused: READY=1", f"STATUS={'x' * 500}"]


def test_where_nobody_listens_nothing_happens(tmp_path):
    """No socket named, a name of nothing, a name that is no address: the agent works on."""
    for environment in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}):
        notifier = Notifier(environment)
        assert not notifier.heard
        notifier.ready()
    gone = Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    assert gone.heard
    gone.ready()
    Notifier({"NOTIFY_SOCKET": "/" + "x" * 200}).stopping()


def test_a_manager_that_does_not_read_holds_nobody_up(manager):
    """Its queue is full: the words are lost, the agent goes on."""
    _, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    begun = time.monotonic()
    for _ in range(2000):
        notifier.ready()
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({"WATCHDOG_USEC": "-1"}, 0.0),
    ],
)
def test_the_watchdog_is_the_one_meant_for_us(environment, seconds):
    """WATCHDOG_USEC counts where WATCHDOG_PID names this process, or nobody."""
    assert Notifier(environment).watchdog == seconds


def test_without_a_watchdog_nobody_is_fed(manager):
    """WATCHDOG=1 is said only where it was asked for."""
    listening, name = manager
    Notifier({"NOTIFY_SOCKET": name}).alive()
    assert words(listening) == []
