"""Real mail servers for tests, on loopback: Debian's Postfix and aiosmtpd; what they take lands in a folder.

Nothing here is skipped: where a program is missing, the test that needs it fails and says which.
"""

from __future__ import annotations

import email
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from email import policy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    import ssl
    from email.message import EmailMessage

    from tests.certificates import Authority

_POSTFIX = shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or "postfix"
_ANYBODY = "nobody"  # who the mails belong to
_MAIN = """\
compatibility_level = 3.6
queue_directory = {top}/queue
data_directory = {top}/state
maillog_file = {top}/log
maillog_file_prefixes = {top}
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
myhostname = relay.example.net
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
local_transport = error:nothing is local
default_transport = error:nothing goes outside
virtual_mailbox_domains = batch.example.com
virtual_mailbox_base = {top}/boxes
virtual_mailbox_maps = inline:{{ {{ far@batch.example.com = far/ }}, {{ other@batch.example.com = other/ }} }}
virtual_mailbox_limit = 0
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{group}
virtual_minimum_uid = 1
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
message_size_limit = {limit}
{more}
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - 100 smtpd
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
proxymap  unix - - n - - proxymap
error     unix - - n - - error
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A Postfix of our own: takes mail from loopback for `recipient`, delivers into a Maildir, sends none on.

    It needs root, as Postfix does. Its folder is not the test's: the parts of Postfix that run as somebody else
    must get there.

    Args:
        authority: makes its certificate.
        limit: bytes of the largest mail it takes.
        more: further lines of main.cf.
    """

    recipient = "far@batch.example.com"

    def __init__(self, authority: Authority, *, limit: int = 200_000_000, more: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="postfix-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.log = self.folder / "log"
        self.queue = self.folder / "queue"
        owner = pwd.getpwnam(_ANYBODY)
        for name in ("conf", "queue", "state", "boxes"):
            (self.folder / name).mkdir(mode=0o755)
        os.chown(self.folder / "boxes", owner.pw_uid, owner.pw_gid)
        shutil.chown(self.folder / "state", "postfix")
        certificate, key = authority.pair()
        shutil.copy(certificate, self.folder / "conf" / "certificate.pem")
        shutil.copy(key, self.folder / "conf" / "key.pem")
        main = _MAIN.format(
            top=self.folder,
            user=owner.pw_uid,
            group=owner.pw_gid,
            certificate=self.folder / "conf" / "certificate.pem",
            key=self.folder / "conf" / "key.pem",
            limit=limit,
            more=more,
        )
        (self.folder / "conf" / "main.cf").write_text(main)
        (self.folder / "conf" / "master.cf").write_text(_MASTER.format(port=self.port))

    @property
    def maildir(self) -> Path:
        """The recipient's Maildir, made with the first mail."""
        return self.folder / "boxes" / "far"

    def mails(self) -> list[EmailMessage]:
        """Return what was delivered, oldest first, as soon as nothing that was taken is still under way."""
        wait_until(lambda: not self._taken(), "Postfix to deliver what it took")
        return [_read(path) for path in sorted((self.maildir / "new").glob("*"), key=_age)]

    def forget(self) -> None:
        """Empty the Maildir."""
        shutil.rmtree(self.maildir, ignore_errors=True)

    def _taken(self) -> list[Path]:
        """Return what is in the queue; what has not been taken yet may not be executed (cleanup's mark)."""
        queues = [self.queue / name for name in ("incoming", "active", "deferred")]
        files = [path for queue in queues for path in queue.rglob("*") if path.is_file()]
        return [path for path in files if _marked(path)]

    def __enter__(self) -> Self:
        conf = str(self.folder / "conf")
        self._process = subprocess.Popen(
            [_POSTFIX, "-c", conf, "start-fg"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        ready = "daemon started"
        wait_until(lambda: self._process.poll() is not None or ready in self._said(), "Postfix to start", 30)
        assert self._process.poll() is None, self._said()
        return self

    def __exit__(self, *_: object) -> None:
        master = int((self.queue / "pid" / "master.pid").read_text())
        os.kill(master, signal.SIGTERM)  # ends all it started; the shell script before it ends with it
        self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)  # one of those may just be writing

    def _said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


def _marked(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & 0o100)
    except FileNotFoundError:
        return False


def _age(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name


def _read(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=policy.default)  # type: ignore[return-value]


class Aiosmtpd:
    """aiosmtpd with STARTTLS and a login; keeps each mail it takes, as bytes, in `taken`.

    Args:
        context: its certificate; None: it offers no STARTTLS and no login.
        username: the one who may log in.
        password: of that one.
        how: further arguments of aiosmtpd's `SMTP`.
    """

    recipient = "far@batch.example.com"

    def __init__(
        self,
        context: ssl.SSLContext | None,
        *,
        username: str = "agent@example.net",
        password: str = "correct horse",  # noqa: S107 - of a test
        **how: Any,
    ) -> None:
        self.username, self.password = username, password
        self.taken: list[bytes] = []
        self.logins: list[tuple[str, bool]] = []  # who tried, and whether it was let in
        if context is not None:
            how |= {"tls_context": context, "require_starttls": True, "authenticator": self._authenticate}
            how |= {"auth_required": True}
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port(), **how)
        self.port = int(self._controller.port)

    def mails(self) -> list[EmailMessage]:
        """Return what was taken, oldest first."""
        return [email.message_from_bytes(one, policy=policy.default) for one in self.taken]  # type: ignore[misc]

    def forget(self) -> None:
        """Forget what was taken."""
        self.taken.clear()

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail."""
        self.taken.append(envelope.content)
        return f"250 OK, kept as number {len(self.taken)}"

    def _authenticate(
        self, server: SMTP, session: Any, envelope: Any, mechanism: str, given: Any
    ) -> AuthResult:
        right = (given.login, given.password) == (self.username.encode(), self.password.encode())
        self.logins.append((given.login.decode(), right))
        return AuthResult(success=right, handled=False)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()
