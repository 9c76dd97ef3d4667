"""A mailbox at a server that does what no good server does, and how a token logs in: the far side is a script."""

import base64

import pytest

from agent.acks.mailbox import Options, Source
from agent.errors import Permanent, Transient
from agent.settings.models import Settings
from tests.listening import Listener

HEAD = b"From: a@impact.com\r\nSubject: one\r\n\r\n"
FLAT = [("CAPABILITY", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK done\r\n"), ("AUTHENTICATE", "+ \r\n")]
LOGIN = [*FLAT, ("", "{last} OK in\r\n"), ("CAPABILITY", "* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n")]
OPEN = [*LOGIN, ("EXAMINE", "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n{tag} OK [READ-ONLY] open\r\n")]
ONE = [*OPEN, ("UID SEARCH", "* SEARCH 5\r\n{tag} OK done\r\n")]


class Script:
    """A server that answers each line it gets with the next of its answers; `heard` is what came."""

    def __init__(self, answers, greeting="* OK hello\r\n"):
        self.heard = []
        self._answers, self._greeting = answers, greeting
        self._listener = Listener(self._talk)
        self.port = self._listener.port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
        self._listener.join()

    def _talk(self, connection):
        with connection, connection.makefile("rb") as lines:
            connection.sendall(self._greeting.encode())
            last = ""
            for expected, answer in self._answers:
                line = lines.readline().decode()
                if not line:
                    return
                self.heard.append(line.rstrip("\r\n"))
                assert expected in line
                tag = line.split(" ")[0]
                last = tag if expected else last
                connection.sendall(answer.format(tag=tag, last=last).encode())
            while line := lines.readline():
                self.heard.append(line.decode().rstrip("\r\n"))
                tag = line.split()[0].decode()
                connection.sendall(f"* BYE\r\n{tag} OK bye\r\n".encode() if b"LOGOUT" in line else b"")


def _source(server, tmp_path, **options):
    settings = Settings(drop=tmp_path / "drop", state=tmp_path / "state", destinations={}, folder=tmp_path)
    plain = {
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "allow_plain_imap": True,
        "username": "u@example.net",
        "password": {"env": "P"},
        "connect_timeout": 5.0,
        "idle_timeout": 5.0,
        **options,
    }
    secret = b"secret-canary\n"
    return Source(
        Options.model_validate({key: value for key, value in plain.items() if value}),
        settings,
        lambda _: secret,
    )


def _look(source):
    return list(source.fetch(lambda _: False))


def _literal(words, content):
    return f"* 1 FETCH ({words} {{{{{len(content)}}}}}\r\n{content.decode()})\r\n{{tag}} OK done\r\n"


def test_a_whole_session(tmp_path):
    """What the script hears: a mailbox opened read-only, heads first, and PEEK only."""
    head = _literal('UID 5 RFC822.SIZE 40 INTERNALDATE "28-Nov-2026 10:00:00 +0100" BODY[HEADER]', HEAD)
    message = _literal("UID 5 BODY[]", HEAD + b"x\r\n")
    with Script([*ONE, ("BODY.PEEK[HEADER]", head), ("BODY.PEEK[]", message)]) as server:
        (fetched,) = _look(_source(server, tmp_path))
    assert (fetched.content, fetched.name) == (HEAD + b"x\r\n", "one")
    assert fetched.written_at == 1795856400.0
    assert [line.partition(" ")[2].split(" (")[0] for line in server.heard[4:]] == [
        'EXAMINE "INBOX"',
        "UID SEARCH UID 1:*",
        "UID FETCH 5",
        "UID FETCH 5",
        "LOGOUT",
    ]


def test_a_token_logs_in_as_the_mechanism_says(tmp_path):
    """XOAUTH2: user and bearer token in one answer."""
    answers = [
        ("CAPABILITY", FLAT[0][1]),
        ("AUTHENTICATE XOAUTH2", "+ \r\n"),
        *OPEN[2:],
        ("SEARCH", "* SEARCH\r\n{tag} OK done\r\n"),
    ]
    with Script(answers) as server:
        assert _look(_source(server, tmp_path, password=None, access_token={"env": "T"})) == []
    assert base64.b64decode(server.heard[2]) == b"user=u@example.net\1auth=Bearer secret-canary\1\1"


def test_a_token_refused_is_told_without_it(tmp_path):
    """The server explains itself in an answer that wants an empty line."""
    answers = [
        FLAT[0],
        ("AUTHENTICATE", "+ \r\n"),
        ("", "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n"),
        ("", "{last} NO [AUTHENTICATIONFAILED] no\r\n"),
    ]
    with Script(answers) as server, pytest.raises(Permanent, match="refused the login") as caught:
        _look(_source(server, tmp_path, password=None, access_token={"env": "T"}))
    assert server.heard[3] == ""
    assert "canary" not in repr(caught.value) + caught.value.evidence


def test_a_login_refused_for_now_may_work_later(tmp_path):
    """RFC 5530: the server's own trouble is not the password's."""
    answers = [*FLAT, ("", "{last} NO [UNAVAILABLE] later, canary\r\n")]
    with Script(answers) as server, pytest.raises(Transient, match="cannot check the login") as caught:
        _look(_source(server, tmp_path))
    assert "canary" not in repr(caught.value) + caught.value.evidence  # what it says may quote what we said


@pytest.mark.parametrize(
    ("answers", "greeting", "kind", "words"),
    [
        ([FLAT[0]], "* PREAUTH welcome\r\n", Permanent, "takes us for somebody"),
        ([], "* BYE full\r\n", Transient, "refused to greet: \\* BYE full"),
        ([], "220 this is no IMAP\r\n", Transient, "when the server was asked to greet"),
        ([*LOGIN, ("EXAMINE", "{tag} OK [READ-ONLY] open\r\n")], "* OK\r\n", Permanent, "UIDVALIDITY"),
        ([*LOGIN, ("EXAMINE", "{tag} NO no such\r\n")], "* OK\r\n", Permanent, "open the mailbox 'INBOX'"),
        ([*OPEN, ("SEARCH", "{tag} NO no\r\n")], "* OK hello\r\n", Permanent, "refused to list messages"),
        ([*ONE, ("HEADER", "* 1 FETCH (UID 5 BODY[HEADER] {{99999999999}}\r\n")], "* OK\r\n", Transient, "broke"),
        ([*ONE, ("HEADER", '* 1 FETCH (UID 5 BODY[HEADER] "x")\r\n{tag} OK done\r\n')], "* OK\r\n", Permanent, "form"),
        ([*ONE, ("HEADER", _literal("UID 5 BODY[HEADER]", HEAD))], "* OK\r\n", Permanent, "the size"),
        ([*ONE, ("HEADER", "* 1 FETCH (UID 5 BODY[HEADER] {{50}}\r\nhalf")], "* OK\r\n", Transient, "no answer for"),
    ],
)  # fmt: skip
def test_a_server_that_misbehaves(tmp_path, answers, greeting, kind, words):
    """Each ends in what follows from it; nothing hangs, nothing is taken for empty."""
    with Script(answers, greeting) as server, pytest.raises(kind, match=words):
        _look(_source(server, tmp_path, idle_timeout=0.3, connect_timeout=3.0))


def test_a_message_that_is_gone_is_passed_over(tmp_path):
    """Somebody may read the same mailbox."""
    with Script([*ONE, ("BODY.PEEK[HEADER]", "* 1 EXPUNGE\r\n{tag} OK done\r\n")]) as server:
        assert _look(_source(server, tmp_path)) == []


def test_a_secret_that_cannot_be_one(tmp_path):
    """A line end within would be a command of its own."""
    with Script([]) as server:
        source = _source(server, tmp_path)
        source._reveal = lambda _: b"secret\r\nA1 DELETE INBOX"
        with pytest.raises(Permanent, match="signs that no password has") as caught:
            _look(source)
    assert "DELETE" not in str(caught.value)


def test_a_name_that_is_no_host(tmp_path):
    """There is no way to it, and it may be mended elsewhere."""
    with Script([]) as server:
        source = _source(server, tmp_path, host="nowhere.invalid")
        with pytest.raises(Transient, match="name cannot be looked up"):
            _look(source)
