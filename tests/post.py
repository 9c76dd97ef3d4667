"""A post for tests of the whole agent: a real Postfix between two real mailboxes, the far side's and ours.

The far side's is what impact.com reads its batches from; ours is where its answers come back. Both are Dovecot's, and
nothing gets into either but through Postfix.
"""

from __future__ import annotations

import email
import imaplib
import smtplib
import ssl
from contextlib import ExitStack
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid
from typing import TYPE_CHECKING, Any, Self

from tests.dovecot import PASSWORD, USER, Dovecot
from tests.mail_servers import Postfix
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.certificates import Authority
    from tests.running import Installation

IMPACT = "results@impact.com"
POSTMASTER = "mailer-daemon@relay.example.net"  # how Postfix calls itself when it sends a mail back
_MORE = """\
virtual_mailbox_domains = batch.example.com, example.net
virtual_mailbox_base = {base}
virtual_mailbox_maps = inline:{{ {{ far@batch.example.com = {far}/ }}, {{ {user} = {ours}/ }} }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_reject_unlisted_recipient = no
bounce_size_limit = 20000
"""


class Post:
    """The servers, running while it is entered. Mail for an unknown recipient is taken, and comes back later."""

    recipient = "far@batch.example.com"

    def __init__(self, authority: Authority) -> None:
        self.ca_file = authority.ca_file
        self.far, self.ours = Dovecot(authority), Dovecot(authority)
        owner = self.ours.mail.stat()
        more = _MORE.format(
            base=self.far.folder.parent,
            far=f"{self.far.folder.name}/mail",
            ours=f"{self.ours.folder.name}/mail",
            user=USER,
            uid=owner.st_uid,
            gid=owner.st_gid,
        )
        self.postfix = Postfix(authority, more=more)

    def destination(self, **changes: Any) -> dict[str, Any]:
        """Return the settings of a destination that is the far side's mailbox."""
        plain = {
            "type": "smtp",
            "host": "127.0.0.1",
            "port": self.postfix.port,
            "ca_file": str(self.ca_file),
            "sender": USER,
            "recipient": self.recipient,
            "retries": {"first": "200ms", "at_most": "1s"},
        }
        return {**plain, **changes}

    def source(self, installation: Installation, **changes: Any) -> dict[str, Any]:
        """Return the settings of a source that is our mailbox; its password is written beside them."""
        secret = installation.config / "imap"
        secret.touch(mode=0o600)
        secret.write_text(PASSWORD)
        plain = {
            "type": "mailbox",
            "host": "127.0.0.1",
            "port": self.ours.tls_port,
            "ca_file": str(self.ca_file),
            "username": USER,
            "password": {"file": "imap"},
            "senders": ["*@impact.com", POSTMASTER],
            "poll": "200ms",
        }
        return {**plain, **changes}

    def arrived(self) -> dict[str, bytes]:
        """Return the one attachment of each mail at the far side, by its name, as IMAP hands it out."""
        found: dict[str, bytes] = {}
        for mail in _fetched(self.far):
            (part,) = mail.iter_attachments()
            name = str(part.get_filename())
            assert name not in found, "the same batch came twice"
            found[name] = part.get_content()
        return found

    def wait_for(self, count: int) -> dict[str, bytes]:
        """Wait until so many batches are at the far side; return what is there."""
        wait_until(lambda: _delivered(self.far) >= count, f"{count} mails to be delivered", 30)
        return self.arrived()

    def answer(self, files: Mapping[str, bytes], *, sender: str = IMPACT, subject: str = "Result") -> None:
        """Send a mail with files to our mailbox; it is there when this returns."""
        mail = letter(files, sender=sender, subject=subject)
        self.send(mail.as_bytes(), sender)

    def send(self, mail: bytes, sender: str = IMPACT) -> None:
        """Send a mail as it is to our mailbox; it is there when this returns."""
        before = _delivered(self.ours)
        with smtplib.SMTP("127.0.0.1", self.postfix.port) as line:
            line.sendmail(sender, [USER], mail)
        wait_until(lambda: _delivered(self.ours) > before, "Postfix to deliver the answer", 30)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for server in (self.far, self.ours, self.postfix):
                stack.enter_context(server)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def letter(files: Mapping[str, bytes], *, sender: str = IMPACT, subject: str = "Result") -> EmailMessage:
    """Write a mail to us with files."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, USER, subject
    mail["Date"], mail["Message-ID"] = format_datetime(localtime()), make_msgid(domain="impact.com")
    mail.set_content("See the attachment.\n")
    for name, content in files.items():
        mail.add_attachment(content, maintype="text", subtype="csv", filename=name)
    return mail


def _delivered(server: Dovecot) -> int:
    return sum(1 for folder in ("new", "cur") for _ in (server.mail / folder).iterdir())


def _fetched(server: Dovecot) -> list[EmailMessage]:
    context = ssl.create_default_context(cafile=str(server.ca_file))
    with imaplib.IMAP4_SSL("127.0.0.1", server.tls_port, ssl_context=context) as line:
        line.login(USER, PASSWORD)
        line.select("INBOX", readonly=True)
        _, (numbers,) = line.search(None, "ALL")
        found = [line.fetch(number.decode(), "(BODY.PEEK[])")[1][0][1] for number in numbers.split()]
    return [email.message_from_bytes(one, policy=policy.default) for one in found]  # type: ignore[misc]
