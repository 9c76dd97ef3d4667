"""The `ftp` channel's own decisions: its settings, how answers are read, and what follows from each failure."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from agent.channels.failures import ShortError, UnclearError, classify
from agent.channels.ftp import Options
from agent.channels.ftps import failures as f
from agent.channels.ftps.replies import MOST_LINES, Reading, Reply, port_in, size_in
from agent.errors import Permanent, Transient, UnknownOutcome
from agent.net import failures as shared
from agent.net.patience import WaitingError

GOOD = {"host": "ftp.example.net", "username": "acme", "password": {"env": "P"}}


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ConnectionRefusedError(111, "Connection refused"), Transient),
        (TimeoutError("no connection within 30 s"), Transient),
        (socket.gaierror(-2, "Name or service not known"), Transient),
        (shared.LostError("the connection broke"), Transient),
        (f.GoodbyeError("421"), Transient),
        (shared.LoginBrokenError("hung up"), Transient),
        (WaitingError("asks again in 20 minutes"), Transient),
        (ShortError("stored 1 of 2 bytes"), Transient),
        (f.RefusedError("store the file", 425), Transient),
        (f.RefusedError("store the file", 426), Transient),
        (f.RefusedError("store the file", 450), Transient),
        (f.RefusedError("store the file", 451), Transient),
        (f.RefusedError("store the file", 452), Transient),
        (f.RefusedError("store the file", 552), Transient),
        (f.RefusedError("store the file", 500), Permanent),
        (f.RefusedError("store the file", 530), Permanent),
        (f.RefusedError("store the file", 522), Permanent),
        (f.RefusedError("store the file", 550), Permanent),
        (f.RefusedError("rename the file", 553), Permanent),
        (f.TrustError("the certificate was not accepted"), Permanent),
        (shared.PeerError("no FTP"), Permanent),
        (shared.LoginError("refused"), Permanent),
        (shared.SecretError("cannot be read"), Permanent),
        (f.SignError("a control character"), Permanent),
        (shared.ChangedError("changed"), Permanent),
        (UnclearError("another content"), UnknownOutcome),
    ],
)
def test_what_follows(error: Exception, verdict: type) -> None:
    """Each failure has one consequence; once something may be visible, every one of them is a doubt."""
    assert type(classify(error)) is verdict
    assert type(classify(error, visible=True)) is UnknownOutcome
    assert classify(error).evidence


def test_refusals_say_what_the_server_said() -> None:
    """Step, meaning where there is one, code and the server's own words."""
    said = str(f.RefusedError("store the file", 452, "disk full"))
    assert said == "the server refused to store the file: no room on the server's disk (452 disk full)"
    assert str(f.RefusedError("greet", 431)) == "the server refused to greet (431)"


def read(*lines: bytes, hidden: str = "") -> Reply | None:
    """Return the reply that the lines make, if they make one."""
    reading = Reading(hidden)
    replies = [reading.add(line) for line in lines]
    assert replies[:-1] == [None] * (len(lines) - 1)
    return replies[-1]


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ([b"220 ready"], Reply(220, "ready")),
        ([b"226"], Reply(226, "")),
        ([b"220-one", b"two", b"220 three"], Reply(220, "one two three")),
        ([b"211-a", b" 211 b", b"211-c", b"226 d", b"211 e"], Reply(211, "a 211 b c 226 d e")),
        ([b"550 a\tb\x1b[31m\xff"], Reply(550, "a b [31m\ufffd")),
        ([b"220-one", b"two"], None),
    ],
)  # fmt: skip
def test_replies(lines: list[bytes], reply: Reply | None) -> None:
    """One line or several, whatever stands between; control characters are not told."""
    assert read(*lines) == reply


@pytest.mark.parametrize("line", [b"", b"SSH-2.0-OpenSSH", b"HTTP/1.1 200 OK", b"999 ?", b"22 no", b"220x"])
def test_what_is_no_reply(line: bytes) -> None:
    """Another protocol, or nonsense."""
    with pytest.raises(shared.PeerError):
        read(line)


def test_replies_have_an_end() -> None:
    """Too many lines are no reply; a long text is told in part; a password in it is not."""
    with pytest.raises(shared.PeerError, match="more than"):
        read(*[b"220-more"] * (MOST_LINES + 1))
    long = read(b"220 " + b"x" * 290 + b"SECRET" * 9, hidden="SECRET")
    assert long is not None
    assert "SEC" not in long.text
    assert len(long.text) <= 300


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("Entering Extended Passive Mode (|||21308|)", 21308),
        ("here (!!!80!)", 80),
        ("Entering Passive Mode (127,0,0,1,135,200).", 34760),
        ("=10,0,0,1,0,21", 21),
    ],
)
def test_ports(text: str, port: int) -> None:
    """Either answer names a port; its address is not asked for."""
    assert port_in(Reply(229, text)) == port


@pytest.mark.parametrize(
    "text", ["", "(|||)", "(|||0|)", "(|||65536|)", "(||!80|)", "1,2,3,4,999,999", "1,2,3,4,0,0"]
)
def test_no_port(text: str) -> None:
    """What names none is refused."""
    with pytest.raises(shared.PeerError):
        port_in(Reply(229, text))


@pytest.mark.parametrize(
    ("text", "size"), [("5000", 5000), (" 0 ", 0), ("", None), ("-1", None), ("5 kB", None)]
)
def test_sizes(text: str, size: int | None) -> None:
    """A number of bytes, or nothing that can be used."""
    assert size_in(Reply(213, text)) == size


def test_settings_have_safe_defaults() -> None:
    """What nobody wrote down is the careful choice."""
    options = Options.model_validate(GOOD)
    assert (options.reached, options.security, options.allow_plain_ftp) == (21, "starttls", False)
    assert (options.publish, options.sweeps, options.look) == ("rename", True, True)
    assert (options.in_doubt, options.deadline, options.idle_timeout) == ("hold", 900.0, 60.0)
    assert Options.model_validate({**GOOD, "security": "tls"}).reached == 990
    assert Options.model_validate({**GOOD, "security": "tls", "port": 21}).reached == 21


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"security": "none"}, "both or neither"),
        ({"allow_plain_ftp": True}, "both or neither"),
        ({"security": "none", "allow_plain_ftp": True, "ca_file": "/ca.pem"}, "no TLS it could be used for"),
        ({"ca_file": "ca.pem"}, "whole path"),
        ({"security": "implicit"}, "'starttls', 'tls' or 'none'"),
        ({"host": "ftp://example.net"}, "host name"),
        ({"username": ""}, "at least 1 character"),
        ({"username": "acme\r\nDELE x"}, "control character"),
        ({"directory": "in\nbox"}, "control character"),
        ({"temp_directory": "\x7f"}, "control character"),
        ({"processed_directory": "\0"}, "control character"),
        ({"publish": "overwrite"}, "'rename' or 'direct'"),
        ({"deadline": "0s"}, "longer than 0s"),
        ({"password": None}, "Secret"),
        ({"host_keys": []}, "Extra inputs"),
    ],
)
def test_mistakes_in_settings_are_refused(changes: dict[str, Any], words: str) -> None:
    """Every mistake is found when the settings are read, before anything is sent."""
    with pytest.raises(ValidationError, match=words):
        Options.model_validate({**GOOD, **changes})


def test_no_ftplib() -> None:
    """Its replies have no limit and its second connections resume no session: it is not in use."""
    program = "import sys, agent.channels.ftp; sys.exit('ftplib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
