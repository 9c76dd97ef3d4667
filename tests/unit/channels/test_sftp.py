"""The `sftp` channel's own decisions: its settings, and what follows from each failure."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from pydantic import ValidationError

from agent.channels.failures import ShortError, UnclearError, classify
from agent.channels.sftp import Options
from agent.channels.ssh import failures as f
from agent.errors import Permanent, Transient, UnknownOutcome
from agent.net import failures as shared
from agent.net.patience import WaitingError

PIN = "SHA256:" + "A" * 43
GOOD = {"host": "sftp.example.net", "username": "acme", "password": {"env": "P"}, "host_keys": [PIN]}


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ConnectionRefusedError(111, "Connection refused"), Transient),
        (TimeoutError("no connection within 30 s"), Transient),
        (socket.gaierror(-2, "Name or service not known"), Transient),
        (OSError(113, "No route to host"), Transient),
        (shared.LostError("the connection broke"), Transient),
        (shared.LoginBrokenError("hung up"), Transient),
        (WaitingError("asks again in 20 minutes"), Transient),
        (ShortError("stored 1 of 2 bytes"), Transient),
        (f.RefusedError("write", f.FAILURE), Transient),
        (f.RefusedError("write", 14), Transient),
        (f.RefusedError("write", 99), Transient),
        (f.RefusedError("open a file", f.NO_SUCH_FILE), Permanent),
        (f.RefusedError("open a file", f.PERMISSION_DENIED), Permanent),
        (f.RefusedError("open a file", f.UNSUPPORTED), Permanent),
        (f.RefusedError("open a file", f.INVALID_NAME), Permanent),
        (f.HostKeyError("another key"), Permanent),
        (shared.PeerError("offers only"), Permanent),
        (shared.LoginError("refused"), Permanent),
        (shared.SecretError("not a key"), Permanent),
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
    """Step, meaning and the server's own words, unless those add nothing."""
    assert str(f.RefusedError("write", f.FAILURE, "Failure")) == "the server refused to write: failure"
    said = f.RefusedError("write", f.FAILURE, "quota exceeded")
    assert str(said) == "the server refused to write: failure (quota exceeded)"
    assert str(f.RefusedError("write", 77)) == "the server refused to write: status 77"


def test_settings_have_safe_defaults() -> None:
    """What nobody wrote down is the careful choice."""
    options = Options.model_validate(GOOD)
    assert (options.port, options.publish, options.sweeps, options.look) == (22, "rename", True, True)
    assert (options.in_doubt, options.deadline, options.idle_timeout) == ("hold", 900.0, 60.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host_keys": []}, "at least 1 item"),
        ({"host_keys": None}, "valid tuple"),
        ({"host_keys": ["ssh-ed25519 AAAA"]}, "is not whole|not of the kind"),
        ({"password": None}, "either a password or a private_key"),
        ({"private_key": {"env": "K"}}, "either a password or a private_key"),
        ({"passphrase": {"env": "K"}}, "no private_key it could belong to"),
        ({"host": "sftp://example.net"}, "host name"),
        ({"host": "example.net:22"}, "host name"),
        ({"host": "acme@example.net"}, "host name"),
        ({"port": "0"}, "greater than or equal to 1"),
        ({"port": "65536"}, "less than or equal to 65535"),
        ({"username": ""}, "at least 1 character"),
        ({"publish": "overwrite"}, "'rename' or 'direct'"),
        ({"idle_timeout": "60"}, "length of time"),
        ({"hots_keys": []}, "Extra inputs"),
    ],
)
def test_mistakes_in_settings_are_refused(changes: dict[str, Any], words: str) -> None:
    """Every mistake is found when the settings are read, before anything is sent."""
    with pytest.raises(ValidationError, match=words):
        Options.model_validate({**GOOD, **changes})


def test_one_host_key_needs_no_list() -> None:
    """A single key may stand alone; an IPv6 address is a host."""
    assert Options.model_validate({**GOOD, "host_keys": PIN, "host": "2001:db8::1"}).host_keys == (PIN,)
