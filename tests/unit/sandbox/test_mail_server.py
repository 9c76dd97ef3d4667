"""The stand-in's mail server takes one batch by mail as impact.com would, from whoever may log in."""

from __future__ import annotations

import contextlib
import hashlib
import smtplib
import socket
from email import message_from_bytes
from email.message import EmailMessage

import pytest

BATCH = b"Oid,Amount\r\n.A-1,0\r\n\xff\xc3\xa9\r\n"


def _letter(*attached, body="See the file."):
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "a batch", "agent@shop.invalid", "batch@impact.invalid"
    mail.set_content(body)
    for name, content in attached:
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail


@contextlib.contextmanager
def _client(server, context, password=None):
    with smtplib.SMTP("127.0.0.1", server.port, local_hostname="localhost", timeout=20) as sending:
        sending.starttls(context=context)
        sending.login(server.username, server.password if password is None else password)
        yield sending


def test_takes_the_attachment_byte_for_byte(mail_server, trusting):
    """The one attachment that matches lies in the folder and is told; the mail is kept whole."""
    server = mail_server()
    with _client(server, trusting) as sending:
        sending.send_message(_letter(("a.csv", BATCH)), to_addrs=[server.recipient])
    (one,) = server.accepted
    assert (one.name, one.size, one.sha256) == ("a.csv", len(BATCH), hashlib.sha256(BATCH).hexdigest())
    assert [path.name for path in server.root.iterdir()] == ["a.csv"]
    assert server.content(one) == BATCH
    (mail,) = map(message_from_bytes, server.mails)
    assert mail["Subject"] == "a batch"
    assert [part.get_filename() for part in mail.walk()] == [None, None, "a.csv"]


@pytest.mark.parametrize(
    "names",
    [
        ("a.csv", "b.csv"),
        (),
        ("a.txt",),
        ("../a.csv",),
        (".a.csv",),
        ("receipt_a.csv",),
        ("result_a.csv",),
    ],
)
def test_refuses_what_is_not_one_batch(mail_server, trusting, names):
    """Two files that match, none, a name that leads away or is reserved: a definite no, nothing in the folder."""
    server = mail_server()
    with _client(server, trusting) as sending, pytest.raises(smtplib.SMTPDataError) as refused:
        sending.send_message(_letter(*((name, BATCH) for name in names)), to_addrs=[server.recipient])
    assert refused.value.smtp_code == 554
    assert (server.accepted, list(server.root.iterdir()), len(server.mails)) == ([], [], 1)


def test_the_pattern_chooses(mail_server, trusting):
    """Besides the batch there may be other files."""
    server = mail_server(pattern="batch_*.csv")
    with _client(server, trusting) as sending:
        sending.send_message(
            _letter(("logo.png", b"png"), ("batch_1.csv", BATCH)), to_addrs=[server.recipient]
        )
    assert [one.name for one in server.accepted] == ["batch_1.csv"]


def test_a_name_that_comes_again_hides_nothing(mail_server, trusting):
    """Both files are kept and told."""
    server = mail_server()
    with _client(server, trusting) as sending:
        for content in (b"first", b"second"):
            sending.send_message(_letter(("a.csv", content)), to_addrs=[server.recipient])
    assert [server.content(one) for one in server.accepted] == [b"first", b"second"]


def test_nothing_goes_without_protection_and_login(mail_server, trusting):
    """Before STARTTLS and before the login no mail begins; a wrong password is refused."""
    server = mail_server()
    with smtplib.SMTP("127.0.0.1", server.port, local_hostname="localhost", timeout=20) as sending:
        assert sending.ehlo()[0] == 250
        assert "auth" not in sending.esmtp_features
        assert sending.mail("agent@shop.invalid") == (530, b"Must issue a STARTTLS command first")
        sending.starttls(context=trusting)
        assert sending.ehlo()[0] == 250
        assert sending.mail("agent@shop.invalid")[0] == 530
    with pytest.raises(smtplib.SMTPAuthenticationError), _client(server, trusting, "wrong"):
        pass
    assert server.mails == []


def test_other_recipients_are_refused(mail_server, trusting):
    """It takes mail for its one address."""
    server = mail_server()
    with _client(server, trusting) as sending, pytest.raises(smtplib.SMTPRecipientsRefused):
        sending.send_message(_letter(("a.csv", BATCH)), to_addrs=["other@impact.invalid"])
    assert server.mails == []


def test_a_mail_too_large_is_refused(mail_server, trusting):
    """Its size limit is told and kept."""
    server = mail_server(limit=1000)
    with _client(server, trusting) as sending:
        assert sending.ehlo_resp is not None
        assert sending.esmtp_features["size"] == "1000"
        with pytest.raises(smtplib.SMTPSenderRefused):
            sending.send_message(_letter(("a.csv", b"x" * 1000)), to_addrs=[server.recipient])
    assert server.accepted == []


def test_listens_on_loopback_and_lets_go(mail_server, trusting):
    """No other machine reaches it; after the end nobody answers, and whoever is connected is cut off."""
    server = mail_server()
    assert server._listener.getsockname()[0] == "127.0.0.1"
    with _client(server, trusting) as connected:
        server.__exit__()
        with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
            connected.noop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), timeout=1)
