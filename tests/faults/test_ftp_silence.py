"""A server that falls silent, at whatever step, costs no more than the deadline, and the verdict is true."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import ChannelError, Permanent, Transient, UnknownOutcome
from tests.certificates import Authority
from tests.ftp_scripts import drip, hang_up, silent
from tests.ftp_servers import FtpServer, ProFtpd, Vsftpd
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.ftp_scripts import ScriptedFtp

DEADLINE = 0.5
GRACE = 2.0
SHORT = {"connect_timeout": f"{DEADLINE}s", "idle_timeout": f"{DEADLINE}s", "deadline": "30s"}
STEPS = [
    "greeting", "AUTH", "handshake", "USER", "PASS", "PBSZ", "PROT", "TYPE", "EPSV", "STOR", "transfer", "SIZE", "RNFR",
]  # fmt: skip


@pytest.fixture
def scripted(tmp_path: Path, scripted_ftp: Any) -> Callable[..., ScriptedFtp]:
    """Start scripted servers under TLS; the arguments are those of `Script`."""
    authority = Authority(tmp_path / "certificates")
    how = {"certificate": authority.certificate(), "ca_file": authority.ca_file}
    return lambda **script: scripted_ftp(**how, **script)


def ended(channel: Any, parcel: Any, will_publish: Any = lambda: None) -> tuple[ChannelError, float]:
    """Send; return the failure and how long it took."""
    before = time.monotonic()
    with pytest.raises(ChannelError) as caught:
        channel.send(parcel, will_publish)
    took = time.monotonic() - before
    channel.close()
    return caught.value, took


def looked(channel: Any, parcel: Any) -> bool | None:
    """Return what the next attempt's look finds."""
    found = channel.look(dataclasses.replace(parcel, attempt=2)).found
    channel.close()
    return found


def visible(root: Path) -> list[str]:
    """Return what people see in a folder."""
    return [path.name for path in root.iterdir() if not path.name.startswith(".")]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", [silent, hang_up], ids=lambda fault: fault.__name__)
def test_before_anything_shows(scripted: Any, make_parcel: Any, step: str, fault: Any) -> None:
    """Until the rename nothing can show: try later, within the deadline."""
    server = scripted(otherwise={step: fault})
    error, took = ended(server.channel(**SHORT), make_parcel(), pytest.fail)
    assert type(error) is Transient
    assert took < DEADLINE + GRACE
    assert visible(server.root) == []


@pytest.mark.parametrize("fault", [silent, hang_up], ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("when", ["otherwise", "afterwards"])
def test_at_the_rename(scripted: Any, make_parcel: Any, when: str, fault: Any) -> None:
    """The rename was asked for and no answer came: nobody can tell; a look tells what is true."""
    server = scripted(**{when: {"RNTO": fault}})
    parcel = make_parcel()
    error, took = ended(server.channel(**SHORT), parcel)
    assert type(error) is UnknownOutcome
    assert took < DEADLINE + GRACE
    server.script.otherwise.clear()
    server.script.afterwards.clear()
    found = looked(server.channel(), parcel)
    assert found is (when == "afterwards")
    assert found == (visible(server.root) == [parcel.name])


def test_after_the_rename_was_confirmed(scripted: Any, make_parcel: Any) -> None:
    """The server's word is there: silence at the look that follows takes nothing away from it."""
    server = scripted()

    def published() -> None:
        server.script.otherwise["SIZE"] = silent

    channel = server.channel(**SHORT)
    receipt = channel.send(make_parcel(), published)
    channel.close()
    assert receipt.how == "accepted"
    assert len(visible(server.root)) == 1


@pytest.mark.parametrize("step", ["greeting", "USER", "PASS", "TYPE"])
def test_slow_answers_while_logging_in(scripted: Any, make_parcel: Any, step: str) -> None:
    """One byte at a time keeps no login alive: the outer deadline ends it."""
    server = scripted(otherwise={step: drip})
    error, took = ended(server.channel(**SHORT), make_parcel(), pytest.fail)
    assert type(error) is Transient
    assert took < DEADLINE + GRACE


def test_slow_answers_while_sending(scripted: Any, make_parcel: Any) -> None:
    """The same for a batch: not done within its deadline."""
    server = scripted(otherwise={"RNFR": drip})
    error, took = ended(server.channel(**{**SHORT, "deadline": "1s"}), make_parcel(), pytest.fail)
    assert type(error) is Transient
    assert "not done within 1 s" in str(error)
    assert took < 1.0 + GRACE


def test_an_answer_without_end(scripted: Any, make_parcel: Any) -> None:
    """Lines and lines, or one line for ever: the agent stops reading, and memory stays small."""
    for flood in (b"220-more\r\n" * 100_000, b"220 " + b"x" * 1_000_000):
        server = scripted(otherwise={"greeting": lambda peer, flood=flood: peer.sock.sendall(flood)})
        error, _ = ended(server.channel(**SHORT), make_parcel(), pytest.fail)
        assert type(error) is Permanent
        assert "more than" in str(error)


def test_a_server_that_never_says_goodbye(scripted: Any, make_parcel: Any) -> None:
    """Second connections that end without TLS's goodbye hold nothing up; the 226 is the truth."""
    server = scripted()
    server.goodbye = False
    channel = server.channel(**SHORT)
    parcel = make_parcel(b"x" * 300_000)
    before = time.monotonic()
    assert channel.send(parcel, lambda: None).how == "verified"
    assert channel.look(parcel).evidence.endswith("same content")
    assert time.monotonic() - before < DEADLINE
    channel.close()


def test_a_list_cut_short_proves_nothing(scripted: Any, make_parcel: Any) -> None:
    """Without the goodbye a list may lack its end: a name that is not in it may still be there."""
    server = scripted()
    server.goodbye = False
    channel = server.channel(sweeps=False)
    assert channel.look(make_parcel()).found is None
    server.goodbye = True
    assert channel.look(make_parcel()).found is False
    channel.close()


@pytest.mark.parametrize("kind", [Vsftpd, ProFtpd])
def test_frozen_while_publishing(start_ftp: Any, make_parcel: Any, kind: type[FtpServer]) -> None:
    """A server stopped right before the rename: within the deadline nobody can tell."""
    server = start_ftp(kind)
    channel = server.channel(**SHORT)
    channel.send(make_parcel(name="first.csv"), lambda: None)
    parcel = make_parcel(name="second.csv")
    freezer = server.frozen()
    try:
        error, took = ended(channel, parcel, freezer.__enter__)
    finally:
        freezer.__exit__(None, None, None)
    assert type(error) is UnknownOutcome
    assert took < DEADLINE + GRACE
    found = looked(server.channel(sweeps=False), parcel)
    assert found is ("second.csv" in visible(server.inbox))


@pytest.mark.parametrize("kind", [Vsftpd, ProFtpd])
@pytest.mark.parametrize("fault", ["frozen", "killed"])
def test_lost_in_the_middle_of_the_bytes(
    start_ftp: Any, make_parcel: Any, kind: type[FtpServer], fault: str
) -> None:
    """A server stopped or killed while bytes flow: try later, nothing shows, and the next attempt arrives."""
    server = start_ftp(kind)
    parcel = make_parcel(b"z" * 200_000_000)
    channel = server.channel(**SHORT)

    def strike() -> None:
        part = server.inbox / f".{parcel.name}.1.part"
        wait_until(lambda: part.exists() and part.stat().st_size > 0, "the upload to begin")
        server.kill_sessions() if fault == "killed" else freezer.__enter__()

    freezer = server.frozen()
    striker = threading.Thread(target=strike)
    striker.start()
    try:
        error, _ = ended(channel, parcel, pytest.fail)
    finally:
        striker.join()
        if fault == "frozen":
            freezer.__exit__(None, None, None)
    assert type(error) is Transient
    assert visible(server.inbox) == []
    small = make_parcel(name=parcel.name, attempt=2)
    again = server.channel()
    again.send(small, lambda: None)
    again.close()
    assert visible(server.inbox) == [parcel.name]
    assert [path.name for path in server.inbox.iterdir()] == [parcel.name]
