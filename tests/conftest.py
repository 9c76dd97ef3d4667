"""What tests ask for by name: real servers, the stand-in, parcels."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from agent.channels.base import Parcel
from agent.channels.sftp import Channel, Options
from agent.sandbox import SandboxSftp
from tests.certificates import Authority
from tests.ftp_scripts import ScriptedFtp
from tests.ftp_servers import FtpServer, ProFtpd, Vsftpd
from tests.mail_servers import Aiosmtpd, Postfix
from tests.scripted_relay import ScriptedRelay
from tests.servers import Proxy, Sshd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BATCH = "abcdefghijklmnopqrst"


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An OpenSSH server for all tests that change nothing about it; each uses a folder of its own."""
    with Sshd(tmp_path_factory.mktemp("sshd") / "server") as server:
        yield server


@pytest.fixture
def start_sshd(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Start OpenSSH servers of one's own; the arguments are those of `Sshd`."""
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:
        yield lambda **how: stack.enter_context(Sshd(tmp_path / f"sshd-{next(numbers)}", **how))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority for certificates, which no machine trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def shared_postfix(authority: Authority) -> Iterator[Postfix]:
    """A Postfix for all tests that change nothing about it; use `postfix`."""
    with Postfix(authority) as server:
        yield server


@pytest.fixture(scope="session")
def vsftpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vsftpd]:
    """A vsftpd for all tests that change nothing about it; each uses a folder of its own."""
    with Vsftpd(tmp_path_factory.mktemp("vsftpd") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def proftpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProFtpd]:
    """A ProFTPD for all tests that change nothing about it; each uses a folder of its own."""
    with ProFtpd(tmp_path_factory.mktemp("proftpd") / "server") as server:
        yield server


@pytest.fixture
def postfix(shared_postfix: Postfix) -> Postfix:
    """A Postfix whose mailboxes are empty."""
    shared_postfix.forget()
    return shared_postfix


@pytest.fixture
def aiosmtpd(authority: Authority) -> Iterator[Aiosmtpd]:
    """An SMTP server with STARTTLS and a login."""
    with Aiosmtpd(authority.context()) as server:
        yield server


@pytest.fixture
def start_ftp(tmp_path: Path) -> Iterator[Callable[..., FtpServer]]:
    """Start FTP servers of one's own; the arguments are the class and those of `FtpServer`."""
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:
        yield lambda kind, **how: stack.enter_context(kind(tmp_path / f"ftp-{next(numbers)}", **how))


@pytest.fixture
def scripted_relay(authority: Authority) -> Iterator[Callable[..., ScriptedRelay]]:
    """Start relays that answer as a test says; the arguments are those of `ScriptedRelay`."""
    with contextlib.ExitStack() as stack:
        yield lambda context=None, **how: stack.enter_context(
            ScriptedRelay(context or authority.context(), **how)
        )


@pytest.fixture
def scripted_ftp(tmp_path: Path) -> Iterator[Callable[..., ScriptedFtp]]:
    """Start FTP servers that do as told; the arguments are those of `ScriptedFtp`."""
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:
        yield lambda **how: stack.enter_context(ScriptedFtp(tmp_path / f"script-{next(numbers)}", **how))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder to deliver to."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def proxied() -> Iterator[Callable[..., Proxy]]:
    """Put a relay that can be cut in front of a port; the arguments are those of `Proxy`."""
    with contextlib.ExitStack() as stack:
        yield lambda port, **how: stack.enter_context(Proxy(port, **how))


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Callable[..., SandboxSftp]]:
    """Start the stand-in for impact.com's side; the arguments are those of `SandboxSftp`."""
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:
        yield lambda **how: stack.enter_context(SandboxSftp(tmp_path / f"far-{next(numbers)}", **how))


@pytest.fixture
def channel_to() -> Iterator[Callable[..., Channel]]:
    """Make a channel to a stand-in; closed at the end of the test."""
    with contextlib.ExitStack() as stack:

        def made(server: SandboxSftp, **changes: Any) -> Channel:
            options = Options.model_validate(
                {
                    "host": "127.0.0.1",
                    "port": server.port,
                    "username": server.username,
                    "password": {"env": "PASSWORD"},
                    "host_keys": [server.host_key_line],
                    "connect_timeout": "20s",
                    "idle_timeout": "20s",
                    **changes,
                }
            )
            channel = Channel(options, lambda _: server.password.encode())
            stack.callback(channel.close)
            return channel

        yield made


@pytest.fixture
def make_parcel(tmp_path: Path) -> Callable[..., Parcel]:
    """Make a parcel with its bytes on disk."""

    def made(content: bytes = b"Oid,SKU\r\n1,RED\r\n", *, name: str = "", attempt: int = 1) -> Parcel:
        digest = hashlib.sha256(content).hexdigest()
        path = tmp_path / f"{digest}.out"
        path.write_bytes(content)
        return Parcel(BATCH, name or f"refunds_20260731_{BATCH}.csv", path, len(content), digest, attempt)

    return made
