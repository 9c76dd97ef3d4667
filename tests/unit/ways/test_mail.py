"""The mail way against real servers: what arrives, with which marks, and how it fails."""

from __future__ import annotations

import pytest

from agent.acks.reading import read
from agent.ways.base import WayError
from agent.ways.mail import Options, Way
from tests.servers import free_port

SENDER = "agent@example.net"
PASSWORD = "correct horse"
REPORT = b"<!doctype html><p>CANARY-7731</p>"


@pytest.fixture
def way_to(authority):
    """Make the way to a relay; options are given by name."""
    made = []

    def make(port, given=PASSWORD, **options):
        plain = {
            "type": "mail",
            "host": "127.0.0.1",
            "port": str(port),
            "ca_file": str(authority.ca_file),
            "sender": SENDER,
            "operators": ["ops@example.net"],
        }
        made.append(Way(Options.model_validate({**plain, **options}), lambda _: given.encode()))
        return made[-1]

    yield make
    for way in made:
        way.close()


def login(server):
    """Return the options of a login."""
    return {"username": server.username, "password": {"env": "P"}}


def test_a_notice_arrives_through_a_real_mail_server(postfix, way_to, bulletin):
    """Subject and text as written, the report attached as it is, and the marks of a machine's mail."""
    way_to(postfix.port).send(bulletin(REPORT))
    (mail,) = postfix.mails()
    assert mail["Subject"] == "Nothing was sent — refunds.csv"
    assert mail["From"] == SENDER
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Impact-Agent"] == "notice"
    assert mail["Message-ID"] == f"<notice.{'0a' * 16}@example.net>"
    body, report = mail.iter_parts()
    assert body.get_content().replace("\r\n", "\n") == bulletin().text
    assert (report.get_filename(), report.get_content_type()) == ("report-a.html", "text/html")
    assert report.get_payload(decode=True) == REPORT


def test_a_mail_without_report_has_none(aiosmtpd, way_to, bulletin):
    """One part, no file."""
    way_to(aiosmtpd.port, **login(aiosmtpd)).send(bulletin())
    (mail,) = aiosmtpd.mails()
    assert list(mail.iter_attachments()) == []
    assert aiosmtpd.logins == [(aiosmtpd.username, True)]


def test_a_notice_that_comes_back_is_no_answer(aiosmtpd, way_to, bulletin):
    """In the mailbox for answers, as a bounce of it or as a reply to it, it says nothing about any batch."""
    batch = "shop_20270115_abcdefghijklmnopqrst.csv"
    text = f"Look in impact.com whether {batch} was received.\nFile: {batch}\nStatus: processed\nErrors: 0\n"
    way_to(aiosmtpd.port, **login(aiosmtpd)).send(bulletin(text=text, subject=f"Held — {batch}"))
    (taken,) = aiosmtpd.taken
    name = f"<notice.{'0a' * 16}@example.net>"
    reply = (
        f"From: ann@example.net\r\nSubject: Re: Held\r\nIn-Reply-To: {name}\r\n\r\n> File: {batch}\r\n"
    ).encode()
    bounce = (
        b"From: MAILER-DAEMON@example.net\r\nSubject: Undelivered\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        b"Final-Recipient: rfc822; ann@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + taken + b"\r\n--b--\r\n"
    )
    for content in (taken, reply, bounce):
        (answer,) = read("mail", "", content)
        assert (answer.stage, answer.names, answer.message_ids) == ("unclear", (), ())
        assert "has written itself" in answer.remark


@pytest.mark.parametrize("at", ["login", "nobody there"])
def test_what_fails_is_said_without_the_secret(at, aiosmtpd, way_to, bulletin):
    """A refused login, no server: words for the log."""
    port = free_port() if at == "nobody there" else aiosmtpd.port
    given = "SECRET-WRONG" if at == "login" else PASSWORD
    with pytest.raises(WayError) as caught:
        way_to(port, given=given, **login(aiosmtpd)).send(bulletin())
    assert "SECRET" not in str(caught.value)
    assert aiosmtpd.taken == []


def test_a_mail_goes_to_all_addressees_or_to_none(postfix, way_to, bulletin):
    """One that the server does not know is said; the other gets nothing, and everything once that is mended."""
    way = way_to(postfix.port)
    with pytest.raises(WayError, match=r"refused the recipient nobody@batch\.example\.com"):
        way.send(bulletin(addressees=(postfix.recipient, "nobody@batch.example.com")))
    assert postfix.mails() == []
    way.send(bulletin(addressees=(postfix.recipient,)))
    assert len(postfix.mails()) == 1


def test_a_line_that_was_lost_is_made_anew(aiosmtpd, way_to, bulletin):
    """The connection is kept between notices; when it is dead, another is made."""
    way = way_to(aiosmtpd.port, **login(aiosmtpd))
    way.send(bulletin())
    way.close()
    way.send(bulletin())
    assert len(aiosmtpd.taken) == 2
