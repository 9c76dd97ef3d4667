"""A server that falls silent, at whatever step, costs no more than the deadline, and the verdict is true."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from typing import TYPE_CHECKING, Any

import paramiko
import pytest

from agent.channels.sftp import Channel, Options
from agent.errors import ChannelError, Permanent, Transient, UnknownOutcome
from tests.listening import Listener
from tests.servers import reveal, wait_until

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from agent.sandbox.storage import Request

DEADLINE = 0.5
GRACE = 2.0
SHORT = {"connect_timeout": f"{DEADLINE}s", "idle_timeout": f"{DEADLINE}s", "deadline": "30s"}
PIN = "SHA256:" + "A" * 43


def nothing(sock: socket.socket, stop: threading.Event) -> None:
    """Say nothing at all."""
    stop.wait()


def endless_greeting(sock: socket.socket, stop: threading.Event) -> None:
    """Greet and greet before the banner, as a tar pit does."""
    while not stop.wait(0.01):
        sock.sendall(b"be patient\r\n")


def slow_banner(sock: socket.socket, stop: threading.Event) -> None:
    """Send the banner byte by byte."""
    for byte in b"SSH-2.0-Slow_and_steady_wins_nothing_" * 10:
        if stop.wait(0.2):
            return
        sock.sendall(bytes([byte]))


def banner_only(sock: socket.socket, stop: threading.Event) -> None:
    """Fall silent before the key exchange."""
    sock.sendall(b"SSH-2.0-Silent\r\n")
    stop.wait()


def hang_up(sock: socket.socket, stop: threading.Event) -> None:
    """Hang up before the banner, as a server with too many connections does."""


@pytest.fixture
def scripted() -> Iterator[Callable[[Any], int]]:
    """Start a server that follows a script for every connection; return its port."""
    stop = threading.Event()
    listeners: list[Listener] = []

    def start(script: Any) -> int:
        def serve(sock: socket.socket) -> None:
            with sock:
                script(sock, stop)

        listeners.append(Listener(serve))
        return listeners[-1].port

    yield start
    stop.set()
    for listener in listeners:
        listener.close()
        listener.join()


def options_to(port: int, **changes: Any) -> Options:
    """Return settings for a port where no honest server is."""
    settings = {
        "host": "127.0.0.1",
        "port": port,
        "username": "u",
        "password": {"env": "P"},
        "host_keys": PIN,
    }
    return Options.model_validate({**settings, **SHORT, **changes})


def timed(action: Callable[[], object]) -> tuple[object, float]:
    """Return what came of it and how long it took."""
    started = time.monotonic()
    try:
        end: object = action()
    except ChannelError as error:
        end = error
    return end, time.monotonic() - started


@pytest.mark.parametrize("script", [nothing, endless_greeting, slow_banner, banner_only])
def test_before_the_key_exchange(scripted: Any, make_parcel: Any, script: Any) -> None:
    """Silence, endless talk or a byte now and then before the banner is over in time; nothing was sent."""
    channel = Channel(options_to(scripted(script)), lambda _: b"p")
    end, seconds = timed(lambda: channel.send(make_parcel(), pytest.fail))
    assert isinstance(end, Transient)
    assert seconds < DEADLINE + GRACE


def test_no_thread_is_left(scripted: Any, make_parcel: Any) -> None:
    """Failed connections leave nothing running."""
    ports = [scripted(script) for script in (nothing, banner_only, hang_up)]
    before = ours()
    for port in ports:
        channel = Channel(options_to(port, connect_timeout="200ms"), lambda _: b"p")
        for _ in range(2):
            with pytest.raises(Transient):
                channel.send(make_parcel(), pytest.fail)
    assert ours() == before


def ours() -> set[threading.Thread]:
    """Return the threads there are, but for the scripted servers'."""
    return {thread for thread in threading.enumerate() if thread.name != "far side"}


class Mute(paramiko.SubsystemHandler):
    """An SFTP subsystem that never says a word."""

    def start_subsystem(self, name: str, transport: paramiko.Transport, channel: paramiko.Channel) -> None:
        """Read until the client is gone."""
        while channel.recv(1024):
            pass


def test_no_word_from_the_subsystem(stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
    """A server that starts SFTP and then does not answer its greeting."""
    server = stand_in(tune=lambda transport: transport.set_subsystem_handler("sftp", Mute))
    end, seconds = timed(lambda: channel_to(server, **SHORT).send(make_parcel(), pytest.fail))
    assert isinstance(end, Transient)
    assert seconds < DEADLINE + GRACE


BEFORE = ["login", "session", "subsystem", "remove", "open", "write", "fstat", "close"]
UNKNOWN = ["rename", "renamed"]


@pytest.mark.parametrize("operation", [*BEFORE, *UNKNOWN, "stat"])
def test_at_each_step(stand_in: Any, channel_to: Any, make_parcel: Any, operation: str) -> None:
    """Before the rename: try later. At the rename: unknown. At the look afterwards: it got through."""
    released = threading.Event()

    def freeze(request: Request) -> None:
        if request.operation == operation:
            released.wait(20)

    channel = channel_to(stand_in(interfere=freeze), **SHORT)
    try:
        end, seconds = timed(lambda: channel.send(make_parcel(attempt=2), lambda: None))
    finally:
        released.set()
    assert seconds < DEADLINE + GRACE
    if operation in BEFORE:
        assert isinstance(end, Transient)
        assert f"no answer for {DEADLINE:g} s" in str(end) or operation in {"login", "session", "subsystem"}
    elif operation in UNKNOWN:
        assert isinstance(end, UnknownOutcome)
    else:
        assert end.how == "accepted"


def test_busy_but_endless(stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
    """A server that answers all the time, but too slowly, is left at the deadline for the whole batch."""

    def slow(request: Request) -> None:
        if request.operation == "write":
            time.sleep(0.1)

    channel = channel_to(stand_in(interfere=slow), idle_timeout="5s", deadline=f"{DEADLINE}s")
    end, seconds = timed(lambda: channel.send(make_parcel(b"z" * 3_000_000), pytest.fail))
    assert isinstance(end, Transient)
    assert "not done within 0.5 s" in str(end)
    assert seconds < DEADLINE + GRACE


def test_looking_at_a_silent_server(stand_in: Any, channel_to: Any, make_parcel: Any) -> None:
    """A look ends in time, too, and says that nobody could be asked."""
    released = threading.Event()
    channel = channel_to(stand_in(interfere=lambda _: released.wait(20) and None), **SHORT)
    end, seconds = timed(lambda: channel.look(make_parcel()))
    released.set()
    assert isinstance(end, Transient)
    assert seconds < DEADLINE + GRACE


def test_frozen_openssh_while_it_writes(start_sshd: Any, inbox: Any, make_parcel: Any) -> None:
    """A stopped server process in the middle of a transfer: over in time, and the next attempt works."""
    server = start_sshd()
    channel = Channel(server.options(directory=str(inbox), idle_timeout="500ms"), reveal)
    channel.look(make_parcel())
    parcel = make_parcel(b"w" * 20_000_000)
    with server.frozen():
        end, seconds = timed(lambda: channel.send(parcel, pytest.fail))
        assert isinstance(end, Transient)
        assert seconds < 0.5 + GRACE
    channel.send(dataclasses.replace(parcel, attempt=2), lambda: None)
    assert [path.name for path in inbox.iterdir()] == [parcel.name]
    channel.close()


def test_frozen_openssh_at_the_rename(start_sshd: Any, inbox: Any, make_parcel: Any) -> None:
    """A rename that a frozen server may still do: unknown, until its source is removed."""
    server = start_sshd()
    channel = Channel(server.options(directory=str(inbox), idle_timeout="500ms"), reveal)
    parcel = make_parcel()
    with contextlib.ExitStack() as stack:
        end, seconds = timed(lambda: channel.send(parcel, lambda: stack.enter_context(server.frozen())))
        assert isinstance(end, UnknownOutcome)
        assert seconds < 0.5 + GRACE
        frozen = server.processes()
        sighting = channel.look(dataclasses.replace(parcel, attempt=2))
        assert sighting.found is False
    wait_until(
        lambda: not set(frozen) & set(server.processes()), "the frozen server to go on and find us gone"
    )
    assert list(inbox.iterdir()) == []
    channel.send(dataclasses.replace(parcel, attempt=2), lambda: None)
    assert [path.name for path in inbox.iterdir()] == [parcel.name]
    channel.close()


def test_killed_openssh_in_the_middle(start_sshd: Any, inbox: Any, make_parcel: Any) -> None:
    """A killed server process: try later; the next attempt delivers one file and clears the half away."""
    server = start_sshd()
    channel = Channel(server.options(directory=str(inbox)), reveal)
    parcel = make_parcel(b"k" * 50_000_000)

    def kill_when_writing() -> None:
        wait_until(lambda: any(path.stat().st_size for path in inbox.iterdir()), "the first bytes")
        server.kill_sessions()

    killer = threading.Thread(target=kill_when_writing)
    killer.start()
    with pytest.raises(Transient):
        channel.send(parcel, pytest.fail)
    killer.join()
    channel.send(dataclasses.replace(parcel, attempt=2), lambda: None)
    assert [path.name for path in inbox.iterdir()] == [parcel.name]
    channel.close()


def test_refuses_to_be_made_without_deadlines() -> None:
    """A deadline of nothing would be none at all."""
    for name in ("connect_timeout", "idle_timeout", "deadline"):
        with pytest.raises(ValueError, match="deadlines longer than 0s"):
            options_to(22, **{name: "0s"})


def test_an_unknown_name_may_be_known_later(make_parcel: Any) -> None:
    """A name that cannot be looked up just now is no reason to give up."""
    channel = Channel(options_to(22, host="no-such-host.invalid"), lambda _: b"p")
    with pytest.raises(Transient, match="cannot be looked up") as caught:
        channel.send(make_parcel(), pytest.fail)
    assert not isinstance(caught.value, Permanent)
