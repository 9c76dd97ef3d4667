"""The deadlines themselves: they strike in time, and only then."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from agent.net.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection to watch and its other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(10)
        yield ours, theirs


def test_silence_shuts_the_socket(pair: tuple[socket.socket, socket.socket]) -> None:
    """A reader stuck on it is freed, and the words say why."""
    watchdog = Watchdog(pair[0])
    watchdog.begin(overall=30, idle=0.1)
    assert pair[0].recv(1) == b""
    assert watchdog.expired == "no answer for 0.1 s"
    watchdog.close()


def test_the_whole_has_its_limit(pair: tuple[socket.socket, socket.socket]) -> None:
    """Progress puts off the one limit, never the other."""
    watchdog = Watchdog(pair[0])
    watchdog.begin(overall=0.3, idle=0.2)
    started = time.monotonic()
    while not watchdog.expired and time.monotonic() < started + 5:
        watchdog.progress()
        time.sleep(0.01)
    assert watchdog.expired == "not done within 0.3 s"
    watchdog.close()


def test_nothing_strikes_when_nothing_is_waited_for(pair: tuple[socket.socket, socket.socket]) -> None:
    """After `end` the connection may be idle; a new beginning with a nearer limit is seen at once."""
    watchdog = Watchdog(pair[0])
    watchdog.begin(overall=0.05, idle=0.05)
    watchdog.end()
    time.sleep(0.15)
    assert watchdog.expired == ""
    watchdog.begin(overall=30, idle=30)
    watchdog.begin(overall=30, idle=0.05)
    assert pair[0].recv(1) == b""
    watchdog.close()


def test_leaves_no_thread(pair: tuple[socket.socket, socket.socket]) -> None:
    """Closed twice, struck or not."""
    before = set(threading.enumerate())
    watchdog = Watchdog(pair[0])
    watchdog.begin(overall=30, idle=30)
    watchdog.close()
    watchdog.close()
    assert set(threading.enumerate()) == before


def test_time_lost_to_a_standstill_is_given_back(pair: tuple[socket.socket, socket.socket]) -> None:
    """When the machine stood still for five minutes, the far side is not to blame for them."""
    watchdog = Watchdog(pair[0])
    watchdog.begin(overall=60, idle=30)
    due, _ = watchdog._due()
    watchdog._forgive(300)
    assert watchdog._due()[0] == pytest.approx(due + 300)
    watchdog._forgive(0.5)
    assert watchdog._due()[0] == pytest.approx(due + 300)
    watchdog.close()
