"""The wires of FTP: cut anywhere in either direction, pointed elsewhere, closed by something in between."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from typing import TYPE_CHECKING, Any

import pytest

from agent.channels.base import Receipt
from agent.errors import ChannelError, Permanent, Transient, UnknownOutcome
from tests.certificates import Authority
from tests.ftp_servers import ProFtpd, Vsftpd
from tests.servers import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ftp_servers import FtpServer
    from tests.servers import Proxy

ELSEWHERE = "127.0.0.2"  # where the relays are; the servers are at 127.0.0.1
CONTENT = b"y" * 400_000
STEPS = {Vsftpd: 20, ProFtpd: 5}  # ProFTPD takes its time after a connection that broke


class Relayed:
    """A server with a relay before its control connection and others before its second ones."""

    def __init__(self, server: FtpServer, ca_file: Path, control: Proxy, second: list[Proxy]) -> None:
        self.server, self.control = server, control
        self.steps = STEPS[type(server)]
        self.relays = {"control": [control], "second": second}
        self._reached = {"host": ELSEWHERE, "port": control.port, "ca_file": str(ca_file)}

    def end_of(self, parcel: Any) -> Receipt | ChannelError:
        """Send over the relays; return what came of it."""
        channel = self.server.channel(**self._reached)
        try:
            return channel.send(parcel, lambda: None)
        except ChannelError as error:
            return error
        finally:
            channel.close()

    def limit(self, which: str, towards: str, size: int | None) -> None:
        """Let so many bytes pass; see `Proxy.limit`."""
        for relay in self.relays[which]:
            relay.limit(towards, size)

    def passed(self, which: str, towards: str) -> int:
        """Return how many did."""
        return max(relay.passed[towards] for relay in self.relays[which])


@pytest.fixture(params=[Vsftpd, ProFtpd])
def relayed(request: Any, tmp_path: Path, start_ftp: Any, proxied: Any) -> Relayed:
    """Start a server that uses two ports for its second connections, and the relays."""
    first = next(port for port in range(30_000, 60_000, 2) if unused(port) and unused(port + 1))
    authority = Authority(tmp_path / "certificates")
    settings = {
        ProFtpd: f"PassivePorts {first} {first + 1}",
        Vsftpd: f"pasv_min_port={first}\npasv_max_port={first + 1}",
    }
    server = start_ftp(
        request.param, certificate=authority.certificate(ELSEWHERE), more=settings[request.param]
    )
    second = [proxied(port, at=(ELSEWHERE, port)) for port in (first, first + 1)]
    return Relayed(server, authority.ca_file, proxied(server.port, at=(ELSEWHERE, 0)), second)


@pytest.mark.parametrize("which", ["control", "second"])
@pytest.mark.parametrize("towards", ["client", "server"])
def test_cut_anywhere(relayed: Relayed, make_parcel: Any, which: str, towards: str) -> None:
    """Either connection, either direction, at whatever byte: never a half, and what is said of it is true."""
    inbox = relayed.server.inbox
    assert isinstance(relayed.end_of(make_parcel(CONTENT, name="whole.csv")), Receipt)
    whole = relayed.passed(which, towards)
    assert whole > 0
    for step in range(relayed.steps):
        relayed.limit(which, towards, whole * step // relayed.steps + 1)
        parcel = make_parcel(CONTENT, name=f"{step}.csv")
        end = relayed.end_of(parcel)
        relayed.limit(which, towards, None)
        there = seen(inbox)
        assert set(there.values()) == {CONTENT}
        assert not isinstance(end, Permanent), end
        if not isinstance(end, UnknownOutcome):
            assert (parcel.name in there) == isinstance(end, Receipt), end
        assert isinstance(relayed.end_of(dataclasses.replace(parcel, attempt=2)), Receipt)
        assert set(seen(inbox).values()) == {CONTENT}
    assert len(seen(inbox)) == relayed.steps + 1
    assert [path.name for path in inbox.iterdir() if path.name.startswith(".")] == []


def unused(port: int) -> bool:
    """Tell whether nobody has a port."""
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        return True
    return False


def seen(folder: Path) -> dict[str, bytes]:
    """Return what people see in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def test_an_address_in_an_answer_is_not_followed(scripted_ftp: Any, make_parcel: Any) -> None:
    """Bytes go to the host that the login went to, whatever PASV names; EPSV is asked for first, once."""
    server = scripted_ftp(otherwise={"EPSV": "500 what?"})
    channel = server.channel()
    for name in ("1.csv", "2.csv"):
        assert channel.send(make_parcel(name=name), lambda: None).how == "verified"
    channel.close()
    assert set(seen(server.root)) == {"1.csv", "2.csv"}
    assert (server.verbs.count("EPSV"), server.verbs.count("PASV")) == (1, 2)


@pytest.mark.parametrize("publish", ["rename", "direct"])
def test_second_connections_that_get_nowhere(scripted_ftp: Any, make_parcel: Any, publish: str) -> None:
    """A firewall that lets only the control connection through: try later, nothing shows."""
    server = scripted_ftp(otherwise={"EPSV": f"229 here (|||{free_port()}|)"})
    channel = server.channel(publish=publish, look=False)
    with pytest.raises(Transient, match="the second connection"):
        channel.send(make_parcel(), lambda: None)
    channel.close()
    assert list(server.root.iterdir()) == []


def test_a_goodbye_in_between(scripted_ftp: Any, make_parcel: Any) -> None:
    """A server that hung up on an idle connection costs no attempt."""
    server = scripted_ftp()
    now = [0.0]
    channel = server.channel(clock=lambda: now[0])
    channel.send(make_parcel(name="1.csv"), lambda: None)
    now[0] += 3600
    server.script.otherwise["NOOP"] = "421 you were idle for too long"
    channel.send(make_parcel(name="2.csv"), lambda: None)
    channel.close()
    assert set(seen(server.root)) == {"1.csv", "2.csv"}
    assert server.verbs.count("USER") == 2


def test_a_connection_that_is_alive_is_kept(scripted_ftp: Any, make_parcel: Any) -> None:
    """After a while it is asked once, and used again."""
    server = scripted_ftp()
    now = [0.0]
    channel = server.channel(clock=lambda: now[0])
    for number in range(3):
        channel.send(make_parcel(name=f"{number}.csv"), lambda: None)
        now[0] += 3600
    channel.close()
    assert (server.verbs.count("USER"), server.verbs.count("NOOP")) == (1, 2)
