"""A relay that falls silent or talks for ever, at whatever step, costs no more than the deadline."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import ChannelError, Transient, UnknownOutcome
from tests.scripted_relay import GOOD, STEPS, Act, channel_to, slowly

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 0.4
GRACE = 2.0
SHORT = {"connect_timeout": f"{LIMIT}s", "idle_timeout": f"{LIMIT}s", "final_timeout": f"{LIMIT}s"}
LARGE = b"z" * 20_000_000  # more than the buffers on the way take


def failed(channel: Any, parcel: Any) -> tuple[ChannelError, float]:
    """Return how sending failed and how long it took; nothing is left running."""
    before = set(threading.enumerate())
    started = time.monotonic()
    with pytest.raises(ChannelError) as caught:
        channel.send(parcel, lambda: None)
    seconds = time.monotonic() - started
    channel.close()
    assert [thread for thread in set(threading.enumerate()) - before if "watchdog" in thread.name] == []
    return caught.value, seconds


@pytest.mark.parametrize("step", [*STEPS, "handshake"])
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_silence(scripted_relay: Any, authority: Any, make_parcel: Any, step: str, security: str) -> None:
    """Over within the step's limit; only after the dot nobody can tell what became of the mail."""
    if step == "starttls" and security == "tls":
        step = "handshake"
    server = scripted_relay(tls=security, **{step: Act.SILENT})
    error, seconds = failed(channel_to(server.port, authority, security=security, **SHORT), make_parcel())
    assert type(error) is (UnknownOutcome if step == "dot" else Transient)
    assert "no answer for 0.4 s" in str(error) or "not done within 0.4 s" in str(error)
    assert seconds < LIMIT + GRACE


def test_silence_in_the_middle_of_the_mail(scripted_relay: Any, authority: Any, make_parcel: Any) -> None:
    """A relay that reads no further is given up as well; the dot is never sent."""
    server = scripted_relay(body=Act.SILENT)
    error, seconds = failed(channel_to(server.port, authority, **SHORT), make_parcel(LARGE))
    assert type(error) is Transient
    assert seconds < LIMIT + GRACE + 1  # encoding what fits into the buffers
    assert server.dots == 0


@pytest.mark.parametrize("step", STEPS)
def test_byte_by_byte(scripted_relay: Any, authority: Any, make_parcel: Any, step: str) -> None:
    """A byte now and then is no sign of life that counts for ever."""
    server = scripted_relay(**{step: slowly(GOOD[step] * 20)})
    error, seconds = failed(
        channel_to(server.port, authority, **{**SHORT, "deadline": f"{LIMIT}s"}), make_parcel()
    )
    assert type(error) is (UnknownOutcome if step == "dot" else Transient)
    assert seconds < LIMIT + GRACE


def test_a_kept_connection_that_froze(scripted_relay: Any, authority: Any, make_parcel: Any) -> None:
    """It is given up within its limit and made anew; the mail goes over the new one, once."""
    server = scripted_relay()
    channel = channel_to(server.port, authority, **SHORT)
    channel.send(make_parcel(), lambda: None)
    server.answers["rset"] = Act.SILENT
    started = time.monotonic()
    channel.send(make_parcel(), lambda: None)
    assert time.monotonic() - started < LIMIT + GRACE
    assert (server.connections, len(server.taken)) == (2, 2)
    channel.close()


def _endless(piece: bytes) -> Any:
    def answer(_: bytes) -> Iterator[bytes]:
        while True:
            yield piece

    return answer


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("piece", [b"250-and more\r\n" * 500, b"x" * 8000])
def test_endless_talk(scripted_relay: Any, authority: Any, make_parcel: Any, step: str, piece: bytes) -> None:
    """A reply without an end, or a line without one, is cut off before it fills the memory."""
    server = scripted_relay(**{step: _endless(piece)})
    error, _ = failed(channel_to(server.port, authority, **SHORT), make_parcel())
    assert type(error) is (UnknownOutcome if step == "dot" else Transient)
    assert "speaks no SMTP" in str(error)
