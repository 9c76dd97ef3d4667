"""A line cut at every step of a mail, in both directions: the state is right, nothing is sent twice blindly."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from agent.channels.base import Receipt
from agent.errors import ChannelError, LedgerError, Transient, UnknownOutcome
from tests.scripted_relay import GOOD, STEPS, Act, channel_to
from tests.servers import wait_until
from tests.staging import Stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Notes:
    """Where a mail was when the ledger was told."""

    def __init__(self, proxy: Any) -> None:
        self.proxy = proxy
        self.passed: dict[str, int] = {}

    def __call__(self) -> None:
        """Note it."""
        self.passed = dict(self.proxy.passed)


def outcome(channel: Any, parcel: Any, will_publish: Callable[[], None]) -> Receipt | ChannelError:
    """Return how a mail ended."""
    try:
        return channel.send(parcel, will_publish)
    except ChannelError as error:
        return error
    finally:
        channel.close()


@pytest.mark.parametrize("towards", ["client", "server"])
def test_cut_at_every_few_bytes(
    scripted_relay: Any, authority: Any, proxied: Any, make_parcel: Any, towards: str
) -> None:
    """No receipt without the server's word, no doubt before the dot, no half mail taken at the other end."""
    server = scripted_relay()
    proxy = proxied(server.port)
    parcel = make_parcel(b"q" * 3000)
    notes = Notes(proxy)
    proxy.limit(towards, None)
    assert isinstance(outcome(channel_to(proxy.port, authority), parcel, notes), Receipt)
    whole, ends = proxy.passed[towards], []
    for size in [*range(0, whole, max(whole // 40, 1)), *range(whole - 60, whole)]:
        taken, told = len(server.taken), []
        proxy.limit(towards, size)
        end = outcome(channel_to(proxy.port, authority), parcel, lambda told=told: told.append(1))
        proxy.cut()
        if isinstance(end, Receipt):
            assert len(server.taken) == taken + 1
        elif not told:
            assert type(end) is Transient
            assert len(server.taken) == taken
        else:
            assert type(end) is UnknownOutcome
        ends.append(type(end))
    assert {Transient, UnknownOutcome} <= set(ends)


@pytest.fixture
def stages(tmp_path: Path) -> Iterator[Stages]:
    """The stages, on a real ledger."""
    made = Stages(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("step", STEPS)
def test_the_state_after_a_hang_up_at_each_step(
    scripted_relay: Any, authority: Any, stages: Stages, step: str
) -> None:
    """Before the dot: DEFERRED, and sent once when the relay is well again. After it: IN_DOUBT, not sent again."""
    server = scripted_relay(**{step: Act.HANG_UP})
    channel = channel_to(server.port, authority)
    batch = stages.ready()
    first = stages.attempt(channel, batch.id)
    server.answers[step] = GOOD[step]
    if step == "dot":
        assert first.state == "IN_DOUBT"
        assert f"Message-ID is <{batch.id}@example.net>" in first.reason
        assert server.dots == 1
    else:
        assert first.state == "DEFERRED"
        stages.later()
        assert stages.attempt(channel, batch.id).state == "SENT"
        (taken,) = server.taken
        made = format_datetime(datetime.fromtimestamp(int(batch.created_at), UTC))
        assert f"Date: {made}\r\nMessage-ID: <{batch.id}@example.net>\r\n".encode() in taken
    channel.close()


def test_the_answer_to_the_dot_is_lost(postfix: Any, authority: Any, proxied: Any, stages: Stages) -> None:
    """Postfix took the mail and its answer is cut off: IN_DOUBT, one mail, none sent again."""
    proxy = proxied(postfix.port, swallow=True)
    wanted = {"username": "", "password": None, "recipient": postfix.recipient, "final_timeout": "2s"}
    channel = channel_to(proxy.port, authority, **wanted)

    class Cut:
        """The channel, on a line that loses what the server says after the dot."""

        look, close = channel.look, channel.close

        def send(self, parcel: Any, will_publish: Callable[[], None]) -> Receipt:
            """Send."""

            def note() -> None:
                will_publish()
                proxy.limit("client", 0)

            return channel.send(parcel, note)

    batch = stages.ready()
    assert stages.attempt(Cut(), batch.id).state == "IN_DOUBT"
    wait_until(postfix.mails, "the mail")
    (mail,) = postfix.mails()
    assert mail["Message-ID"] == f"<{batch.id}@example.net>"
    channel.close()


def test_the_ledger_cannot_note_it(scripted_relay: Any, authority: Any, make_parcel: Any) -> None:
    """The connection is dropped without the dot, and the next mail goes over a new one."""
    server = scripted_relay()
    channel = channel_to(server.port, authority)

    def full() -> None:
        raise LedgerError("the disk is full")

    with pytest.raises(LedgerError):
        channel.send(make_parcel(), full)
    channel.send(make_parcel(), lambda: None)
    channel.close()
    assert (server.dots, server.connections) == (1, 2)
