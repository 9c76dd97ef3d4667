"""The far sides that channels are held to their contract against: one class each, real servers on loopback.

A rig says in `can` what its kind of channel is able to do at all; a promise that needs more is not asked of it.
Adding a channel is adding its rigs here and to `RIGS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Self

from agent.channels import kinds, open_channel
from agent.channels.folder import Options as FolderOptions
from agent.channels.sftp import Options
from tests.ftp_servers import PASSWORD
from tests.servers import make_key, reveal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.channels.base import Channel
    from agent.sandbox import SandboxSftp
    from tests.ftp_servers import FtpServer
    from tests.mail_servers import Aiosmtpd, Postfix
    from tests.servers import Proxy, Sshd


class Able(StrEnum):
    """What not every kind of channel can do."""

    LOOK = "look"  # what is at the other end can be looked at, and is there under its name once only
    SWEEP = "sweep"  # has the setting `sweeps`: whether the far side takes files away
    PART = "part"  # its halves stand at the far side under temporary names
    FOLDER = "folder"  # delivers into a folder that settings name as `directory`
    TOGETHER = "together"  # lets the parcels of a group travel side by side
    WIRE = "wire"  # goes over a network, here through `proxy`
    LOGIN = "login"  # proves who it is with a secret


class Rig(ABC):
    """A far side for one kind of channel; with `Able.WIRE` there is a relay in front of it, `proxy`."""

    kind: ClassVar[str]
    can: ClassVar[frozenset[Able]] = frozenset(Able)
    how: ClassVar[str] = "verified"  # of its receipts
    proxy: Proxy

    @classmethod
    @abstractmethod
    def made(cls, ask: Callable[[str], Any]) -> Self:
        """Make one for a test; `ask` returns a fixture by its name."""

    def channel(self, **changes: Any) -> Channel:
        """Return a channel to it."""
        return open_channel(self.options(**changes), self.reveal)

    @abstractmethod
    def options(self, **changes: Any) -> Any:
        """Return settings that reach it."""

    @abstractmethod
    def reveal(self, secret: Any) -> bytes:
        """Read a secret."""

    def wrong_secret(self) -> bytes:
        """Return a secret of the right kind that does not let in; asked for with `Able.LOGIN` only."""
        raise NotImplementedError

    @property
    def inbox(self) -> Path:
        """Return the folder where the far side keeps what it got; asked for with LOOK and PART only."""
        raise NotImplementedError

    def seen(self) -> dict[str, bytes]:
        """Return what people at the far side see: by its name, the content of each file."""
        return {
            path.name: path.read_bytes() for path in self.inbox.iterdir() if not path.name.startswith(".")
        }

    def hidden(self) -> list[str]:
        """Return what is left over at the far side that people do not see."""
        return [path.name for path in self.inbox.iterdir() if path.name.startswith(".")]

    def part(self, name: str, attempt: int) -> str:
        """Return the temporary name of an attempt; asked for with `Able.PART` only."""
        return f".{name}.{attempt}.part"


class SftpToOpenSsh(Rig):
    """OpenSSH's server."""

    kind = "sftp"

    def __init__(self, folder: Path, server: Sshd, proxy: Proxy) -> None:
        self._folder, self._server, self.proxy = folder, server, proxy
        self.inbox.mkdir()

    @classmethod
    def made(cls, ask: Callable[[str], Any]) -> Self:
        """Lead to the server all tests share."""
        server = ask("sshd")
        return cls(ask("tmp_path"), server, ask("proxied")(server.port))

    @property
    def inbox(self) -> Path:
        """A folder of this test's own."""
        return self._folder / "far"

    def options(self, **changes: Any) -> Options:
        """Lead through the relay, into the folder."""
        return self._server.options(**{"port": self.proxy.port, "directory": str(self.inbox), **changes})

    def reveal(self, secret: Any) -> bytes:
        """Read the key's file."""
        return reveal(secret)

    def wrong_secret(self) -> bytes:
        """Make another key."""
        return make_key(self._folder / "another_key").read_bytes()


class SftpToStandIn(Rig):
    """The stand-in for impact.com's side."""

    kind = "sftp"

    def __init__(self, server: SandboxSftp, proxy: Proxy) -> None:
        self._server, self.proxy = server, proxy

    @classmethod
    def made(cls, ask: Callable[[str], Any]) -> Self:
        """Start one."""
        server = ask("stand_in")()
        return cls(server, ask("proxied")(server.port))

    @property
    def inbox(self) -> Path:
        """Its root."""
        return self._server.storage.root

    def options(self, **changes: Any) -> Options:
        """Lead through the relay, into the folder."""
        wanted = {
            "host": "127.0.0.1",
            "port": self.proxy.port,
            "username": self._server.username,
            "password": {"env": "PASSWORD"},
            "host_keys": [self._server.host_key_line],
            "directory": "/",
        }
        return Options.model_validate({**wanted, **changes})

    def reveal(self, secret: Any) -> bytes:
        """Return the password."""
        return self._server.password.encode()

    def wrong_secret(self) -> bytes:
        """Return another password."""
        return b"another password"


class Mail(Rig):
    """What mail servers share: what they took is a mailbox, in which every mail has one file."""

    kind = "smtp"
    how = "accepted"
    can = frozenset({Able.WIRE})

    def __init__(self, server: Aiosmtpd | Postfix, proxy: Proxy, ca_file: Path) -> None:
        self.server, self.proxy, self._ca_file = server, proxy, ca_file

    def options(self, **changes: Any) -> Any:
        """Lead through the relay, to the one mailbox."""
        wanted = {
            "host": "127.0.0.1",
            "port": self.proxy.port,
            "ca_file": str(self._ca_file),
            "sender": "agent@example.net",
            "recipient": self.server.recipient,
            "body": "This is batch {{ batch }}.",
        }
        return kinds()["smtp"].model_validate({**wanted, **changes})

    def reveal(self, secret: Any) -> bytes:
        """Return nothing: nobody asks for a password."""
        return b""

    def seen(self) -> dict[str, bytes]:
        """Return the file of each mail; none may be there twice."""
        found: dict[str, bytes] = {}
        for mail in self.server.mails():
            (part,) = mail.iter_attachments()
            named = [one for one in mail.walk() if one.get_filename() is not None]
            assert named == [part]
            name = str(part.get_filename())
            assert name not in found, "the same mail arrived twice"
            found[name] = part.get_content()
        return found

    def hidden(self) -> list[str]:
        """Return nothing: what was not taken is nowhere."""
        return []


class SmtpToPostfix(Mail):
    """Debian's Postfix, which trusts by address."""

    @classmethod
    def made(cls, ask: Callable[[str], Any]) -> Self:
        """Lead to the server all tests share, its mailbox emptied."""
        server = ask("postfix")
        return cls(server, ask("proxied")(server.port), ask("authority").ca_file)


class SmtpToAiosmtpd(Mail):
    """aiosmtpd, with a login."""

    can = Mail.can | {Able.LOGIN}

    @classmethod
    def made(cls, ask: Callable[[str], Any]) -> Self:
        """Lead to one of this test's own."""
        server = ask("aiosmtpd")
        return cls(server, ask("proxied")(server.port), ask("authority").ca_file)

    def options(self, **changes: Any) -> Any:
        """Log in as well."""
        return super().options(**{"username": self.server.username, "password": {"env": "P"}, **changes})

    def reveal(self, secret: Any) -> bytes:
        """Return the password."""
        return self.server.password.encode()

    def wrong_secret(self) -> bytes:
        """Return another password."""
        return b"another password"


class FtpToServer(Rig):
    """What FTP servers share; the relay stands before the control connection, the other goes past it."""

    kind = "ftp"
    can = frozenset(Able) - {Able.TOGETHER}
    server: ClassVar[str]  # the fixture that is the server

    def __init__(self, folder: Path, server: FtpServer, proxy: Proxy) -> None:
        self._folder, self._server, self.proxy = folder, server, proxy
        self.inbox.mkdir()

    @classmethod
    def made(cls, ask: Callable[[str], Any]) -> Self:
        """Lead to the server all tests share."""
        server = ask(cls.server)
        return cls(ask("tmp_path"), server, ask("proxied")(server.port))

    @property
    def inbox(self) -> Path:
        """A folder of this test's own."""
        return self._folder / "far"

    def options(self, **changes: Any) -> Any:
        """Lead through the relay, into the folder."""
        return self._server.options(**{"port": self.proxy.port, "directory": str(self.inbox), **changes})

    def reveal(self, secret: Any) -> bytes:
        """Return the password."""
        return PASSWORD.encode()

    def wrong_secret(self) -> bytes:
        """Return another password."""
        return b"another password"


class FtpToVsftpd(FtpToServer):
    """vsftpd, which wants the TLS session again on the second connection."""

    server = "vsftpd"


class FtpToProFtpd(FtpToServer):
    """ProFTPD, which wants the same."""

    server = "proftpd"


class Folder(Rig):
    """A directory of this machine."""

    kind = "folder"
    can = frozenset({Able.LOOK, Able.SWEEP, Able.PART, Able.FOLDER})

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.inbox.mkdir()

    @classmethod
    def made(cls, ask: Callable[[str], Any]) -> Self:
        """Make one."""
        return cls(ask("tmp_path"))

    @property
    def inbox(self) -> Path:
        """A folder of this test's own."""
        return self._folder / "far"

    def options(self, **changes: Any) -> Any:
        """Lead into the folder."""
        return FolderOptions.model_validate({"directory": str(self.inbox), **changes})

    def reveal(self, secret: Any) -> bytes:
        """Nobody needs one here."""
        raise AssertionError(secret)


RIGS: tuple[type[Rig], ...] = (
    SftpToOpenSsh,
    SftpToStandIn,
    FtpToVsftpd,
    FtpToProFtpd,
    Folder,
    SmtpToPostfix,
    SmtpToAiosmtpd,
)
