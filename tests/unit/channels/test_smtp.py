"""The `smtp` channel's own decisions: its settings, and what follows from each failure."""

from __future__ import annotations

import importlib.util
import socket
from typing import Any

import pytest
from pydantic import ValidationError

from agent.channels.smtp import Options, classify
from agent.errors import Permanent, Transient, UnknownOutcome
from agent.mail import failures as f
from agent.net import failures as shared
from agent.net.patience import WaitingError

GOOD = {
    "host": "smtp.example.net",
    "username": "a@example.net",
    "password": {"env": "P"},
    "sender": "a@example.net",
    "recipient": "0c1d@batch.impact.com",
}
CLIENT = {
    "client_id": "1",
    "client_secret": {"env": "S"},
    "authority": "https://login.microsoftonline.com/t",
}


@pytest.mark.parametrize(
    ("error", "verdict", "after_the_dot"),
    [
        (ConnectionRefusedError(111, "Connection refused"), Transient, UnknownOutcome),
        (TimeoutError("no connection within 30 s"), Transient, UnknownOutcome),
        (socket.gaierror(-2, "Name or service not known"), Transient, UnknownOutcome),
        (shared.LostError("the connection broke"), Transient, UnknownOutcome),
        (shared.LoginBrokenError("hung up"), Transient, UnknownOutcome),
        (WaitingError("asks again in 20 minutes"), Transient, UnknownOutcome),
        (f.RefusedError("the mail", 400, "no"), Transient, Transient),
        (f.RefusedError("the mail", 421, "closing"), Transient, Transient),
        (f.RefusedError("the mail", 499, "no"), Transient, Transient),
        (f.RefusedError("the mail", 500, "no"), Permanent, Permanent),
        (f.RefusedError("the mail", 599, "no"), Permanent, Permanent),
        (shared.LoginError("refused"), Permanent, UnknownOutcome),
        (shared.PeerError("no STARTTLS"), Permanent, UnknownOutcome),
        (shared.SecretError("not there"), Permanent, UnknownOutcome),
        (shared.ChangedError("changed"), Permanent, UnknownOutcome),
        (f.LetterError("too large"), Permanent, UnknownOutcome),
    ],
)
def test_what_follows(error: Exception, verdict: type, after_the_dot: type) -> None:
    """Each failure has one consequence; once the dot may have left, only a refusal is no doubt."""
    assert type(classify(error)) is verdict
    assert type(classify(error, visible=True)) is after_the_dot
    assert classify(error).evidence


def test_every_failure_is_in_the_table() -> None:
    """A new kind of failure must be given its consequence above."""
    table = test_what_follows.pytestmark[0].args[1]  # type: ignore[attr-defined]  # put there by the mark
    known = [*vars(f).values(), *vars(shared).values()]
    kinds = {kind for kind in known if isinstance(kind, type) and issubclass(kind, shared.FarError)}
    assert kinds - {shared.FarError} <= {type(row[0]) for row in table}


def test_settings_have_safe_defaults() -> None:
    """What nobody wrote down is the careful choice."""
    options = Options.model_validate(GOOD)
    assert (options.security, options.at_port, options.allow_plain_smtp) == ("starttls", 587, False)
    assert (options.connect_timeout, options.final_timeout, options.in_doubt) == (30.0, 600.0, "hold")
    assert (options.recipient, options.subject, options.body) == (
        ("0c1d@batch.impact.com",),
        "{{ name }}",
        "",
    )
    assert Options.model_validate({**GOOD, "security": "tls"}).at_port == 465


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"security": "none"}, "both or neither of 'security: none' and 'allow_plain_smtp: true'"),
        ({"allow_plain_smtp": True}, "both or neither"),
        ({"security": "none", "allow_plain_smtp": True}, "would send its password where anybody"),
        ({"security": "opportunistic"}, "'starttls', 'tls' or 'none'"),
        ({"username": ""}, "neither without one"),
        ({"password": None}, "one of password and oauth"),
        ({"oauth": {"token": {"env": "T"}}}, "one of password and oauth"),
        ({"password": None, "oauth": {}}, "either a token or all of"),
        ({"password": None, "oauth": {"client_id": "1"}}, "either a token or all of"),
        ({"password": None, "oauth": {**CLIENT, "token": {"env": "T"}}}, "either a token or all of"),
        ({"password": None, "oauth": {**CLIENT, "authority": "http://x"}}, "begins with https://"),
        ({"recipient": []}, "at least 1 item"),
        ({"recipient": "somebody"}, "not a mail address"),
        ({"recipient": ["a@b.net", "a@b.net\r\nRCPT TO:<c@d.net>"]}, "not a mail address"),
        ({"sender": "A <a@example.net>"}, "not a mail address"),
        ({"subject": "{{ nme }}"}, "cannot work: .*'nme' is undefined"),
        ({"body": "{% if %}"}, "cannot work: .*cannot be read"),
        ({"file_pattern": "Rückgabe_*.csv"}, "printable ASCII"),
        ({"file_pattern": 'a"_*.csv'}, "printable ASCII"),
        ({"content_type": "text/csv; name=x"}, "match pattern"),
        ({"ca_file": "ca.pem"}, "whole path"),
        ({"hello": "a b"}, "match pattern"),
        ({"host": "smtp.example.net:587"}, "host name"),
        ({"port": "0"}, "greater than or equal to 1"),
        ({"final_timeout": "0s"}, "deadlines longer than 0s"),
        ({"recipients": "a@b.net"}, "Extra inputs"),
    ],
    ids=str,
)
def test_mistakes_in_settings_are_refused(changes: dict[str, Any], words: str) -> None:
    """Every mistake is found when the settings are read, before anything is sent."""
    with pytest.raises(ValidationError, match=words):
        Options.model_validate({**GOOD, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "", "password": None},
        {"username": "", "password": None, "security": "none", "allow_plain_smtp": True},
        {"password": None, "oauth": {"token": {"file": "/run/token"}}},
        {"password": None, "oauth": CLIENT},
        {"recipient": ["a@b.net", "c@d.net"]},
    ],
    ids=str,
)
def test_ways_to_be_let_in(changes: dict[str, Any]) -> None:
    """A password, a token, a client, or a relay that trusts us by our address."""
    assert Options.model_validate({**GOOD, **changes}).type == "smtp"


def test_a_client_for_tokens_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that need what is not installed are wrong, and say what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ValidationError, match="install impact-batch-agent\\[oauth\\]"):
        Options.model_validate({**GOOD, "password": None, "oauth": CLIENT})
