"""The stand-in's mailbox, asked by the clients there are: imaplib, imap-tools."""

from __future__ import annotations

import contextlib
import imaplib
import socket
import ssl
from datetime import UTC, datetime

import imap_tools
import pytest

from agent.sandbox.imap_words import BadCommandError, Mail, atoms, internal_date, numbers, quoted, searched

NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC).timestamp()
FIRST = b"Subject: first\r\nFrom: a@impact.invalid\r\n\r\n(one)\r\n* 9 EXISTS\r\n"
SECOND = b"Subject: second\r\n\r\n{3}\r\ntwo \xff\r\n"


@contextlib.contextmanager
def _logged_in(server, context):
    client = imaplib.IMAP4_SSL("127.0.0.1", server.port, ssl_context=context, timeout=20)
    try:
        client.login(server.username, server.password)
        yield client
    finally:
        client.logout()


@pytest.fixture
def filled(mailbox):
    """A mailbox with two mails."""
    mailbox.put(FIRST, at=NOON)
    mailbox.put(SECOND, at=NOON + 86400)
    return mailbox


def test_imaplib_finds_and_fetches(filled, trusting):
    """Sizes, dates, UIDs and the mails themselves come as they were put in."""
    with _logged_in(filled, trusting) as client:
        assert client.select("INBOX", readonly=True) == ("OK", [b"2"])
        assert client.untagged_responses["UIDVALIDITY"] == [str(filled.validity).encode()]
        assert client.uid("SEARCH", "UID", "2:*") == ("OK", [b"2"])
        told = client.uid("FETCH", "1:*", "(UID RFC822.SIZE INTERNALDATE)")[1]
        assert told == [
            b'1 (UID 1 RFC822.SIZE 61 INTERNALDATE " 9-Mar-2026 12:00:00 +0000")',
            b'2 (UID 2 RFC822.SIZE 31 INTERNALDATE "10-Mar-2026 12:00:00 +0000")',
        ]
        fetched = client.uid("FETCH", "1,2", "(BODY.PEEK[])")[1]
        assert [part[1] for part in fetched[::2]] == [FIRST, SECOND]
        assert client.noop()[0] == "OK"


def test_imap_tools_finds_and_fetches(filled, trusting):
    """One by one and many at once, without marking anything."""
    with imap_tools.MailBox("127.0.0.1", filled.port, 20, ssl_context=trusting).login(
        filled.username, filled.password
    ) as box:
        box.folder.set("INBOX", readonly=True)
        for bulk in (False, True):
            found = list(box.fetch("ALL", mark_seen=False, bulk=bulk))
            assert [(mail.uid, mail.subject, mail.flags) for mail in found] == [
                ("1", "first", ()),
                ("2", "second", ()),
            ]
        assert box.uids(imap_tools.AND(date_gte=datetime(2026, 3, 10, tzinfo=UTC).date())) == ["2"]
        assert [folder.name for folder in box.folder.list()] == ["INBOX"]


def test_only_reading_for_changes_marks_as_seen(filled, trusting):
    """PEEK and a read-only mailbox leave a mail unseen."""
    with _logged_in(filled, trusting) as client:
        client.select("INBOX", readonly=True)
        client.uid("FETCH", "1", "(BODY[])")
        client.select("INBOX")
        client.uid("FETCH", "1", "(BODY.PEEK[])")
        assert client.uid("SEARCH", "UNSEEN") == ("OK", [b"1 2"])
        client.uid("FETCH", "1", "(BODY[])")
        assert client.uid("SEARCH", "UNSEEN") == ("OK", [b"2"])
        assert client.uid("SEARCH", "SEEN") == ("OK", [b"1"])


def test_parts_of_a_mail(filled, trusting):
    """The head, the text, a piece from the middle."""
    with _logged_in(filled, trusting) as client:
        client.select("INBOX", readonly=True)
        head, text = FIRST.split(b"\r\n\r\n")
        for item, wanted in (
            ("BODY.PEEK[HEADER]", head + b"\r\n\r\n"),
            ("BODY.PEEK[TEXT]", text),
            ("BODY.PEEK[]<9.5>", b"first"),
            ("RFC822.HEADER", head + b"\r\n\r\n"),
            ("RFC822", FIRST),
        ):
            assert client.fetch("1", f"({item})")[1][0][1] == wanted


def test_new_mail_shows(filled, trusting):
    """What is put in while a client is connected is there at the next question."""
    with _logged_in(filled, trusting) as client:
        client.select("INBOX", readonly=True)
        assert filled.put(FIRST) == 3
        client.noop()
        assert client.response("EXISTS")[1][-1] == b"3"
        assert client.uid("SEARCH", "UID", "3:*") == ("OK", [b"3"])


def test_who_may_come_in(mailbox, trusting):
    """Another password is refused, and nothing is told before the login; no client trusts it unasked."""
    with imaplib.IMAP4_SSL("127.0.0.1", mailbox.port, ssl_context=trusting, timeout=20) as client:
        with pytest.raises(imaplib.IMAP4.error, match="not this login"):
            client.login(mailbox.username, "wrong")
        client.state = "AUTH"  # what the client believes
        with pytest.raises(imaplib.IMAP4.error, match="EXAMINE cannot come yet"):
            client.select("INBOX", readonly=True)
    with pytest.raises(ssl.SSLCertVerificationError):
        imaplib.IMAP4_SSL("127.0.0.1", mailbox.port, ssl_context=ssl.create_default_context(), timeout=20)


def test_literals_and_strange_commands(mailbox, trusting):
    """A literal is asked for and read as one word; what is not understood gets its tagged answer."""
    said = [
        (b"a LOGIN {%d}\r\n" % len(mailbox.username), b"+ go on"),
        (mailbox.username.encode() + b" {%d+}\r\n" % len(mailbox.password), None),
        (mailbox.password.encode() + b"\r\n", b"a OK done"),
        (b"b EXAMINE Archive\r\n", b"b NO [NONEXISTENT] there is no such mailbox"),
        (b"c UID FETCH 1 BODY.PEEK[]\r\n", b"c BAD UID FETCH cannot come yet"),
        (b"d FROBNICATE\r\n", b"d BAD FROBNICATE is not understood here"),
        (b"e\r\n", b"e BAD  is not understood here"),
        (b"f LOGOUT\r\n", b"* BYE until next time"),
    ]
    with (
        socket.create_connection(("127.0.0.1", mailbox.port), timeout=20) as plain,
        trusting.wrap_socket(plain, server_hostname="127.0.0.1") as sock,
        sock.makefile("rb") as lines,
    ):
        assert lines.readline().startswith(b"* OK [CAPABILITY IMAP4rev1")
        for asked, answered in said:
            sock.sendall(asked)
            if answered is not None:
                assert lines.readline().rstrip() == answered
        assert lines.readline() == b"f OK done\r\n"
        assert lines.readline() == b""


def test_listens_on_loopback_and_lets_go(mailbox, trusting):
    """No other machine reaches it; after the end nobody answers."""
    assert mailbox._listener.address[0] == "127.0.0.1"
    client = imaplib.IMAP4_SSL("127.0.0.1", mailbox.port, ssl_context=trusting, timeout=20)
    mailbox.__exit__()
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        client.noop()
    with contextlib.suppress(OSError):
        client.shutdown()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", mailbox.port), timeout=1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('LOGIN "a \\"b\\\\" c', ["LOGIN", 'a "b\\', "c"]),
        ("FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (A B)])", None),
        ('SEARCH ""', ["SEARCH", ""]),
        ("", []),
    ],
)
def test_commands_are_parted(text, words):
    """Quoted words lose their quotes, brackets hold a word together."""
    fields = ["FETCH", "1:*", "(", "UID", "BODY.PEEK[HEADER.FIELDS (A B)]", ")"]
    assert atoms(text) == (fields if words is None else words)
    assert atoms(quoted(text)) == [text]


@pytest.mark.parametrize("text", ["x[", '"open', "BODY[HEADER"])
def test_what_cannot_be_parted_is_refused(text):
    """An open quote or bracket is no command."""
    with pytest.raises(BadCommandError):
        atoms(text)


@pytest.mark.parametrize(
    ("text", "inside"),
    [("2", [2]), ("2:3", [2, 3]), ("3:2", [2, 3]), ("1,4:*", [1, 4, 5]), ("*", [5]), ("9:*", [5])],
)
def test_sets(text, inside):
    """Ranges go both ways, and a star is the largest there is, also where the other end is larger (RFC 3501)."""
    assert [number for number in range(1, 6) if numbers(text, 5)(number)] == inside


@pytest.mark.parametrize("text", ["", "a", "1:", "1;2", "-1"])
def test_no_sets(text):
    """Anything else is refused."""
    with pytest.raises(BadCommandError):
        numbers(text, 5)


def test_searches():
    """All keys must hold; what is not understood is refused, not passed over."""
    mails = [Mail(4, b"", NOON), Mail(7, b"", NOON + 86400, {"\\Seen", "\\Flagged"})]

    def uids(text):
        return [mail.uid for _, mail in searched(atoms(text), mails)]

    assert uids("ALL") == [4, 7]
    assert uids("CHARSET US-ASCII (SEEN FLAGGED)") == [7]
    assert uids("UNFLAGGED UID 1:*") == [4]
    assert uids("BEFORE 10-Mar-2026") == [4]
    assert uids("SINCE 10-mar-2026") == [7]
    assert uids("2") == [7]
    for strange in ("FROM a", "NOT SEEN", "SINCE 10-Foo-2026", "SINCE", "UID"):
        with pytest.raises(BadCommandError):
            uids(strange)


def test_dates_are_written_as_the_protocol_wants():
    """Two places for the day, the month in English."""
    assert internal_date(NOON) == '" 9-Mar-2026 12:00:00 +0000"'
