"""Real FTP servers for tests, on loopback: vsftpd and ProFTPD, each under TLS and asking for its session again.

They run as whoever runs the tests, with one login of their own that no system file knows. Nothing here is
skipped: where a program is missing, the test that needs it fails and says which.
"""

from __future__ import annotations

import contextlib
import grp
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from agent.channels.ftp import Channel, Options
from tests.certificates import Authority
from tests.servers import descendants, free_port, listening, user_name, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.certificates import Certificate

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_UNPACKED = Path(__file__).resolve().parents[1] / ".venv" / "servers" / "proftpd"  # by tests/setup.sh
_MODULES = Path("/usr/lib/proftpd")  # where the package has them
PASSWORD = "canary-4711-of-the-ftp-login"
# Of PASSWORD, as crypt(3) writes it: Python's own crypt module is gone in 3.13.
_CRYPTED = "$6$oHbZmIcUxfhpPUJH$85aKbXZbFxyGI7A.CRSIelROa1hpTKZbebSQ6Y/VYYpkvC3Z4BY.2vtfmKxXXgROc/de80VgiYaYFoDRALLkg0"
_VSFTPD = """\
listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
run_as_launching_user=YES
anonymous_enable=YES
secure_email_list_enable=YES
email_password_file={folder}/passwords
ftp_username={user}
anon_root={folder}/inbox
secure_chroot_dir={folder}/empty
allow_writeable_chroot=YES
write_enable=YES
anon_upload_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
max_login_fails=10
delay_failed_login=0
vsftpd_log_file={folder}/log
xferlog_enable=YES
ssl_enable={tls}
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
require_ssl_reuse=YES
ssl_ciphers=HIGH
implicit_ssl={implicit}
rsa_cert_file={certificate.certificate}
rsa_private_key_file={certificate.key}
{more}
"""
_PROFTPD = """\
ServerName test
ServerType standalone
ModulePath {modules}
LoadModule mod_tls.c
DefaultAddress 127.0.0.1
Port {port}
UseIPv6 off
UseReverseDNS off
User {user}
Group {group}
RootLogin on
RequireValidShell off
AuthOrder mod_auth_file.c
AuthUserFile {folder}/passwords
DefaultRoot /
PidFile {folder}/pid
ScoreboardFile none
DelayEngine off
WtmpLog off
TransferLog none
SystemLog {folder}/log
AllowOverwrite on
MaxLoginAttempts 10
TLSEngine {tls}
TLSLog {folder}/tls.log
TLSProtocol TLSv1.2 TLSv1.3
TLSRequired on
TLSECCertificateFile {certificate.certificate}
TLSECCertificateKeyFile {certificate.key}
{more}
"""


class FtpServer:
    """One FTP server with one login; files land in `inbox`.

    Args:
        folder: a private folder for settings and log.
        certificate: the server's; default: a good one.
        security: as in the channel's settings.
        more: further lines of its settings.
    """

    username: ClassVar[str]

    def __init__(
        self,
        folder: Path,
        *,
        certificate: Certificate | None = None,
        security: str = "starttls",
        more: str = "",
    ) -> None:
        self.folder, self.security = folder, security
        self.inbox = folder / "inbox"
        self.inbox.mkdir(parents=True)
        (folder / "empty").mkdir()
        self.port = free_port()
        self.log = folder / "log"
        authority = Authority(folder / "certificates")
        self.ca_file = authority.ca_file
        self._certificate = certificate or authority.certificate()
        private(folder / "password", PASSWORD)
        self._prepare(more)

    def reached(self) -> dict[str, Any]:
        """Return the settings of a destination that reach this server, as they stand in agent.yaml."""
        plain = self.security == "none"
        protected = {"allow_plain_ftp": True} if plain else {"ca_file": str(self.ca_file)}
        return {
            "type": "ftp",
            "host": "127.0.0.1",
            "port": self.port,
            "username": self.username,
            "password": {"file": str(self.folder / "password")},
            "security": self.security,
            "directory": str(self.inbox),
            **protected,
        }

    def options(self, **changes: Any) -> Options:
        """Return settings that reach this server."""
        return Options.model_validate(
            {**self.reached(), "connect_timeout": "20s", "idle_timeout": "20s", **changes}
        )

    def channel(self, **changes: Any) -> Channel:
        """Return a channel to this server."""
        return Channel(self.options(**changes), lambda _: PASSWORD.encode())

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the processes that serve connections; let them go on afterwards."""
        stopped = descendants(self._process.pid)
        self._signal(stopped, signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(stopped, signal.SIGCONT)

    def kill_sessions(self) -> None:
        """Kill the processes that serve connections, not the server."""
        self._signal(descendants(self._process.pid), signal.SIGKILL)

    def _prepare(self, more: str) -> None:
        """Write its settings."""
        raise NotImplementedError

    def _command(self) -> list[str]:
        """Return how it is started."""
        raise NotImplementedError

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

    @staticmethod
    def _signal(processes: list[int], sign: signal.Signals) -> None:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, sign)

    def __enter__(self) -> Self:
        with (self.folder / "said").open("wb") as said:
            self._process = subprocess.Popen(
                self._command(), env=self._environment(), stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
        wait_until(
            lambda: listening(self.port) or self._process.poll() is not None,
            f"{self._command()[0]} to listen",
        )
        assert self._process.poll() is None, (self.folder / "said").read_text()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_sessions()
        self._process.kill()
        self._process.wait()


class Vsftpd(FtpServer):
    """vsftpd; its one login is the anonymous one, with a password it knows."""

    username = "anonymous"

    def _prepare(self, more: str) -> None:
        private(self.folder / "passwords", f"{PASSWORD}\n")
        text = _VSFTPD.format(
            port=self.port,
            folder=self.folder,
            user=user_name(),
            tls=_yes(on=self.security != "none"),
            implicit=_yes(on=self.security == "tls"),
            certificate=self._certificate,
            more=more,
        )
        private(self.folder / "settings", text)

    def _command(self) -> list[str]:
        return [shutil.which("vsftpd", path=_PATH) or "vsftpd", str(self.folder / "settings")]


class ProFtpd(FtpServer):
    """ProFTPD with mod_tls; its one login is in a file of its own."""

    username = "agent"

    def _prepare(self, more: str) -> None:
        user, group = os.geteuid(), os.getegid()
        line = f"{self.username}:{_CRYPTED}:{user}:{group}::{self.inbox}:/bin/sh\n"
        private(self.folder / "passwords", line)
        text = _PROFTPD.format(
            modules=_modules(),
            port=self.port,
            folder=self.folder,
            user=user_name(),
            group=group_name(),
            tls="off" if self.security == "none" else "on",
            certificate=self._certificate,
            more=more,
        )
        private(self.folder / "settings", text)

    def _command(self) -> list[str]:
        unpacked = _UNPACKED / "usr" / "sbin" / "proftpd"
        program = str(unpacked) if unpacked.exists() else shutil.which("proftpd", path=_PATH) or "proftpd"
        return [program, "-n", "-c", str(self.folder / "settings")]

    def _environment(self) -> dict[str, str]:
        libraries = ":".join(map(str, (_UNPACKED / "usr" / "lib").glob("*-linux-*")))
        return {**os.environ, "LD_LIBRARY_PATH": libraries} if libraries else dict(os.environ)


def _modules() -> Path:
    unpacked = _UNPACKED / "usr" / "lib" / "proftpd"
    return unpacked if unpacked.exists() else _MODULES


def private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_text(text)


def group_name() -> str:
    """Return the group of whoever runs the tests."""
    return grp.getgrgid(os.getegid()).gr_name


def _yes(*, on: bool) -> str:
    return "YES" if on else "NO"
