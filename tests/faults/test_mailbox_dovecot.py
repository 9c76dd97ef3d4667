"""Answers in a real Dovecot's mailbox: verbatim, each once, untouched, and every wait with an end."""

import os
import re
import time

import pytest

from agent.acks.mailbox import Source
from agent.errors import Permanent, Transient
from agent.settings.models import Settings
from tests.certificates import Authority
from tests.dovecot import PASSWORD, Dovecot
from tests.servers import Proxy, reveal


def mail(number, *, sender="noreply@impact.com", body="Total errors: 0"):
    """Return a message as it comes over the wire."""
    head = f"From: {sender}\nSubject: Result {number}\nMessage-ID: <{number}@impact.com>\n"
    return f"{head}Date: Sat, 28 Nov 2026 10:00:00 +0000\n\n{body}\n".replace("\n", "\r\n").encode()


class Mailbox:
    """A source at a server, and what the ledger knows."""

    def __init__(self, root, server, **options):
        self.server = server
        self.known = set()
        self._options = server.options(**options)
        self._settings = Settings(drop=root / "drop", state=root / "state", destinations={}, folder=root)
        self.restart()

    def restart(self):
        """Forget all that is only in memory."""
        if hasattr(self, "source"):
            self.source.close()
        self.source = Source(self._options, self._settings, reveal)

    def look(self, *, keep=True):
        """Look once more; keep what comes, as the agent does."""
        found = []
        for fetched in self.source.fetch(self.known.__contains__):
            found.append(fetched)
            if keep:
                self.known.add(fetched.key)
                self.source.kept(fetched)
        return found

    def subjects(self, **how):
        """Return the numbers of the messages that come."""
        return [int(fetched.name.removeprefix("Result ")) for fetched in self.look(**how)]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Return who vouches for the servers."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def dovecot(authority):
    """Run a server with an empty mailbox."""
    with Dovecot(authority) as server:
        yield server


@pytest.fixture
def mailbox(tmp_path, dovecot):
    """Return a source with the usual settings; it leaves nothing open."""
    made = Mailbox(tmp_path, dovecot)
    yield made
    made.source.close()


def test_messages_come_verbatim_in_order_and_once(mailbox):
    """Also after a restart; the mailbox stays as it was."""
    sent = [mail(number) for number in range(3)]
    mailbox.server.put_all(sent)
    found = mailbox.look()
    assert [fetched.content for fetched in found] == sent
    assert [fetched.name for fetched in found] == ["Result 0", "Result 1", "Result 2"]
    assert all(abs(fetched.written_at - time.time()) < 600 for fetched in found)
    assert mailbox.look() == []
    mailbox.restart()
    assert mailbox.look() == []
    mailbox.server.put(mail(3))
    assert mailbox.subjects() == [3]
    assert mailbox.server.flags() == ["", "", "", ""]


def test_a_message_not_kept_comes_again(mailbox):
    """Between fetching and keeping anything may break; what was left early comes as well."""
    mailbox.server.put_all(mail(number) for number in range(3))
    one = mailbox.source.fetch(mailbox.known.__contains__)
    next(one)
    one.close()
    assert mailbox.subjects(keep=False) == [0, 1, 2]
    assert mailbox.subjects() == [0, 1, 2]
    assert mailbox.subjects() == []


def test_a_server_that_counts_anew_brings_nothing_twice(mailbox):
    """UIDVALIDITY changes: messages are known again by what they are, within a run and after a restart."""
    mailbox.server.put_all(mail(number) for number in range(3))
    mailbox.look()
    validity = mailbox.source._validity
    time.sleep(1.1)  # the server takes it from its clock, which counts seconds
    mailbox.server.forget_numbers()
    mailbox.server.put(mail(3))
    assert mailbox.subjects() == [3]
    assert mailbox.source._validity != validity
    mailbox.restart()
    assert mailbox.subjects() == []


def test_two_thousand_messages(mailbox):
    """A full mailbox is taken whole, and costs next to nothing the second time."""
    mailbox.server.put_all(mail(number) for number in range(2000))
    assert mailbox.subjects() == list(range(2000))
    begun = time.monotonic()
    assert mailbox.subjects() == []
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("size", [0, 2000])
def test_a_poisoned_message_keeps_back_no_other(mailbox, size):
    """The server cannot read one of them: the others come, and the one is told."""
    mailbox.server.put(mail(0))
    bad = mailbox.server.put(mail(1))
    mailbox.server.put(mail(2))
    mailbox.source.close()
    os.truncate(bad, size)  # the server has not looked yet, or says that it is broken
    seen = []
    for _ in range(4):
        try:
            seen += mailbox.look()
        except (Transient, Permanent):
            continue
    assert {"Result 0", "Result 2"} <= {fetched.name for fetched in seen}
    assert len(seen) == len({fetched.key for fetched in seen})


def test_a_message_the_server_hangs_up_over_keeps_back_no_other(mailbox):
    """It may not be read: the server ends the connection, and from the next look on the others come first."""
    mailbox.server.put(mail(0))
    bad = mailbox.server.put(mail(1))
    mailbox.server.put(mail(2))
    bad.chmod(0)
    os.chown(bad, 0, 0)
    for _ in range(3):
        with pytest.raises(Transient, match="the connection broke"):
            mailbox.look()
    assert len(mailbox.known) == 2
    bad.chmod(0o666)
    assert mailbox.subjects() == [1]


def test_a_message_too_large_keeps_back_no_other(tmp_path, dovecot):
    """It is not fetched, and told with every look."""
    mailbox = Mailbox(tmp_path, dovecot, max_size=2000)
    dovecot.put(mail(0, body="x" * 3000))
    dovecot.put(mail(1))
    for _ in range(2):
        with pytest.raises(Permanent, match="more than max_size allows"):
            mailbox.look()
    assert len(mailbox.known) == 1


def test_only_mails_of_the_named_senders_are_looked_at(tmp_path, dovecot):
    """Others stay where they are; a name that looks like an address is only a name."""
    mailbox = Mailbox(tmp_path, dovecot, senders=["*@impact.com"])
    others = [
        "a@example.org",
        '"x@impact.com" <a@example.org>',
        "x@impact.com, a@example.org",
        "a@impact.com.example.org",
    ]
    dovecot.put_all(mail(number, sender=sender) for number, sender in enumerate(others))
    dovecot.put(mail(9, sender="Impact <NoReply@Impact.com>"))
    assert mailbox.subjects() == [9]
    assert mailbox.subjects() == []


@pytest.mark.parametrize("how", [{"afterwards": "seen"}, {"afterwards": "move", "move_to": "Seen"}])
def test_tidied_once_it_is_kept(tmp_path, dovecot, how):
    """Marked or moved, and what a crash left untidied as well; nothing else is touched."""
    mailbox = Mailbox(tmp_path, dovecot, **how)
    dovecot.put_all(mail(number) for number in range(2))
    mailbox.known.update(fetched.key for fetched in mailbox.look(keep=False))
    assert dovecot.flags() == ["", ""]
    mailbox.restart()
    dovecot.put(mail(2))
    assert mailbox.subjects() == [2]
    mailbox.source.close()
    if how["afterwards"] == "seen":
        assert dovecot.flags() == ["S", "S", "S"]
    else:
        assert (dovecot.flags(), len(dovecot.flags("Seen"))) == ([], 3)


def test_a_server_that_cannot_move_copies_and_removes_only_that_message(tmp_path, authority):
    """What others have marked as deleted stays."""
    plain = "imap_capability = IMAP4rev1 UIDPLUS LITERAL+"
    with Dovecot(authority, more=plain) as server:
        mailbox = Mailbox(tmp_path, server, afterwards="move", move_to="Seen")
        path = server.put(mail(0))
        path.rename(server.mail / "cur" / f"{path.name}:2,T")
        mailbox.known.add("nothing")
        server.put(mail(1))
        (first,) = [fetched for fetched in mailbox.look(keep=False) if fetched.name == "Result 1"]
        mailbox.source.kept(first)
        mailbox.source.close()
        assert (server.flags(), len(server.flags("Seen"))) == (["T"], 1)


def test_starttls(tmp_path, dovecot):
    """The connection begins in the clear and nothing secret leaves before it is protected."""
    mailbox = Mailbox(tmp_path, dovecot, port=dovecot.port, security="starttls")
    dovecot.put(mail(0))
    assert mailbox.subjects() == [0]
    assert re.search("Login: .*, TLS", dovecot.log.read_text())


def test_in_the_clear_only_when_it_is_allowed(tmp_path, dovecot):
    """An ugly setting for an ugly thing."""
    mailbox = Mailbox(tmp_path, dovecot, port=dovecot.port, security="none", allow_plain_imap=True)
    dovecot.put(mail(0))
    assert mailbox.subjects() == [0]
    assert not re.search("Login: .*, TLS", dovecot.log.read_text())


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_a_certificate_that_is_not_accepted_gets_no_password(tmp_path, authority, security, wrong):
    """A person must look; nobody has tried to log in."""
    with Dovecot(authority, host="127.0.0.1" if wrong == "authority" else "elsewhere.example") as server:
        port = server.tls_port if security == "tls" else server.port
        other = Authority(tmp_path / "other").ca_file if wrong == "authority" else server.ca_file
        mailbox = Mailbox(tmp_path, server, port=port, security=security, ca_file=str(other))
        with pytest.raises(Permanent, match="certificate was not accepted"):
            mailbox.look()
        assert "Login" not in server.log.read_text()
        assert "auth failed" not in server.log.read_text()


def test_a_wrong_password_is_not_tried_for_ever(tmp_path, dovecot):
    """Three refusals, then a pause, so that the account is not locked; no secret is told."""
    mailbox = Mailbox(tmp_path, dovecot, password={"env": "wrong-canary"})
    for _ in range(3):
        with pytest.raises(Permanent, match="refused the login") as caught:
            mailbox.look()
        assert "canary" not in str(caught.value) + caught.value.evidence
    with pytest.raises(Transient, match="the agent asks again in"):
        mailbox.look()


def test_a_mailbox_that_is_not_there(tmp_path, dovecot):
    """It is in the settings, so a person must look."""
    with pytest.raises(Permanent, match="refused to open the mailbox 'Nowhere'"):
        Mailbox(tmp_path, dovecot, mailbox="Nowhere").look()


def test_nobody_there(tmp_path, dovecot):
    """A closed port may be open again later."""
    with Proxy(dovecot.tls_port) as proxy:
        port = proxy.port
    with pytest.raises(Transient, match="there is no way to the server"):
        Mailbox(tmp_path, dovecot, port=port).look()


def test_cut_at_every_step_the_rest_comes_later(tmp_path, dovecot):
    """Wherever the line breaks, it is told as passing, and nothing is lost or doubled."""
    dovecot.put_all(mail(number, body="x" * 3000) for number in range(5))
    with Proxy(dovecot.tls_port) as proxy:
        mailbox = Mailbox(tmp_path, dovecot, port=proxy.port)
        for size in (0, 200, 1500, 1900, 2500, 3500, 5000, 8000, 12_000):
            proxy.limit("client", size)
            with pytest.raises(Transient):
                mailbox.look()
        proxy.limit("client", None)
        before = len(mailbox.known)
        assert len(mailbox.look()) == 5 - before
        assert len(mailbox.known) == 5


@pytest.mark.parametrize("towards", ["client", "server"])
@pytest.mark.parametrize("size", [0, 600, 1700, 2500, 4000])
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_silent_server_is_given_up_in_time(tmp_path, dovecot, towards, size, security):
    """Greeting, TLS, login, lists and messages: every wait has an end."""
    dovecot.put_all(mail(number, body="x" * 30_000) for number in range(5))
    with Proxy(dovecot.tls_port if security == "tls" else dovecot.port, swallow=True) as proxy:
        quick = {"connect_timeout": "1s", "idle_timeout": "1s", "port": proxy.port, "security": security}
        mailbox = Mailbox(tmp_path, dovecot, **quick)
        proxy.limit(towards, size)
        begun = time.monotonic()
        if towards == "server" and size >= 1700:  # all that we say may fit
            mailbox.source.close()
            return
        with pytest.raises(Transient, match=r"no answer for|not done within"):
            mailbox.look()
        assert time.monotonic() - begun < 6
        mailbox.source.close()


def test_the_password_is_nowhere_to_be_seen(mailbox):
    """Neither in what is kept nor in what is told of the source."""
    mailbox.server.put(mail(0))
    assert PASSWORD not in repr(mailbox.look()) + repr(vars(mailbox.source))
