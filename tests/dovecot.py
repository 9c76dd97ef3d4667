"""A real Dovecot on loopback with one mailbox, for tests; needs root, as Dovecot does.

Messages are put in as files of its Maildir, the way a delivery agent does it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.certificates import Authority

USER, PASSWORD = "answers@example.net", "imap hunter2"
_DOVECOT = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "dovecot"
_MAIL_USER = "mail"  # Dovecot lets nobody read mail as root
_CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
auth_verbose = yes
auth_failure_delay = 0
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
auth_mechanisms = plain login
mail_location = maildir:{folder}/mail
mail_fsync = never
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
namespace {{
  inbox = yes
  separator = /
  mailbox Seen {{
    auto = create
  }}
}}
first_valid_uid = 1
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  client_limit = 100
}}
{more}
"""


class Dovecot:
    """The server, running while it is entered.

    Args:
        authority: who vouches for its certificate.
        host: whose certificate it shows.
        more: further lines of its settings.
    """

    def __init__(self, authority: Authority, *, host: str = "127.0.0.1", more: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.folder.chmod(0o755)
        self.port, self.tls_port = free_port(), free_port()
        self.log = self.folder / "dovecot.log"
        self.mail = self.folder / "mail"
        self._owner = pwd.getpwnam(_MAIL_USER)
        self._numbers = itertools.count(1)
        made = authority.certificate(host)
        (self.folder / "password").write_text(f"{PASSWORD}\n")
        (self.folder / "users").write_text(f"{USER}:{PASSWORD}\n")
        for name in ("mail", "mail/new", "mail/cur", "mail/tmp", "home"):
            (self.folder / name).mkdir()
            os.chown(self.folder / name, self._owner.pw_uid, self._owner.pw_gid)
        values = {"uid": self._owner.pw_uid, "gid": self._owner.pw_gid, "more": more}
        (self.folder / "dovecot.conf").write_text(
            _CONFIG.format(
                folder=self.folder,
                certificate=made.certificate,
                key=made.key,
                port=self.port,
                tls_port=self.tls_port,
                **values,
            )
        )
        self.ca_file = authority.ca_file

    def options(self, **changes: Any) -> Any:
        """Return settings that reach this server."""
        from agent.acks.mailbox import Options  # noqa: PLC0415 - loads what only its users need

        plain = {
            "host": "127.0.0.1",
            "port": self.tls_port,
            "username": USER,
            "password": {"file": str(self.folder / "password")},
            "ca_file": str(self.ca_file),
            "connect_timeout": "20s",
            "idle_timeout": "20s",
        }
        return Options.model_validate({**plain, **changes})

    def put(self, content: bytes) -> Path:
        """Deliver one message."""
        number = next(self._numbers)
        path = self.mail / "tmp" / f"{1_700_000_000 + number}.{number}.test"
        path.write_bytes(content)
        os.chown(path, self._owner.pw_uid, self._owner.pw_gid)
        return path.rename(self.mail / "new" / path.name)

    def put_all(self, contents: Iterable[bytes]) -> None:
        """Deliver several, in their order."""
        for content in contents:
            self.put(content)

    def forget_numbers(self) -> None:
        """Make the server count anew: another UIDVALIDITY, and every message under another number."""
        for path in self.mail.glob("dovecot*"):
            path.unlink()

    def flags(self, folder: str = "") -> list[str]:
        """Return the flags of the messages in a folder, as its files have them."""
        place = self.mail / f".{folder}" if folder else self.mail
        files = [*(place / "cur").iterdir(), *(place / "new").iterdir()]
        return sorted(path.name.rpartition(":2,")[2] if ":2," in path.name else "" for path in files)

    def __enter__(self) -> Self:
        command = [_DOVECOT, "-F", "-c", str(self.folder / "dovecot.conf")]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        wait_until(lambda: _listening(self.tls_port) or self._process.poll() is not None, "dovecot to listen")
        assert self._process.poll() is None, self.log.read_text() if self.log.exists() else "it ended at once"
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)  # politely it waits for connections that are stuck
        self._process.wait()
        shutil.rmtree(self.folder)


def _listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
