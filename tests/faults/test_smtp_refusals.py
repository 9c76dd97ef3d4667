"""A relay that refuses, at whatever step: nothing is sent, the verdict is right, no secret is told."""

from __future__ import annotations

import base64
import traceback
from typing import Any

import pytest

from agent.errors import ChannelError, Permanent, Transient, UnknownOutcome
from tests.scripted_relay import GOOD, PASSWORD, STEPS, Act, channel_to

SECRETS = (
    PASSWORD,
    base64.b64encode(PASSWORD.encode()).decode(),
    base64.b64encode(f"\0agent@example.net\0{PASSWORD}".encode()).decode(),
)


def refusal(channel: Any, parcel: Any) -> ChannelError:
    """Return how sending failed, having looked that it tells no secret anywhere."""
    with pytest.raises(ChannelError) as caught:
        channel.send(parcel, lambda: None)
    channel.close()
    told = "".join(traceback.format_exception(caught.value)) + caught.value.evidence
    assert [secret for secret in SECRETS if secret in told] == []
    return caught.value


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("code", "verdict"), [(451, Transient), (554, Permanent)])
def test_a_refusal_at_each_step(
    scripted_relay: Any, authority: Any, make_parcel: Any, step: str, code: int, verdict: type
) -> None:
    """4xx may be tried again, 5xx needs a person; the words say the step's answer, and no mail is taken."""
    server = scripted_relay(**{step: b"%d 4.0.0 not you\r\n" % code})
    error = refusal(channel_to(server.port, authority), make_parcel())
    assert type(error) is verdict
    assert f"{code} 4.0.0 not you" in str(error)
    assert server.taken == []
    assert server.dots == (1 if step == "dot" else 0)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "answer", [b"hello\r\n", b"\0\xff\r\n", b"199 what\r\n", b"2\r\n", b"299", Act.HANG_UP]
)
def test_nonsense_at_each_step(
    scripted_relay: Any, authority: Any, make_parcel: Any, step: str, answer: Any
) -> None:
    """What is no answer proves nothing: before the dot it may be tried again, after it nobody can tell."""
    server = scripted_relay(**{step: answer})
    short = {"connect_timeout": "0.3s", "idle_timeout": "0.3s", "final_timeout": "0.3s"}
    error = refusal(channel_to(server.port, authority, **short), make_parcel())
    assert type(error) is (UnknownOutcome if step == "dot" else Transient)
    assert server.dots == (1 if step == "dot" else 0)


@pytest.mark.parametrize("refused", [1, 2, 3])
def test_one_of_several_recipients_is_refused(
    scripted_relay: Any, authority: Any, make_parcel: Any, refused: int
) -> None:
    """All or none: what was begun is taken back, the next mail uses the same connection."""
    everybody = [f"r{number}@batch.example.com" for number in (1, 2, 3)]

    def rcpt(line: bytes) -> bytes:
        return b"550 unknown\r\n" if b"r%d@" % refused in line else GOOD["rcpt"]

    server = scripted_relay(rcpt=rcpt)
    channel = channel_to(server.port, authority, recipient=everybody)
    with pytest.raises(Permanent, match=f"r{refused}@batch.example.com: 550 unknown"):
        channel.send(make_parcel(), pytest.fail)
    assert (server.dots, server.heard[-1]) == (0, b"RSET\r\n")
    server.answers["rcpt"] = GOOD["rcpt"]
    assert channel.send(make_parcel(), lambda: None).how == "accepted"
    assert (server.dots, server.connections) == (1, 1)
    channel.close()


def test_a_mail_that_is_too_large(scripted_relay: Any, authority: Any, make_parcel: Any) -> None:
    """The server's SIZE is looked at before MAIL; the words name both numbers and the setting that helps."""
    content = b"x" * 3000
    probe = scripted_relay()
    channel = channel_to(probe.port, authority)
    size = int(channel.send(make_parcel(content), lambda: None).evidence.split("; ")[1].split()[0])
    channel.close()
    assert len(probe.taken[0]) == size
    assert b"MAIL FROM:<agent@example.net> SIZE=%d\r\n" % size in probe.heard
    for limit, fits in ((size, True), (size - 1, False), (0, True)):
        server = scripted_relay(ehlo=GOOD["ehlo"].replace(b"50000000", b"%d" % limit))
        channel = channel_to(server.port, authority)
        if fits:
            channel.send(make_parcel(content), lambda: None)
        else:
            with pytest.raises(Permanent, match=rf"{size} bytes .* at most {limit}; .*max_size"):
                channel.send(make_parcel(content), pytest.fail)
            assert not [line for line in server.heard if line.startswith(b"MAIL")]
        channel.close()


def test_a_relay_that_refuses_before_the_end(scripted_relay: Any, authority: Any, make_parcel: Any) -> None:
    """An answer that comes before the dot is a refusal, and never taken for the dot's answer."""
    for early, verdict in ((b"552 too much\r\n", Permanent), (b"250 fine\r\n", Transient)):
        server = scripted_relay(data=GOOD["data"] + early)
        channel = channel_to(server.port, authority)
        with pytest.raises(verdict):
            channel.send(make_parcel(), pytest.fail)
        channel.close()
        assert server.dots == 0


def test_a_relay_that_closes_for_maintenance(scripted_relay: Any, authority: Any, make_parcel: Any) -> None:
    """421 is answered with a new connection the next time."""
    server = scripted_relay(mail=b"421 closing\r\n")
    channel = channel_to(server.port, authority)
    with pytest.raises(Transient):
        channel.send(make_parcel(), pytest.fail)
    server.answers["mail"] = GOOD["mail"]
    channel.send(make_parcel(), lambda: None)
    channel.close()
    assert (server.connections, server.dots) == (2, 1)


@pytest.mark.parametrize("mechanism", [b"PLAIN", b"LOGIN"])
def test_a_login_said_back(scripted_relay: Any, authority: Any, make_parcel: Any, mechanism: bytes) -> None:
    """A relay that repeats what it got does not bring the password into words, evidence or traceback."""

    def echo(line: bytes) -> bytes:
        words = " ".join([*SECRETS, "x" * 390, *SECRETS]).encode()
        return b"535 wrong: " + line.strip() + b" " + words + b"\r\n"

    server = scripted_relay(ehlo=GOOD["ehlo"].replace(b"PLAIN LOGIN", mechanism), auth=echo)
    error = refusal(channel_to(server.port, authority), make_parcel())
    assert type(error) is Permanent
    assert "refused the login: 535 wrong: AUTH" in str(error)
    assert b"AUTH" not in server.clear


def test_logins_are_not_tried_for_ever(scripted_relay: Any, authority: Any, make_parcel: Any) -> None:
    """After three refused logins within an hour the server is left alone for a while."""
    server = scripted_relay(auth=b"535 no\r\n")
    channel = channel_to(server.port, authority)
    for _ in range(3):
        with pytest.raises(Permanent):
            channel.send(make_parcel(), pytest.fail)
    with pytest.raises(Transient, match="does not lock the account"):
        channel.send(make_parcel(), pytest.fail)
    assert server.connections == 3


@pytest.mark.parametrize(
    "certificate", [{"name": "another.example.net"}, {"days": -1}, {"self_signed": True}], ids=str
)
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_proves_nothing(
    scripted_relay: Any, authority: Any, make_parcel: Any, security: str, certificate: Any
) -> None:
    """Another name, an ended one, one of nobody: refused before anything secret or any mail is said."""
    server = scripted_relay(authority.context(**certificate), tls=security)
    error = refusal(channel_to(server.port, authority, security=security), make_parcel())
    assert type(error) is Permanent
    assert "certificate was not accepted" in str(error)
    assert [line for line in server.heard if line[:4] not in {b"EHLO", b"STAR"}] == []


def test_an_authority_nobody_trusts(scripted_relay: Any, authority: Any, make_parcel: Any) -> None:
    """Without ca_file the machine's own authorities decide."""
    server = scripted_relay()
    error = refusal(channel_to(server.port, authority, ca_file=None), make_parcel())
    assert type(error) is Permanent
    assert "certificate was not accepted" in str(error)


@pytest.mark.parametrize(
    "answers",
    [
        {"ehlo": GOOD["ehlo"].replace(b"250-STARTTLS\r\n", b"")},
        {"ehlo": b"250 relay.example.net\r\n"},
        {"starttls": b"220 go ahead\r\n250 injected\r\n"},
    ],
)
def test_protection_taken_out_on_the_way(
    scripted_relay: Any, authority: Any, make_parcel: Any, answers: Any
) -> None:
    """No STARTTLS, or words smuggled in before it: the password is never sent, and a person must look."""
    server = scripted_relay(**answers)
    error = refusal(channel_to(server.port, authority), make_parcel())
    assert type(error) is Permanent
    assert "nothing secret was sent" in str(error)
    assert not [line for line in server.heard if line[:4] in {b"AUTH", b"MAIL"}]


def test_no_login_that_both_know(scripted_relay: Any, authority: Any, make_parcel: Any) -> None:
    """A relay without a login we know gets no password by another."""
    server = scripted_relay(ehlo=GOOD["ehlo"].replace(b"PLAIN LOGIN", b"CRAM-MD5 NTLM"))
    error = refusal(channel_to(server.port, authority), make_parcel())
    assert type(error) is Permanent
    assert "PLAIN or LOGIN, but by: CRAM-MD5 NTLM" in str(error)


def test_a_ca_file_that_is_none(scripted_relay: Any, authority: Any, make_parcel: Any, tmp_path: Any) -> None:
    """It is named, before anybody is asked anything."""
    server = scripted_relay()
    for content in (None, "no certificate"):
        path = tmp_path / "ca.pem"
        if content:
            path.write_text(content)
        error = refusal(channel_to(server.port, authority, ca_file=str(path)), make_parcel())
        assert type(error) is Permanent
        assert str(path) in str(error)
    assert server.connections == 0
