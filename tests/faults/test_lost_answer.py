"""A real server's answer to the rename is lost: what arrived is found by looking, and never sent twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.staging import Stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.channels.base import Parcel, Receipt, Sighting
    from agent.channels.sftp import Channel
    from tests.servers import Proxy


class Cut:
    """The real channel, on a line that is cut when something is about to become visible."""

    def __init__(self, channel: Channel, proxy: Proxy, towards: str) -> None:
        self._channel, self._proxy, self._towards = channel, proxy, towards
        self.cuts = 1  # how often the line is still cut
        self.heals = True  # whether it is whole again when somebody looks
        self.sends = 0

    def look(self, parcel: Parcel) -> Sighting:
        """Look, over a line that may be whole again."""
        if self.heals:
            self._proxy.limit(self._towards, None)
        return self._channel.look(parcel)

    def send(self, parcel: Parcel, will_publish: Callable[[], None]) -> Receipt:
        """Send, and cut what passes after the ledger was told."""

        def note() -> None:
            will_publish()
            if self.cuts > 0:
                self.cuts -= 1
                self._proxy.limit(self._towards, 0)

        self.sends += 1
        return self._channel.send(parcel, note)

    def close(self) -> None:
        """Let go of the connection."""
        self._channel.close()


@pytest.fixture
def line(tmp_path, inbox, sshd, proxied) -> Iterator[Callable[..., tuple[Stages, Cut]]]:
    """Make the stages and a line to OpenSSH that loses what goes to "client" or "server"."""
    made: list[Any] = []

    def make(towards: str, *, swallow: bool = False) -> tuple[Stages, Cut]:
        proxy = proxied(sshd.port, swallow=swallow)
        short = {"idle_timeout": "1s"} if swallow else {}
        channel = sshd.channel(port=proxy.port, directory=str(inbox), **short)
        made.extend([Stages(tmp_path), Cut(channel, proxy, towards)])
        return made[0], made[1]

    yield make
    for one in made:
        one.close()


def arrived(inbox):
    """Return all that is at the receiver, hidden files too."""
    return {path.name: path.read_bytes() for path in inbox.rglob("*") if path.is_file()}


@pytest.mark.parametrize("swallow", [False, True])
def test_answer_to_the_rename_lost(line, inbox, swallow):
    """The rename was done, its answer cut off or swallowed: SENT by looking, one file, one send."""
    stages, channel = line("client", swallow=swallow)
    batch = stages.ready()
    sent = stages.attempt(channel, batch.id)
    (attempt,) = stages.ledger.attempts(batch.id)
    assert (sent.state, attempt.phase, channel.cuts, channel.sends) == ("SENT", "PUBLISHED", 0, 1)
    assert attempt.evidence.startswith("found at the other end: ")
    assert arrived(inbox) == {batch.name: stages.spool.path(batch.path).read_bytes()}


def test_and_the_line_stays_dead(line, inbox):
    """Nobody can look at once: it waits, looks first at the next attempt, and sends nothing again."""
    stages, channel = line("client")
    batch = stages.ready()
    channel.heals = False
    for outcome in ("unknown", "deferred"):
        assert stages.attempt(channel, batch.id).state == "DEFERRED"
        assert stages.ledger.attempts(batch.id)[-1].outcome == outcome
    channel.heals = True
    assert (stages.attempt(channel, batch.id).state, channel.sends) == ("SENT", 1)
    assert arrived(inbox) == {batch.name: stages.spool.path(batch.path).read_bytes()}


def test_the_rename_itself_lost(line, inbox):
    """What never reached the server is seen to be absent, and the next attempt delivers it, once."""
    stages, channel = line("server")
    batch = stages.ready()
    assert stages.attempt(channel, batch.id).state == "DEFERRED"
    assert batch.name not in arrived(inbox)
    assert (stages.attempt(channel, batch.id).state, channel.sends) == ("SENT", 2)
    assert arrived(inbox) == {batch.name: stages.spool.path(batch.path).read_bytes()}
